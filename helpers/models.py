"""The two networks of the study: a generator of digits and a discriminator of them."""

import random

import keras
from keras import layers

from helpers import data
from helpers.fused import FusedBatchNormalization, LeakyDropout, OrderedDense

LATENT_DIM = 100


def _draw(seeds):
    """A seed for one layer, as Keras itself would draw it."""
    return seeds.randint(1, 1_000_000_000)


def _settings(seeds):
    """Initialisers shared by every layer that has weights: Xavier kernels, biases at 0.1."""
    return {
        "kernel_initializer": keras.initializers.GlorotUniform(_draw(seeds)),
        "bias_initializer": keras.initializers.Constant(0.1),
    }


def build_generator(latent_dim=LATENT_DIM, seeds=random):
    """Return the generator: noise of shape (batch, latent_dim) to images (batch, 28, 28, 1).

    Args:
        latent_dim: length of a noise vector; the study draws it uniformly from [-1, 1].
        seeds: `random.Random` to draw the layers' seeds from; without one, Python's global one,
            which `keras.utils.set_random_seed` sets and which other threads disturb.

    Returns:
        A `keras.Model`, float32 in and out, pixels in [-1, 1] (tanh). 13,040,321 parameters
        at `latent_dim=100`, 2,624 of them batch-normalisation statistics.

    Architecture: the 2017 moment-stabilisation study, a small DCGAN (Radford et al., 2016).
    """
    noise = keras.Input((latent_dim,), name="latent")
    x = layers.Dense(1024, **_settings(seeds))(noise)
    x = FusedBatchNormalization()(x)
    x = layers.LeakyReLU(negative_slope=0.2)(x)
    x = OrderedDense(7 * 7 * 256, **_settings(seeds))(x)
    x = layers.Reshape((7, 7, 256))(x)
    x = FusedBatchNormalization()(x)
    x = layers.LeakyReLU(negative_slope=0.2)(x)
    x = layers.Conv2DTranspose(32, 3, strides=2, padding="same", **_settings(seeds))(x)
    x = FusedBatchNormalization()(x)
    x = layers.LeakyReLU(negative_slope=0.2)(x)
    x = layers.Conv2DTranspose(1, 3, strides=2, padding="same", **_settings(seeds))(x)
    images = layers.Activation("tanh")(x)
    return keras.Model(noise, images, name="generator")


def build_discriminator(seeds=random):
    """Return the discriminator: images (batch, 28, 28, 1) to logits (batch, 1).

    Args:
        seeds: as for `build_generator`.

    Returns:
        A `keras.Model`, float32 in and out. A logit above 0 reads as "real". 88,001
        parameters, 576 of them batch-normalisation statistics.

    Architecture: the 2017 moment-stabilisation study.
    """
    images = keras.Input(data.IMAGE_SHAPE, name="image")
    x = layers.Conv2D(32, 3, strides=2, padding="same", **_settings(seeds))(images)
    x = FusedBatchNormalization()(x)
    x = layers.LeakyReLU(negative_slope=0.2)(x)
    x = layers.Conv2D(256, 3, strides=2, padding="same", **_settings(seeds))(x)
    x = FusedBatchNormalization()(x)
    x = layers.Flatten()(x)
    x = LeakyDropout(0.5, negative_slope=0.2, seed=_draw(seeds), name="dropout")(x)
    logits = layers.Dense(1, name="logit", **_settings(seeds))(x)
    return keras.Model(images, logits, name="discriminator")
