"""The rescaled GAN against two NumPy Adams, one fed with plain gradients and one with those of the penalty too."""

from helpers import data, losses
from helpers.gan import GAN, build_optimizer
import keras
from networks import NARROW, NumpyAdam, plain_discriminator, plain_generator
import numpy as np
import pytest
import tensorflow as tf

from study import penalties, rescaled


def norm(arrays):
    return np.sqrt(sum(np.sum(array**2) for array in arrays))


def test_it_moves_the_plain_way_as_far_as_with_moments():
    """In float64, where a gradient of zero stays far below Adam's epsilon."""
    assert rescaled.build("rescaled") is rescaled.RescaledGAN and rescaled.build("moments") is GAN
    keras.utils.set_random_seed(0)
    generator = plain_generator(NARROW["generator"], "float64")
    discriminator = plain_discriminator(NARROW["discriminator"], "float64", rate=0.0)
    gan = rescaled.RescaledGAN(generator, discriminator, 0.1, penalties.none)
    gan.compile(build_optimizer(0.01), build_optimizer(0.01))
    adams, ratios = {0.0: NumpyAdam(0.01), 0.1: NumpyAdam(0.01)}, []
    for step in range(4):
        images = tf.constant(np.tanh(np.random.default_rng(step).normal(-0.5, 1.0, (8, 28, 28, 1))))
        latents = tf.constant(data.draw_latents(8, step).astype(np.float64))
        before = [np.array(variable) for variable in generator.trainable_variables]
        logged = gan.train_step((images, latents))
        after = [np.array(variable) for variable in generator.trainable_variables]
        made = [one - other for one, other in zip(after, before, strict=True)]
        moves = {}
        for variable, value in zip(generator.trainable_variables, before, strict=True):
            variable.assign(value)  # the updated discriminator, on the generator as it was
        for weight, adam in adams.items():
            with tf.GradientTape() as tape:
                fake = generator(latents, training=True)
                gaps = losses.moment_gaps(fake, images)
                adversarial = tf.reduce_mean(tf.nn.softplus(-discriminator(fake, training=True)))
                loss = adversarial + weight * sum(gaps)
            moves[weight] = adam.moves(tape.gradient(loss, generator.trainable_variables))
        for variable, value in zip(generator.trainable_variables, after, strict=True):
            variable.assign(value)
        ratios.append(norm(moves[0.1]) / norm(moves[0.0]))
        assert norm(made) == pytest.approx(norm(moves[0.1]), rel=1e-6)
        for found, plain in zip(made, moves[0.0], strict=True):
            assert np.abs(found - ratios[-1] * plain).max() < 1e-7
        assert float(logged["generator_loss"]) == pytest.approx(float(adversarial), rel=1e-10)  # no penalty in it
    assert ratios[0] == pytest.approx(1.0, abs=1e-3)  # Adam's first step has the same size whatever the gradient
    assert max(abs(ratio - 1.0) for ratio in ratios) > 0.01  # so that rescaling was put to the test
