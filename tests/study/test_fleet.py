"""Runs trained together by JAX: the step is that of TensorFlow, and the records are like any other."""

import dataclasses
import importlib.util
import json
import os
import random
import subprocess
import sys

import numpy as np
import pytest

from study import networks, plans, records, settings, training

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is an extra: pip install -e .[gpu]"),
]

# Trains runs, described in a file, with the initial weights that TensorFlow drew.
FLEET = """
import json, sys
import numpy as np
from pathlib import Path
if __name__ == "__main__":
    from study import fleet
    from study.experiment import Experiment
    folder = Path(sys.argv[1])
    runs = [Experiment.from_config(config) for config in json.loads((folder / "runs.json").read_text())]
    drawn = fleet._untrained
    def untrained(network, seed, regularizer):
        state = drawn(network, seed, regularizer)
        with np.load(folder / f"{network}-{seed}.npz") as stored:
            for name in state:
                if not name.endswith("_other"):
                    state[name] = [fleet.jnp.asarray(stored[f"{name}{i}"]) for i in range(len(state[name]))]
        return state
    fleet._untrained = untrained
    fleet.run(runs, folder / "jax", workers=1)
"""


def fleet(runs, folder):
    """Train runs by JAX in another process, from TensorFlow's initial weights; return their records."""
    for network, seed, regularizer in {(run.network, run.seed, run.regularizer) for run in runs}:
        pair = networks.build(network, random.Random(seed), regularizer)
        arrays = {
            f"{name}{index}": np.asarray(variable)
            for name, model in zip(("generator", "discriminator"), pair, strict=True)
            for index, variable in enumerate(model.trainable_variables)
        }
        np.savez(folder / f"{network}-{seed}.npz", **arrays)
    (folder / "runs.json").write_text(json.dumps([dataclasses.asdict(run) for run in runs]))
    (folder / "fleet.py").write_text(FLEET)
    environment = {**os.environ, "STUDY_ENGINE": "jax", "PYTHONPATH": str(settings.ROOT), "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, str(folder / "fleet.py"), str(folder)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return [records.read(run.folder(folder / "jax")) for run in runs]


@pytest.mark.parametrize("network", ["dense-2", "conv-g-dense-d"])
def test_a_fleet_takes_the_steps_that_tensorflow_takes(network, tmp_path):
    """From the same weights, images and noise; dropout alone is drawn otherwise, and these pairs have none."""
    small = {"network": network, "frame_images": 0, "frames_per_epoch": 0, "epochs": 1, "train_images": 1_000}
    arms = ["plain", "moments", "mean", "covariance"] if network == "dense-2" else ["moments"]
    runs = plans.at_rates([0.001], arms, [0], "smoke", **small)
    if network == "dense-2":
        runs += plans.at_rates([0.001], ["plain"], [1], "smoke", regularizer="r1", discriminator_rate=0.004, **small)
    for run, record in zip(runs, fleet(runs, tmp_path), strict=True):
        expected = training.run(run, tmp_path / "tensorflow", verbose=0)
        assert record.config == expected.config and record.provenance["backend"] == "jax"
        # Ten steps of float32: sums in another order differ by some 1e-6, and Adam's first steps, of the
        # sign of each gradient, turn a rounding where a gradient is about 0 into a whole step of that weight.
        for name, values in expected.steps.items():
            np.testing.assert_allclose(record.steps[name], values, rtol=0.02, atol=0.002, err_msg=f"{run.name} {name}")
            np.testing.assert_allclose(record.steps[name][:2], values[:2], rtol=2e-3, atol=1e-4)


def test_a_diverging_run_fails_on_record_and_the_others_go_on(tmp_path):
    small = {"network": "dense-2", "frame_images": 0, "frames_per_epoch": 1, "train_images": 400}
    runs = [
        *plans.at_rates([1e30], ["plain"], [0], "smoke", **small),
        *plans.at_rates([0.001], ["plain"], [0], "smoke", **small),
    ]
    bad, good = fleet(runs, tmp_path)
    assert bad.status == "failed" and "nan" in bad.reason and not bad.metrics
    assert good.status == "finished" and len(good.images) == 3  # before, and after both epochs
