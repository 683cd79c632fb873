"""The description of a run: what it refuses, what it is called, and where its settings come from."""

import dataclasses
import json

import numpy as np
import pytest

from study import settings
from study.experiment import PENALTIES, Experiment
from study.plans import experiments

NAN, INFINITY = float("nan"), float("inf")
WRONG = {
    "learning_rate": (0, 0.0, -0.001, NAN, INFINITY, "0.001", None, [0.1], True, 1e-50, 1e39, 10**400),
    "moment_weight": (-0.1, NAN, INFINITY, "0.1", None, 1e-50, 1e39, 10**400),
    "seed": (-1, 0.5, NAN, INFINITY, "0", None, False, 2**32, 2**53 + 1, 2.0**53, 10**400),
    "epochs": (0, -1, 1.5, NAN, INFINITY, "2", 0.0),
    "batch_size": (1, 0, -20, 61, 20.5, NAN, INFINITY, "20"),  # of 60 images
    "train_images": (1, 55_001, 60.5, None),
    "judged_images": (19, 10_001),
    "frames_per_epoch": (-1, 4),  # of three steps
    "frame_images": (-1, 1, 41),  # of 40 judged ones; one has no variance
    "penalty": ("", "Mean", "both", None, ["mean"]),
    "profile": ("", "Full", None),
    "network": ("", "dense", None, ["dcgan"]),
    "discriminator_rate": (0, -1.0, NAN, "0.1"),
    "beta_1": (-0.1, 1, NAN, "0.5", None, True),
    "variance_weight": (0, -0.1, NAN, "0.1"),
    "regularizer": ("", "R1", None),
    "regularizer_weight": (0, -1, NAN, 1.0),  # there is no regularizer
    "judged_epochs": ((), (1,), (2, 1, 2), (0, 2), (1, 3), (1.5, 2), "12", 2),  # of two
    "steps_per_execution": (0, 2, 4, 1.5),  # of three
    "grid_images": (0, 41, 1.5, None),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_setting_is_named_in_one_short_line(tiny, name, value):
    with pytest.raises(ValueError) as caught:
        tiny(**{name: value})
    message = str(caught.value)
    assert message.startswith(f"{name.replace('_', ' ').capitalize()}: expected ") and ", found " in message
    assert len(message) < 300 and "\n" not in message
    ending = " Mend it with, for instance, STUDY_PROFILE=lesson." if name == "profile" else ""
    assert len(str(value)) > 20 or message.endswith(f"found {value!r}.{ending}")


def test_settings_that_do_not_go_together_are_named(tiny):
    with pytest.raises(ValueError, match="Penalty: expected moments with a moment weight of 0.*found 'mean'"):
        tiny(moment_weight=0, penalty="mean")
    with pytest.raises(ValueError, match="Batch size: expected 4 or more for the debiased penalty, found 3"):
        tiny(batch_size=3, penalty="debiased")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"seed": 2**32 - 1}, {"seed": 2**32 - 1}),
        ({"learning_rate": 1e30}, {"learning_rate": 1e30}),  # absurd, but a float32: it fails on record
        ({"learning_rate": 1, "moment_weight": 0}, {"learning_rate": 1.0, "moment_weight": 0.0}),
        ({"learning_rate": np.float64(0.1), "moment_weight": -0.0}, {"learning_rate": 0.1, "moment_weight": 0.0}),
        ({"seed": np.int64(0), "epochs": np.int64(2), "batch_size": 20.0}, {"seed": 0, "epochs": 2, "batch_size": 20}),
        ({"frames_per_epoch": 2.0}, {"frames_per_epoch": 2}),
    ],
)
def test_numbers_of_any_kind_are_one_experiment(tiny, given, kept):
    found, expected = tiny(**given), tiny(**kept)
    assert found == expected and (found.name, found.digest) == (expected.name, expected.digest)
    assert all(type(getattr(found, name)) is type(value) for name, value in kept.items())
    assert json.loads(json.dumps(dataclasses.asdict(found))) == dataclasses.asdict(expected)


@pytest.mark.parametrize(("test", "rate"), [(1, 0.01), (2, 0.001), (3, 0.0001)])
@pytest.mark.parametrize(("moments", "weight", "arm"), [(True, 0.1, "moments"), (False, 0.0, "plain")])
def test_the_tests_of_the_study(test, rate, moments, weight, arm):
    found = Experiment.of_test(test, moments, seed=5, profile="full")
    assert found == Experiment(rate, weight, 5, "full", 20, 100, 55_000, 10_000, 1, 0)
    assert (found.test, found.arm, found.steps_per_epoch) == (test, arm, 550)


@pytest.mark.parametrize("profile", settings.PROFILES)
def test_every_profile_makes_an_experiment_of_its_sizes(profile):
    found = Experiment.of_test(3, True, profile=profile)
    sizes = settings.PROFILES[profile]
    assert {name: getattr(found, name) for name in sizes} == sizes
    last = found.epochs * found.steps_per_epoch
    assert found.frame_steps[-1] == last and len(set(found.frame_steps)) == len(found.frame_steps)
    assert len(found.frame_steps) == (found.epochs * found.frames_per_epoch + 1)
    if profile.startswith("batch") or profile in ("lesson", "ablation"):  # so that their runs can be compared
        assert (found.steps_per_epoch, found.epochs) == (550, 1)


def test_names_tell_runs_of_a_profile_apart(tiny):
    assert len({run.name for run in experiments(seeds=range(3), profile="smoke")}) == 18
    assert Experiment.of_test(3, False, 7, "smoke").name == "lr0.0001-moments0-seed7"
    assert tiny().name == "lr0.001-moments0.1-seed0"
    assert tiny(penalty="mean").name == "lr0.001-moments0.1-seed0-mean"
    assert len({tiny(penalty=name).name for name in PENALTIES}) == len(PENALTIES)

    changes = ({}, {"epochs": 3}, {"judged_images": 30}, {"penalty": "mean"}, {"frames_per_epoch": 2})
    assert len({tiny(**change).digest for change in changes}) == len(changes)  # and unfinished ones of other settings


def test_settings_come_back_and_those_of_other_versions_are_named(tiny):
    config = dataclasses.asdict(tiny())
    older, lacking = ({key: config[key] for key in config if key != name} for name in ("penalty", "learning_rate"))
    assert Experiment.from_config(config) == Experiment.from_config(older) == tiny()
    for other in ({**config, "momentum": 0.9}, lacking):
        with pytest.raises(ValueError, match="Settings: expected learning_rate, .*, found .*Mend it"):
            Experiment.from_config(other)


def test_the_readers_results_are_where_he_says_from_wherever_he_says_it(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    of_the_repository = {"": "results/live", "mine/runs": "mine/runs"}  # wherever notebooks and commands run
    expected = {named: settings.ROOT / place for named, place in of_the_repository.items()}
    for named, place in {**expected, str(tmp_path): tmp_path, "~/runs": tmp_path / "home" / "runs"}.items():
        monkeypatch.setenv("STUDY_RESULTS", named)
        assert settings.live_results() == place
    monkeypatch.delenv("STUDY_RESULTS")
    assert settings.live_results() == settings.ROOT / "results" / "live"
