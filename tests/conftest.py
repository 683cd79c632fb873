"""What the tests share: the images, tiny experiments, and one recorded pair of them."""

import shutil

from helpers import data
from hypothesis import settings
import numpy as np
import pytest
import tensorflow as tf

from study import training
from study.experiment import Experiment

if tf.config.list_physical_devices("GPU"):  # there sums run in any order, and some tests compare bits
    tf.config.experimental.enable_op_determinism()

# The same examples on every machine and every run: a red test is a changed program, not bad luck.
settings.register_profile("fixed", derandomize=True, deadline=None, max_examples=60, database=None)
settings.load_profile("fixed")

TINY = {
    "learning_rate": 0.001,
    "moment_weight": 0.1,
    "seed": 0,
    "profile": "smoke",
    "epochs": 2,
    "batch_size": 20,
    "train_images": 60,
    "judged_images": 40,
    "frames_per_epoch": 1,
    "frame_images": 20,
}


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch, tmp_path):
    """A profile or results folder of the caller must not reach the tests, nor their runs his folder."""
    monkeypatch.delenv("STUDY_PROFILE", raising=False)
    monkeypatch.setenv("STUDY_RESULTS", str(tmp_path / "live"))


@pytest.fixture(scope="session")
def mnist():
    return data.load_mnist()


@pytest.fixture(scope="session")
def archive():
    """The arrays of the shipped archive, as NumPy reads them."""
    with np.load(data.MNIST_PATH, allow_pickle=False) as stored:
        return dict(stored)


@pytest.fixture(scope="session")
def tiny():
    """Factory of experiments of six steps; keywords change their settings."""
    return lambda **changes: Experiment(**{**TINY, **changes})


@pytest.fixture(scope="session")
def results(tmp_path_factory, tiny):
    """Results folder with both arms of a tiny pair. Read only: copy it to change it."""
    folder = tmp_path_factory.mktemp("results")
    for weight in (0.0, 0.1):
        training.run(tiny(moment_weight=weight), folder, verbose=0)
    return folder


@pytest.fixture
def copied(results, tmp_path):
    """A copy of that folder, to be changed."""
    return shutil.copytree(results, tmp_path / "copied")


@pytest.fixture(scope="session")
def pair(results, tiny):
    """The records of that pair: (plain, moments)."""
    return tuple(training.run(tiny(moment_weight=weight), results) for weight in (0.0, 0.1))


@pytest.fixture
def same_bits():
    """Assert that two records hold the same numbers to the last bit, times and machine aside."""

    def check(one, other):
        assert one.config == other.config
        assert (one.status, one.reason, one.metrics) == (other.status, other.reason, other.metrics)
        for name in one.steps:
            assert one.steps[name].tobytes() == other.steps[name].tobytes(), name
        assert one.images.tobytes() == other.images.tobytes()
        for tables in ([record.epochs.drop(columns="seconds") for record in (one, other)], [one.frames, other.frames]):
            assert tables[0].to_csv(float_format="%.9g") == tables[1].to_csv(float_format="%.9g")

    return check
