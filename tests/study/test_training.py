"""Runs: they repeat to the bit, come again as recorded, survive a stop, and fail on record."""

import json
import os
import random
import subprocess
import sys

from helpers import data, metrics, models
import keras
import numpy as np
import pytest

from study import catalogue, machine, records, schema, training
from study.experiment import Experiment
from study.settings import RECORDED, ROOT

NAMES = [name for name in schema.METRICS if name not in schema.OPTIONAL_METRICS]


class At(keras.callbacks.Callback):
    """Does something after one step of a call of `run`, counted from 1."""

    def __init__(self, step, action):
        super().__init__()
        self.step, self.action, self.done = step, action, 0

    def on_train_batch_end(self, batch, logs=None):
        self.done += 1
        if self.done == self.step:
            self.action(self.model)


class Stopped(BaseException):
    """Stands for whatever ends a run from outside; no `except Exception` may swallow it."""


def stop(*_):
    raise Stopped


def spoil(network):
    """Make one weight of a network NaN, as a diverging update does."""
    weight = network.trainable_variables[-1]
    weight.assign(np.full(weight.shape, np.nan, np.float32))


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def records_in(folder):
    """Names of what stands in a folder, the locks' files aside."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith(".lock-"))


def test_the_record_holds_what_was_run(results, pair, tiny):
    for record, weight in zip(pair, (0.0, 0.1), strict=True):
        run = tiny(moment_weight=weight)
        assert Experiment.from_config(record.config) == run
        assert (record.name, record.status, record.reason) == (run.name, "finished", "")
        assert {name: values.shape for name, values in record.steps.items()} == dict.fromkeys(schema.STEP_NAMES, (6,))
        assert record.images.shape == (3, 40, 28, 28) and record.frame_steps.tolist() == [0, 3, 6]
        assert record.provenance["wall_seconds"] > 0 and record.provenance["threads"] == machine.threads()
        for name in schema.STEP_NAMES:  # the table is the last step of each epoch and the last judgement
            assert np.array_equal(records.compact(record.epochs[name]), record.steps[name][[2, 5]])
        assert list(record.metrics) == list(schema.METRICS)
        assert record.epochs.iloc[-1][list(schema.METRICS)].to_dict() == pytest.approx(record.metrics, rel=1e-8)
    assert records_in(results / "smoke") == [pair[0].name, pair[1].name]  # and no unfinished folder or draft


def test_weights_are_keras_own_after_its_seed_is_set(tiny, monkeypatch):
    """As all recorded runs were started: the private draws are those that Keras would make."""
    keras.utils.set_random_seed(5)
    theirs = [*models.build_generator().get_weights(), *models.build_discriminator().get_weights()]
    monkeypatch.setattr(random, "randint", lambda low, high: pytest.fail("drawn where other threads draw"))
    ours = training.build(tiny(seed=5))
    for one, other in zip([*ours.generator.get_weights(), *ours.discriminator.get_weights()], theirs, strict=True):
        assert one.tobytes() == other.tobytes()


def seen_in(experiment):
    """Weights, first images, noise and dropout state of the first step of a run, as `run` would have them."""
    seen, served = {}, data.Batches.__getitem__

    class Look(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            seen["dropout"] = np.array(self.model.discriminator.get_layer("dropout").seed_generator.state)
            seen["weights"] = [np.array(v) for v in self.model.trainable_variables if "kernel" in v.path]
            raise Stopped

    def note(batches, step):
        found = served(batches, step)
        if step == 0:
            seen["images"], seen["noise"] = found
        return found

    with pytest.MonkeyPatch.context() as patched, pytest.raises(Stopped):
        patched.setattr(data.Batches, "__getitem__", note)
        training.run(experiment, os.environ["STUDY_RESULTS"], [Look()], verbose=0)
    return seen


def test_another_seed_gives_other_weights_order_noise_and_dropout(tiny):
    (one, other), again = [seen_in(tiny(seed=seed)) for seed in (0, 1)], seen_in(tiny(moment_weight=0.0))
    for first, second, same in zip(one["weights"], other["weights"], again["weights"], strict=True):
        assert not np.array_equal(first, second) and np.array_equal(first, same)
    for name in ("images", "noise", "dropout"):
        assert not np.array_equal(one[name], other[name]) and np.array_equal(one[name], again[name]), name


def test_paired_arms_share_weights_order_and_noise(pair):
    plain, moments = pair
    assert plain.images[0].tobytes() == moments.images[0].tobytes()
    # All three values come before the generator's first update; the fourth has the penalty in it.
    for name in ("discriminator_loss", "mean_gap", "variance_gap"):
        assert plain.steps[name][0] == moments.steps[name][0], name
    penalty = 0.1 * (moments.steps["mean_gap"][0] + moments.steps["variance_gap"][0])
    expected = plain.steps["generator_loss"][0] + penalty
    # Each is rounded by up to 2^-16, see `records.compact`.
    assert moments.steps["generator_loss"][0] == pytest.approx(expected, rel=2 * 2.0**-16)
    assert plain.images[-1].tobytes() != moments.images[-1].tobytes()


def test_frames_are_the_generators_as_it_was_judged_by_the_first_judged_images_or_not_at_all(tiny, pair, tmp_path):
    generator = training.build(tiny()).generator
    assert np.array_equal(pair[0].images[0], data.unscale(generator.predict(data.fixed_latents(), verbose=0)))
    made = generator.predict(data.draw_latents(40, data.JUDGED_LATENTS, 0)[:20], verbose=0)
    assert pair[0].frames.iloc[0].to_dict() == pytest.approx({"step": 0, **metrics.judge_quickly(made)}, rel=1e-6)
    record = training.run(tiny(frame_images=0), tmp_path, verbose=0)
    assert list(record.frames) == ["step"]
    assert all(record.steps[name].tobytes() == pair[1].steps[name].tobytes() for name in schema.STEP_NAMES)


FIRST_STEPS = """
import json, sys
import keras
from study import schema, training
from study.experiment import Experiment

class Stop(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        print(json.dumps([float(logs[name]) for name in schema.STEP_NAMES]), flush=True)
        if batch + 1 == int(sys.argv[3]):
            raise SystemExit

training.run(Experiment.from_config(json.loads(sys.argv[1])), sys.argv[2], [Stop()], verbose=0)
"""
BEFORE_THEY_WERE_NOTED = {"instructions": "avx512_bf16", "kernels": "default", "accelerator": "none"}
LONG = [("lesson", 1, "moments"), ("full", 3, "moments"), ("ablation", 3, "placebo"), ("ablation", 3, "rescaled")]
BEGINNINGS = [("lesson", 3, "moments", 5), *(pytest.param(*run, 50, marks=pytest.mark.slow) for run in LONG)]


@pytest.mark.parametrize(("profile", "test", "penalty", "steps"), BEGINNINGS)
def test_a_recorded_run_begins_so_again(tmp_path, profile, test, penalty, steps):
    """To the bit where versions, instructions, oneDNN and threads are those of the record.

    Elsewhere sums run in another order and the paths part: only the first step is compared there, to 1e-3.
    """
    recorded = records.read(Experiment.of_test(test, True, 0, profile, penalty).folder(RECORDED))
    there = {**BEFORE_THEY_WERE_NOTED, **recorded.provenance}
    here = {**machine.provenance(), "threads": there["threads"]}  # as they are set below
    command = [sys.executable, "-c", FIRST_STEPS, json.dumps(recorded.config), str(tmp_path), str(steps)]
    environment = {**os.environ, "TF_NUM_INTRAOP_THREADS": str(there["threads"])}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    again = np.array([json.loads(line) for line in done.stdout.splitlines()])
    expected = np.transpose([recorded.steps[name][:steps] for name in schema.STEP_NAMES])
    assert len(again) == steps
    np.testing.assert_allclose(again[0], expected[0], rtol=1e-3)
    if all(here[name] == there[name] for name in machine.BITS):
        np.testing.assert_array_equal(records.compact(again), expected)


LEAN = {"frames_per_epoch": 0, "frame_images": 0, "grid_images": 5, "judged_epochs": (2,)}


def test_steps_taken_together_are_the_same_steps_and_a_stopped_run_goes_on_between_them(tiny, tmp_path, pair):
    run = tiny(steps_per_execution=3, **LEAN)
    with pytest.raises(Stopped):
        training.run(run, tmp_path, [At(2, stop)], verbose=0)
    record = training.run(run, tmp_path, verbose=0)
    for name, values in pair[1].steps.items():  # one step at a time; of each three the last is logged
        assert record.steps[name].tobytes() == values[2::3].tobytes()
    assert record.images.tobytes() == pair[1].images[-1:, :5].tobytes() and record.metrics == pair[1].metrics
    assert record.epochs["frechet_distance"].isna().tolist() == [True, False]
    assert list(record.frames["step"]) == [6]


@pytest.mark.parametrize("network", ["dense-4-dead-bn-dropout", "conv-g-dense-d"])
def test_other_networks_repeat_to_the_bit(tiny, tmp_path, network, same_bits):
    runs = [training.run(tiny(network=network, **LEAN), tmp_path / name, verbose=0) for name in "ab"]
    same_bits(*runs)


def test_rates_and_beta_reach_their_optimizers(tiny):
    gan = training.build(tiny(learning_rate=0.001, discriminator_rate=0.004, beta_1=0.5))
    assert float(gan.generator_optimizer.learning_rate) == np.float32(0.001)
    assert float(gan.discriminator_optimizer.learning_rate) == np.float32(0.004)
    assert gan.generator_optimizer.beta_1 == gan.discriminator_optimizer.beta_1 == 0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["placebo", "rescaled", "averaged"])
def test_a_stopped_run_of_a_variant_with_a_state_resumes_to_the_same_bits(tiny, tmp_path, same_bits, name):
    run = tiny(penalty=name)
    whole = training.run(run, tmp_path / "whole", verbose=0)
    with pytest.raises(Stopped):
        training.run(run, tmp_path / "stopped", [At(5, stop)], verbose=0)
    same_bits(training.run(run, tmp_path / "stopped", verbose=0), whole)


def test_a_run_stopped_three_times_resumes_to_the_same_bits(tiny, tmp_path, pair, same_bits):
    """In its second epoch, while that is judged, and before its record is written."""
    begun = []
    for step, owner, name in ((5, None, ""), (1000, metrics, "judge"), (1000, records, "write")):
        steps = At(step, stop)
        with pytest.MonkeyPatch.context() as patched, pytest.raises(Stopped):
            if owner:
                patched.setattr(owner, name, stop)
            training.run(tiny(), tmp_path, [steps], verbose=0)
        begun.append(steps.done)
        counts = catalogue.status(tmp_path)
        assert (counts["valid"], counts["runs"], counts["damaged"]) == (0, [], [])  # unfinished is not damaged
    steps = At(1000, stop)
    same_bits(training.run(tiny(), tmp_path, [steps], verbose=0), pair[1])
    assert [*begun, steps.done] == [5, 3, 3, 0]  # each time from the last whole epoch
    assert records_in(tmp_path / "smoke") == [tiny().name]


def test_a_loss_that_is_not_finite_ends_the_run_on_record(tiny, tmp_path):
    spoiler = At(4, lambda model: spoil(model.discriminator))
    record = training.run(tiny(), tmp_path, [spoiler], verbose=0)
    expected = ("failed", {}, "discriminator_loss was nan at step 5")
    assert (record.status, record.metrics, record.reason) == expected
    losses = record.steps["discriminator_loss"]
    assert len(losses) == 5 and np.isnan(losses[4]) and np.isfinite(losses[:4]).all()
    assert record.epochs["epoch"].tolist() == [1, 2]
    assert record.epochs.loc[0, NAMES].notna().all() and record.epochs.loc[1, NAMES].isna().all()
    assert records_in(tmp_path / "smoke") == [tiny().name]


@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_generator_broken_by_the_last_update_of_an_epoch_is_a_failed_run(tiny, tmp_path):
    record = training.run(tiny(), tmp_path, [At(3, lambda model: spoil(model.generator))], verbose=0)
    assert (record.status, record.metrics) == ("failed", {})
    assert record.reason == "the generated images were not finite after step 3"


def test_a_failure_stays_one_when_stopped_before_its_record_was_written(tiny, tmp_path, monkeypatch):
    run = tiny(learning_rate=1e30)
    with monkeypatch.context() as patched, pytest.raises(Stopped):
        patched.setattr(records, "write", stop)
        training.run(run, tmp_path, verbose=0)
    record = training.run(run, tmp_path, verbose=0)
    assert (record.status, record.reason) == ("failed", "generator_loss was nan at step 1")


def test_a_record_is_not_made_again_and_one_of_other_settings_or_damaged_not_passed_off(
    tiny, copied, pair, same_bits, monkeypatch
):
    monkeypatch.setattr(training, "build", lambda experiment: pytest.fail("something was run"))
    before, place = files_of(copied), tiny().folder(copied)
    same_bits(training.run(tiny(), copied), pair[1])
    monkeypatch.setenv("STUDY_RESULTS", str(copied))  # the reader's folder, unless told otherwise
    same_bits(training.run(tiny()), pair[1])
    message = f"Record {place}: expected the settings .*epochs=3.*, found .*epochs=2.*Mend it"
    with pytest.raises(ValueError, match=message) as caught:
        training.run(tiny(epochs=3), copied, verbose=0)
    assert not isinstance(caught.value, schema.RecordError)  # it is not damaged
    assert files_of(copied) == before
    (place / "steps.npz").unlink()
    with pytest.raises(schema.RecordError, match=f"{tiny().name}: expected .*found no steps.npz"):
        training.run(tiny(), copied, verbose=0)
