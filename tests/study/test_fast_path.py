"""The fast step is the plain one: one generator forward for two, fused normalisation, fused Adam.

The first of these and Adam are tested in float64 over 20 steps without a stop. The kernel of the
fused normalisation exists in float32 only, where two correct programs drift apart (see
tests/test_fleet.py); so it is tested over 20 steps that each begin from the same state.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from networks import NARROW, plain_discriminator, plain_generator

from helpers import bench, data
from helpers.gan import GAN, build_optimizer

ROOT = Path(__file__).resolve().parent.parent
RATE = 0.001


def networks():
    keras.utils.set_random_seed(0)
    found = plain_generator(NARROW["generator"], "float64"), plain_discriminator(NARROW["discriminator"], "float64")
    found[1].get_layer("dropout").seed_generator.state.assign(np.array([7, 0], np.uint32))
    return found


@pytest.fixture(scope="module")
def twenty_steps(mnist):
    """Our step and the plain Keras one after 20 steps in float64, dropout and all, and what they logged."""
    ours, plain = GAN(*networks(), 0.1), bench.PlainGAN(*networks(), 0.1)
    ours.compile(build_optimizer(RATE), build_optimizer(RATE))
    plain.compile(*bench.plain_optimizers())
    batches, logs = data.Batches(mnist.train_images[:160], 8), []
    for step in range(20):
        batch = [tf.constant(part, tf.float64) for part in batches[step]]
        logs.append([gan.train_step(batch) for gan in (ours, plain)])
    return ours, plain, logs


def test_twenty_steps_are_those_of_plain_keras(twenty_steps):
    ours, plain, logs = twenty_steps
    for own, other in logs:
        for name in other:
            assert float(own[name]) == pytest.approx(float(other[name]), rel=1e-6), name
    for network in ("generator", "discriminator"):
        found, expected = (getattr(gan, network).trainable_variables for gan in (ours, plain))
        for one, other in zip(found, expected, strict=True):
            assert np.abs(one.numpy() - other.numpy()).max() <= 1e-6, one.path
    averages = zip(ours.discriminator.non_trainable_variables, plain.discriminator.non_trainable_variables, strict=True)
    assert all(np.allclose(one.numpy(), other.numpy(), rtol=0, atol=1e-6) for one, other in averages)


def test_the_shared_forward_moves_the_generators_averages_once(twenty_steps):
    """The one difference that is meant: two forwards a step average the same batch in twice."""
    ours, plain, _ = twenty_steps
    average, twice = (gan.generator.non_trainable_variables[0].numpy() for gan in (ours, plain))
    assert np.abs(average - twice).max() > 1e-3


@pytest.fixture(scope="module")
def fused():
    """Largest differences over 20 steps, fused against plain, each from the same state."""
    # One thread: with more the order of sums depends on the machine, and one activation that rounding
    # moves across zero changes its gradient fivefold.
    settings = {"PYTHONPATH": str(ROOT), "TF_ENABLE_ONEDNN_OPTS": "0", "TF_NUM_INTRAOP_THREADS": "1"}
    environment = {**os.environ, **settings}
    command = [sys.executable, ROOT / "tests" / "without_onednn.py"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


LIMITS = {
    "losses": 1e-6,  # relative
    "weights": 1e-6,  # absolute, of the largest layer, wherever the gradient is more than rounding noise
    "generator moving_mean": 1e-6,
    "generator moving_variance": 1e-6,
    "discriminator moving_variance": 1e-6,
    # A bias before normalisation has no gradient; noise moves it by up to the rate either way, and the
    # discriminator's last pass sees a hundredth of that.
    "discriminator moving_mean": 2.1 * 0.01 * RATE,
    "momentum": 3e-6,  # relative to the network's largest
    "velocity": 3e-5,  # the kernel takes 1 - beta_2 from the float32 0.999
}


@pytest.mark.parametrize("name", LIMITS)
def test_twenty_fused_steps_of_the_studys_networks_are_the_plain_ones(fused, name):
    assert fused[name] <= LIMITS[name]
    assert fused["moved"] > 100 * LIMITS["weights"] and fused["clear"] > 0.8  # of those 12.8 million weights
