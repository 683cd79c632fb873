"""The two networks of the study: a generator of digits and a discriminator of them."""

import keras
from keras import layers

from helpers import data
from helpers.fused import FusedBatchNormalization

LATENT_DIM = 100


def _settings():
    """Initialisers shared by every layer that has weights: Xavier kernels, biases at 0.1."""
    return {
        "kernel_initializer": keras.initializers.GlorotUniform(),
        "bias_initializer": keras.initializers.Constant(0.1),
    }


def build_generator(latent_dim=LATENT_DIM):
    """Return the generator: noise of shape (batch, latent_dim) to images (batch, 28, 28, 1).

    Args:
        latent_dim: length of a noise vector; the study draws it uniformly from [-1, 1].

    Returns:
        A `keras.Model`, float32 in and out, pixels in [-1, 1] (tanh). 13,040,321 parameters
        at `latent_dim=100`, 2,624 of them batch-normalisation statistics.

    Architecture: the 2017 moment-stabilisation study, a small DCGAN (Radford et al., 2016).
    """
    noise = keras.Input((latent_dim,), name="latent")
    x = layers.Dense(1024, **_settings())(noise)
    x = FusedBatchNormalization()(x)
    x = layers.LeakyReLU(negative_slope=0.2)(x)
    x = layers.Dense(7 * 7 * 256, **_settings())(x)
    x = layers.Reshape((7, 7, 256))(x)
    x = FusedBatchNormalization()(x)
    x = layers.LeakyReLU(negative_slope=0.2)(x)
    x = layers.Conv2DTranspose(32, 3, strides=2, padding="same", **_settings())(x)
    x = FusedBatchNormalization()(x)
    x = layers.LeakyReLU(negative_slope=0.2)(x)
    x = layers.Conv2DTranspose(1, 3, strides=2, padding="same", **_settings())(x)
    images = layers.Activation("tanh")(x)
    return keras.Model(noise, images, name="generator")


def build_discriminator():
    """Return the discriminator: images (batch, 28, 28, 1) to logits (batch, 1).

    Returns:
        A `keras.Model`, float32 in and out. A logit above 0 reads as "real". 88,001
        parameters, 576 of them batch-normalisation statistics.

    Architecture: the 2017 moment-stabilisation study.
    """
    images = keras.Input(data.IMAGE_SHAPE, name="image")
    x = layers.Conv2D(32, 3, strides=2, padding="same", **_settings())(images)
    x = FusedBatchNormalization()(x)
    x = layers.LeakyReLU(negative_slope=0.2)(x)
    x = layers.Conv2D(256, 3, strides=2, padding="same", **_settings())(x)
    x = FusedBatchNormalization()(x)
    x = layers.LeakyReLU(negative_slope=0.2)(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(0.5, name="dropout")(x)
    logits = layers.Dense(1, name="logit", **_settings())(x)
    return keras.Model(images, logits, name="discriminator")
