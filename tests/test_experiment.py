"""One run: its settings, that it repeats to the bit, survives a kill, and fails on record."""

import contextlib
import dataclasses
import hashlib
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest

from helpers import data, experiment, machine, metrics, models, penalties, records, study
from helpers.experiment import RECORDED, ROOT, Experiment
from helpers.gan import GAN

NAN, INFINITY = float("nan"), float("inf")

WRONG_SETTINGS = [
    *[("learning_rate", value, "Learning rate") for value in (0, 0.0, -0.001, NAN, INFINITY, "0.001", None, [0.1])],
    *[("moment_weight", value, "Moment weight") for value in (-0.1, NAN, INFINITY, "0.1", None)],
    *[("batch_size", value, "Batch size") for value in (1, 0, -20, 61, 20.5, NAN, "20")],
    *[("seed", value, "Seed") for value in (-1, 0.5, NAN, "0", None)],
    *[("epochs", value, "Epochs") for value in (0, -1, 1.5, NAN, "2")],
]


class At(keras.callbacks.Callback):
    """Does something after one step of the whole run, counted from 1."""

    def __init__(self, step, action):
        super().__init__()
        self.step, self.action, self.done = step, action, 0

    def on_train_batch_end(self, batch, logs=None):
        self.done += 1
        if self.done == self.step:
            self.action(self.model)


class Stopped(BaseException):
    """Stands for whatever ends a run from outside; no `except Exception` may swallow it."""


def stop(model):
    raise Stopped


def spoil(network):
    """Make one weight of a network NaN, as a diverging update does."""
    weight = network.trainable_variables[-1]
    weight.assign(np.full(weight.shape, np.nan, np.float32))


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("name", "value", "title"), WRONG_SETTINGS)
def test_wrong_settings_are_named(tiny, name, value, title):
    with pytest.raises(ValueError) as caught:
        tiny(**{name: value})
    message = str(caught.value)
    assert message.startswith(f"{title}: expected ") and message.endswith(f"found {value!r}.")


@pytest.mark.parametrize("name", ["seed", "epochs", "batch_size"])
def test_infinite_counts_are_named(tiny, name):
    with pytest.raises(ValueError, match="expected an integer.*found inf"):
        tiny(**{name: INFINITY})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("train_images", 55_001),
        ("train_images", 60.5),
        ("judged_images", 19),
        ("judged_images", 10_001),
        ("frames_per_epoch", 0),
        ("frames_per_epoch", -1),
        ("frames_per_epoch", 4),  # of three steps
        ("frame_images", -1),
        ("frame_images", 41),  # of 40 judged ones
    ],
)
def test_wrong_sizes_are_named_before_the_training(tiny, name, value):
    with pytest.raises(ValueError, match=f"expected .*found {value}"):
        tiny(**{name: value})


@pytest.mark.parametrize("name", ["", "tiny", "Full", None])
def test_a_bad_profile_is_named_with_the_good_ones(tiny, name):
    with pytest.raises(
        ValueError,
        match="Profile: expected one of smoke, lesson, full, ablation, batch10, batch25, batch50, found .*Mend it",
    ):
        tiny(profile=name)


def test_smaller_batches_take_as_many_steps():
    runs = [Experiment.of_test(2, True, profile=name) for name in ("batch10", "batch25", "batch50", "ablation")]
    assert [run.batch_size for run in runs] == [10, 25, 50, 100]
    assert {run.steps_per_epoch * run.epochs for run in runs} == {550}


def test_an_experiment_cannot_be_changed(tiny):
    with pytest.raises(dataclasses.FrozenInstanceError):
        tiny().seed = 1


@pytest.mark.parametrize("test", [0, 4, "1", None])
def test_there_are_three_tests(test):
    with pytest.raises(ValueError, match="Test: expected 1, 2 or 3, found"):
        Experiment.of_test(test, True, profile="smoke")


@pytest.mark.parametrize(("test", "rate"), [(1, 0.01), (2, 0.001), (3, 0.0001)])
@pytest.mark.parametrize(("moments", "weight"), [(True, 0.1), (False, 0.0)])
def test_the_tests_of_the_study(test, rate, moments, weight):
    found = Experiment.of_test(test, moments, seed=5, profile="full")
    assert found == Experiment(rate, weight, 5, "full", 20, 100, 55_000, 10_000, 1, 0)
    assert found.steps_per_epoch == 550


def test_a_profile_from_the_environment(monkeypatch):
    monkeypatch.setenv("STUDY_PROFILE", "smoke")
    assert Experiment.of_test(1, True).profile == experiment.current_profile() == "smoke"
    monkeypatch.setenv("STUDY_PROFILE", "quick")
    names = "smoke, lesson, full, ablation, batch10, batch25, batch50"
    with pytest.raises(ValueError, match=f"Profile: expected one of {names}, found 'quick'.*Mend it"):
        Experiment.of_test(1, True)


def test_without_a_profile_the_hardware_decides(monkeypatch):
    for gpus, expected in (([], "lesson"), (["a GPU"], "full")):
        monkeypatch.setattr(experiment, "accelerators", lambda gpus=gpus: gpus)
        assert experiment.current_profile() == expected


def test_profiles_are_valid_experiments():
    for profile, sizes in experiment.PROFILES.items():
        found = Experiment.of_test(3, True, profile=profile)
        assert {name: getattr(found, name) for name in sizes} == sizes
        assert 20 <= found.judged_images <= 10_000 and found.frames_per_epoch <= found.steps_per_epoch


def test_names_tell_runs_of_a_profile_apart():
    runs = study.experiments(seeds=range(3), profile="smoke")
    assert len({run.name for run in runs}) == len(runs) == 18
    assert Experiment.of_test(3, False, 7, "smoke").name == "lr0.0001-moments0-seed7"


@pytest.mark.parametrize("name", ["", "Mean", "both", None, ["mean"]])
def test_a_bad_penalty_is_named_with_the_good_ones(tiny, name):
    with pytest.raises(ValueError, match="Penalty: expected one of moments, mean, variance, .*, found"):
        tiny(penalty=name)


def test_the_plain_arm_has_one_name(tiny):
    with pytest.raises(ValueError, match="Penalty: expected moments with a moment weight of 0.*found 'mean'"):
        tiny(moment_weight=0, penalty="mean")


def test_debiased_gaps_need_four_images(tiny):
    with pytest.raises(ValueError, match="Batch size: expected 4 or more.*found 3"):
        tiny(penalty="debiased", batch_size=3)


def test_only_another_penalty_changes_the_name(tiny):
    assert tiny().name == "lr0.001-moments0.1-seed0"
    assert tiny(penalty="mean").name == "lr0.001-moments0.1-seed0-mean"
    assert len({tiny(penalty=name).name for name in penalties.NAMES}) == len(penalties.NAMES)


def test_unfinished_runs_from_before_there_were_penalties_are_taken_up(tiny):
    before = repr(tiny()).replace(", penalty='moments'", "")
    assert before.endswith("frame_images=20)")
    assert tiny()._digest == hashlib.sha256(before.encode()).hexdigest()[:8]
    assert tiny()._digest != tiny(penalty="mean")._digest


def test_settings_of_older_records_have_the_default_penalty(tiny):
    config = dataclasses.asdict(tiny())
    assert Experiment.from_config(config) == tiny()
    del config["penalty"]
    assert Experiment.from_config(config) == tiny()


@pytest.mark.parametrize("change", [{"momentum": 0.9}, {"learning_rate": None}])
def test_settings_of_another_version_are_named(tiny, change):
    config = {**dataclasses.asdict(tiny()), **change}
    config = {name: value for name, value in config.items() if value is not None}
    with pytest.raises(ValueError, match="Settings: expected learning_rate, .*, found .*Mend it"):
        Experiment.from_config(config)


def test_an_older_record_is_the_same_experiment(tiny, copied, monkeypatch):
    monkeypatch.setattr(Experiment, "build", lambda self: pytest.fail("it was run again"))
    path = copied / "smoke" / tiny().name / "record.json"
    header = json.loads(path.read_text())
    del header["config"]["penalty"]
    path.write_text(json.dumps(header))
    assert tiny().run(copied).name == tiny().name


@pytest.mark.parametrize("name", ["placebo", "rescaled", "averaged"])
def test_variants_with_a_state_resume_to_the_same_bits(tiny, tmp_path, same_bits, name):
    run = tiny(penalty=name)
    whole = run.run(tmp_path / "whole", verbose=0)
    with pytest.raises(Stopped):
        run.run(tmp_path / "stopped", callbacks=[At(5, stop)], verbose=0)
    same_bits(run.run(tmp_path / "stopped", verbose=0), whole)


def test_the_record_holds_what_was_run(results, pair, tiny):
    for record, weight in zip(pair, (0.0, 0.1), strict=True):
        run = tiny(moment_weight=weight)
        assert Experiment(**record.config) == run
        assert record.name == run.name
        assert (results / "smoke" / run.name / "record.json").is_file()
        assert (record.status, record.reason) == ("finished", "")


def test_the_record_has_the_documented_sizes(pair):
    for record in pair:
        assert {name: values.shape for name, values in record.steps.items()} == dict.fromkeys(records.STEP_NAMES, (6,))
        assert all(values.dtype == np.float32 and np.isfinite(values).all() for values in record.steps.values())
        assert record.images.shape == (3, 40, 28, 28)
        assert record.frame_steps.tolist() == [0, 3, 6]
        assert list(record.frames) == ["step", *metrics.QUICK_NAMES]
        assert record.epochs["epoch"].tolist() == [1, 2]
        assert list(record.epochs) == ["epoch", "seconds", *records.STEP_NAMES, *metrics.RECORDED]


def test_the_table_is_the_steps_last_of_each_epoch_and_the_last_judgement(pair):
    for record in pair:
        for name in records.STEP_NAMES:
            assert np.array_equal(records.compact(record.epochs[name]), record.steps[name][[2, 5]])
        assert tuple(record.metrics) == metrics.RECORDED
        last = record.epochs.iloc[-1]
        assert {name: last[name] for name in metrics.RECORDED} == pytest.approx(record.metrics, rel=1e-8)


def test_the_record_says_where_it_comes_from(pair):
    found = pair[0].provenance
    assert found["keras"] == keras.__version__ and found["numpy"] == np.__version__
    assert found["python"] == sys.version.split()[0]
    assert {"tensorflow", "scipy", "scikit-learn", "backend", "system", "device", "cores", "commit"} <= set(found)
    assert found["wall_seconds"] > 0 and found["started"].startswith("20")


def test_nothing_but_records_is_left_behind(results):
    assert sorted(path.name for path in (results / "smoke").iterdir()) == [
        "lr0.001-moments0-seed0",
        "lr0.001-moments0.1-seed0",
    ]


def test_the_same_experiment_gives_the_same_bits(tiny, pair, tmp_path, same_bits):
    same_bits(tiny().run(tmp_path, verbose=0), pair[1])


def test_weights_are_keras_own_after_its_seed_is_set(tiny):
    """As all recorded runs were started: the private draws are those that Keras would make."""
    ours = tiny(seed=5).build()
    keras.utils.set_random_seed(5)
    theirs = [models.build_generator(), models.build_discriminator()]
    for one, other in zip((ours.generator, ours.discriminator), theirs, strict=True):
        for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
            assert a.tobytes() == b.tobytes()


def test_what_others_draw_does_not_change_the_weights(tiny, monkeypatch):
    first = tiny().build().generator.get_weights()
    monkeypatch.setattr(random, "randint", lambda low, high: high)  # as if another thread drew in between
    for a, b in zip(first, tiny().build().generator.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()


FIRST_STEPS = """
import json, sys
import keras
from helpers import records
from helpers.experiment import Experiment

class Stop(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        print(json.dumps([float(logs[name]) for name in records.STEP_NAMES]), flush=True)
        if batch == 49:
            raise SystemExit

Experiment(**json.loads(sys.argv[1])).run(sys.argv[2], callbacks=[Stop()], verbose=0)
"""


def test_a_recorded_full_run_begins_so_again(tmp_path):
    recorded = records.read(Experiment.of_test(3, moments=True, profile="full").folder(RECORDED))
    here, there = machine.provenance(), recorded.provenance
    command = [sys.executable, "-c", FIRST_STEPS, json.dumps(recorded.config), str(tmp_path)]
    settings = {**os.environ, "TF_NUM_INTRAOP_THREADS": str(there["threads"])}
    printed = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=True).stdout
    again = np.array([json.loads(line) for line in printed.splitlines()])
    expected = np.transpose([recorded.steps[name][:50] for name in records.STEP_NAMES])
    np.testing.assert_allclose(again[0], expected[0], rtol=1e-3)
    if here["device"] == there["device"]:  # elsewhere sums run in another order, and the paths part
        np.testing.assert_allclose(again, expected, rtol=1e-3)


def test_another_seed_gives_other_weights_order_and_noise(tiny, pair):
    one, other = (tiny(seed=seed).build() for seed in (0, 1))
    for first, second in zip(one.trainable_variables, other.trainable_variables, strict=True):
        if "kernel" in first.path:
            assert not np.array_equal(first, second)


def test_the_first_frame_is_made_by_the_untrained_generator(tiny, pair):
    made = tiny().build().generator.predict(data.fixed_latents(), verbose=0)
    assert np.array_equal(pair[0].images[0], data.unscale(made))


def test_frames_are_judged_by_the_first_of_the_judged_images(tiny, pair):
    latents = data.draw_latents(40, data.JUDGED_LATENTS, 0)[:20]
    made = tiny().build().generator.predict(latents, verbose=0)
    assert pair[0].frames.iloc[0].to_dict() == pytest.approx({"step": 0, **metrics.judge_quickly(made)}, rel=1e-6)


def test_frames_need_not_be_judged(tiny, tmp_path, pair):
    record = tiny(frame_images=0).run(tmp_path, verbose=0)
    assert list(record.frames) == ["step"]
    assert all(record.steps[name].tobytes() == pair[1].steps[name].tobytes() for name in records.STEP_NAMES)


def test_paired_arms_share_weights_order_and_noise(pair):
    plain, moments = pair
    assert plain.images[0].tobytes() == moments.images[0].tobytes()
    # All three values come before the generator's first update; the fourth has the penalty in it.
    for name in ("discriminator_loss", "mean_gap", "variance_gap"):
        assert plain.steps[name][0] == moments.steps[name][0], name
    penalty = 0.1 * (moments.steps["mean_gap"][0] + moments.steps["variance_gap"][0])
    assert moments.steps["generator_loss"][0] == pytest.approx(
        plain.steps["generator_loss"][0] + penalty, rel=2 * 2.0**-16
    )  # each is rounded by up to 2^-16, see `records.compact`
    assert plain.images[-1].tobytes() != moments.images[-1].tobytes()


def test_a_recorded_run_is_not_run_again(tiny, results, pair, monkeypatch, same_bits):
    monkeypatch.setattr(Experiment, "build", lambda self: pytest.fail("it was run again"))
    before = files_of(results)
    same_bits(tiny().run(results), pair[1])
    assert files_of(results) == before


def test_runs_go_to_the_readers_folder_unless_told_otherwise(tiny, results, tmp_path, monkeypatch):
    monkeypatch.setattr(Experiment, "build", lambda self: pytest.fail("it looked elsewhere"))
    monkeypatch.setenv("STUDY_RESULTS", str(results))
    assert tiny().run().name == tiny().name
    monkeypatch.delenv("STUDY_RESULTS")
    assert experiment.live_results() == experiment.ROOT / "results" / "live"


KILLED_RUN = """
import os, signal, sys
import keras
from helpers.experiment import RECORDED, ROOT, Experiment

class Kill(keras.callbacks.Callback):
    seen = 0

    def on_train_batch_end(self, batch, logs=None):
        self.seen += 1
        if self.seen == 5:
            os.kill(os.getpid(), signal.SIGKILL)

Experiment(**{settings}).run(sys.argv[1], callbacks=[Kill()], verbose=0)
"""


def test_a_killed_run_resumes_to_the_same_bits(tiny, pair, tmp_path, same_bits):
    code = KILLED_RUN.replace("{settings}", repr(dataclasses.asdict(tiny())))
    killed = subprocess.run([sys.executable, "-c", code, tmp_path], cwd=experiment.ROOT, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert not (tmp_path / "smoke" / tiny().name).exists()
    assert study.status(tmp_path) == {"valid": 0, "runs": [], "damaged": []}  # unfinished is not damaged

    steps = At(1000, None)
    same_bits(tiny().run(tmp_path, callbacks=[steps], verbose=0), pair[1])
    assert steps.done == 3  # the second epoch only
    assert [path.name for path in (tmp_path / "smoke").iterdir()] == [tiny().name]


@pytest.fixture(scope="module")
def unfinished(tiny, tmp_path_factory):
    """Results folder of a run that was stopped while it judged its second and last epoch."""
    folder, calls, judge = tmp_path_factory.mktemp("unfinished"), [], metrics.judge

    def stop_the_second_time(images):
        calls.append(len(images))
        return judge(images) if len(calls) == 1 else stop(None)

    with pytest.MonkeyPatch.context() as patched, pytest.raises(Stopped):
        patched.setattr(metrics, "judge", stop_the_second_time)
        tiny().run(folder, verbose=0)
    return folder


@pytest.mark.parametrize(
    ("changes", "expected"), [({}, 1), ({"batch_size": 30}, 0), ({"epochs": 3}, 0), ({"judged_images": 20}, 0)]
)
def test_only_the_same_settings_take_up_an_unfinished_run(tiny, unfinished, monkeypatch, changes, expected):
    begun = []

    def fit(self, *arguments, initial_epoch, **keywords):
        begun.append(initial_epoch)
        raise Stopped

    monkeypatch.setattr(GAN, "fit", fit)
    with pytest.raises(Stopped):
        tiny(**changes).run(unfinished, verbose=0)
    assert begun == [expected]


def test_a_run_stopped_twice_resumes_to_the_same_bits(tiny, pair, unfinished, tmp_path, same_bits, monkeypatch):
    shutil.copytree(unfinished, tmp_path, dirs_exist_ok=True)
    with monkeypatch.context() as patched, pytest.raises(Stopped):
        patched.setattr(records, "write", lambda folder, record: stop(None))
        tiny().run(tmp_path, verbose=0)  # all of its epochs are done now, its record is not written
    steps = At(1000, None)
    same_bits(tiny().run(tmp_path, callbacks=[steps], verbose=0), pair[1])
    assert steps.done == 0


def test_a_loss_that_is_not_finite_ends_the_run_on_record(tiny, tmp_path):
    spoiler = At(4, lambda model: spoil(model.discriminator))
    run = tiny()
    record = run.run(tmp_path, callbacks=[spoiler], verbose=0)
    assert (record.status, record.metrics) == ("failed", {})
    assert record.reason == "discriminator_loss was nan at step 5"
    assert len(record.steps["discriminator_loss"]) == 5
    assert np.isnan(record.steps["discriminator_loss"][4]) and np.isfinite(record.steps["discriminator_loss"][:4]).all()
    assert record.epochs["epoch"].tolist() == [1, 2]
    judged = record.epochs[list(metrics.NAMES)]
    assert judged.iloc[0].notna().all() and judged.iloc[1].isna().all()

    again = records.read(tmp_path / "smoke" / run.name)
    assert (again.status, again.reason, again.metrics) == ("failed", record.reason, {})
    assert [path.name for path in (tmp_path / "smoke").iterdir()] == [run.name]


@pytest.fixture(scope="module")
def study_with_a_failure(tiny, results, tmp_path_factory):
    """A study whose first run diverges at once and whose second is recorded: folder, records, what was printed."""
    folder = tmp_path_factory.mktemp("failing")
    shutil.copytree(results / "smoke" / tiny().name, folder / "smoke" / tiny().name)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        done = study.run([tiny(learning_rate=1e30), tiny()], folder, verbose=0)
    return folder, done, printed.getvalue()


def test_a_failed_run_does_not_stop_the_next(study_with_a_failure):
    _, (failed, next_one), printed = study_with_a_failure
    assert (failed.status, next_one.status) == ("failed", "finished")
    assert failed.reason == "generator_loss was nan at step 1"
    assert f"failed {failed.reason}" in printed and "[2/2]" in printed


def test_a_failed_run_is_a_row_without_metrics(study_with_a_failure):
    folder, (failed, _), _ = study_with_a_failure
    runs = study.load_runs(folder).set_index("name")
    assert runs.loc[failed.name, "status"] == "failed" and runs.loc[failed.name, "reason"] == failed.reason
    assert runs.loc[failed.name, list(metrics.NAMES)].isna().all()
    assert (study.table(runs.loc[[failed.name]])[["precision ↑", "entropy ↑"]] == "failed").all(axis=None)
    assert {run["failed"] for run in study.status(folder)["runs"]} == {0, 1}


def test_metrics_are_numbers_even_if_every_run_failed(study_with_a_failure, tmp_path):
    folder, (failed, _), _ = study_with_a_failure
    shutil.copytree(folder / "smoke" / failed.name, tmp_path / "smoke" / failed.name)
    assert {dtype.kind for dtype in study.load_runs(tmp_path)[list(metrics.NAMES)].dtypes} == {"f"}


def test_a_failure_stays_one_when_stopped_before_its_record_was_written(tiny, tmp_path, monkeypatch):
    run = tiny(learning_rate=1e30)
    with monkeypatch.context() as patched, pytest.raises(Stopped):
        patched.setattr(records, "write", lambda folder, record: stop(None))
        run.run(tmp_path, verbose=0)
    record = run.run(tmp_path, verbose=0)
    assert (record.status, record.reason) == ("failed", "generator_loss was nan at step 1")


@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_generator_broken_by_the_last_update_of_an_epoch_is_a_failed_run(tiny, tmp_path):
    spoiler = At(3, lambda model: spoil(model.generator))
    record = tiny().run(tmp_path, callbacks=[spoiler], verbose=0)
    assert (record.status, record.metrics) == ("failed", {})
    assert "step 3" in record.reason


@pytest.fixture
def copied(results, tmp_path):
    """A copy of the recorded pair, to be damaged."""
    shutil.copytree(results, tmp_path / "copied")
    return tmp_path / "copied"


def test_a_record_of_other_settings_is_not_passed_off(tiny, copied):
    before = files_of(copied)
    with pytest.raises(ValueError) as caught:
        tiny(epochs=3).run(copied, verbose=0)
    message = str(caught.value)
    assert "expected the settings" in message and "'epochs': 3" in message and "'epochs': 2" in message
    assert str(copied / "smoke" / tiny().name) in message and "Mend it" in message
    assert not isinstance(caught.value, records.RecordError)  # it is not damaged
    assert files_of(copied) == before


@pytest.mark.parametrize("name", records.FILES)
def test_a_damaged_record_is_named_and_kept(tiny, copied, name):
    (copied / "smoke" / tiny().name / name).unlink()
    before = files_of(copied)
    with pytest.raises(records.RecordError, match=f"{tiny().name}: expected .*found no {name}"):
        tiny().run(copied, verbose=0)
    assert files_of(copied) == before


@pytest.mark.parametrize("below", ["", "results"])
def test_results_that_cannot_be_written(tiny, tmp_path, below, monkeypatch):
    monkeypatch.setattr(Experiment, "build", lambda self: pytest.fail("it should say so before any work"))
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(PermissionError, match="Results folder .*expected one that can be written.*Mend it"):
        tiny().run(file / below, verbose=0)


def test_settings_may_come_from_numpy(tiny, results, pair):
    run = tiny(seed=np.int64(0), epochs=np.int64(2))
    assert json.dumps(dataclasses.asdict(run)) == json.dumps(pair[1].config)
    run.build()
