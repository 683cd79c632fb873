"""The networks: generators of images and discriminators of them, convolutional and dense, in plain Keras."""

import math
import random

import keras
from keras import layers

LATENT_DIM = 100
IMAGE_SHAPE = (28, 28, 1)

# Of every layer, so that neither keras.json nor a dtype policy of the reader's changes a network.
PINNED = {"dtype": "float32"}


def draw_seed(seeds) -> int:
    """A seed for one layer, drawn as Keras itself would draw it."""
    return seeds.randint(1, 1_000_000_000)


def _weights(seeds) -> dict:
    """Initialisers shared by every layer that has weights: Xavier kernels, biases at 0.1."""
    return {
        "kernel_initializer": keras.initializers.GlorotUniform(draw_seed(seeds)),
        "bias_initializer": keras.initializers.Constant(0.1),
        **PINNED,
    }


def _convolution(seeds) -> dict:
    """Settings shared by every convolution: 3 x 3, stride 2, padded to half or twice the size."""
    return {"kernel_size": 3, "strides": 2, "padding": "same", "data_format": "channels_last", **_weights(seeds)}


def _normalise(x, batch_normalisation=True, kind=layers.BatchNormalization, slope=0.2):
    """Batch normalisation with the study's settings, unless it is left out; then LeakyReLU."""
    if batch_normalisation:
        x = kind(momentum=0.99, epsilon=1e-3, **PINNED)(x)
    return layers.LeakyReLU(negative_slope=slope, **PINNED)(x)


def build_generator(
    latent_dim: int = LATENT_DIM,
    seeds=random,
    image_shape: tuple[int, int, int] = IMAGE_SHAPE,
    widths: tuple[int, int, int] = (1024, 256, 32),
    batch_normalisation: bool = True,
) -> keras.Model:
    """Return the generator: noise (batch, latent_dim) to images (batch, *image_shape) in [-1, 1].

    Args:
        latent_dim: length of a noise vector; the study draws it uniformly from [-1, 1].
        seeds: `random.Random` to draw the layers' seeds from; without one, Python's global one,
            which `keras.utils.set_random_seed` sets and which other threads disturb.
        image_shape: height and width, each a multiple of 4, and channels.
        widths: units of the first layer; channels of the second and of the third.
        batch_normalisation: whether each activation but the last follows one.

    Returns:
        A `keras.Model`, float32 in and out (tanh). 13,040,321 parameters with the study's sizes,
        2,624 of them batch-normalisation statistics.

    Raises:
        ValueError: height or width is no multiple of 4.

    Architecture: the 2017 moment-stabilisation study, a small DCGAN (Radford et al., 2016).
    Taught in notebook 02.
    """
    height, width, channels = image_shape
    if height % 4 or width % 4:
        raise ValueError(f"Image shape: expected height and width in multiples of 4, found {image_shape}.")
    dense, deep, shallow = widths
    small = (height // 4, width // 4, deep)
    noise = keras.Input((latent_dim,), name="latent", **PINNED)
    x = _normalise(layers.Dense(dense, **_weights(seeds))(noise), batch_normalisation)
    x = layers.Dense(small[0] * small[1] * deep, **_weights(seeds))(x)
    x = _normalise(layers.Reshape(small, **PINNED)(x), batch_normalisation)
    x = _normalise(layers.Conv2DTranspose(shallow, **_convolution(seeds))(x), batch_normalisation)
    x = layers.Conv2DTranspose(channels, **_convolution(seeds))(x)
    images = layers.Activation("tanh", **PINNED)(x)
    return keras.Model(noise, images, name="generator")


def build_discriminator(
    seeds=random,
    image_shape: tuple[int, int, int] = IMAGE_SHAPE,
    widths: tuple[int, int] = (32, 256),
    batch_normalisation: bool = True,
) -> keras.Model:
    """Return the discriminator: images (batch, *image_shape) to logits (batch, 1).

    Args:
        seeds: as for `build_generator`.
        image_shape: height, width and channels of an image in [-1, 1].
        widths: channels of the two convolutions.
        batch_normalisation: whether each activation follows one.

    Returns:
        A `keras.Model`, float32 in and out. A logit above 0 reads as "real". 88,001
        parameters with the study's sizes, 576 of them batch-normalisation statistics.

    Architecture: the 2017 moment-stabilisation study. Taught in notebook 02.
    """
    images = keras.Input(image_shape, name="image", **PINNED)
    x = images
    for channels in widths:
        x = _normalise(layers.Conv2D(channels, **_convolution(seeds))(x), batch_normalisation)
    x = layers.Flatten(data_format="channels_last", **PINNED)(x)
    x = layers.Dropout(0.5, seed=draw_seed(seeds), name="dropout", **PINNED)(x)
    logits = layers.Dense(1, name="logit", **_weights(seeds))(x)
    return keras.Model(images, logits, name="discriminator")


class BatchOnlyNormalization(layers.BatchNormalization):
    """Batch normalisation by the batch's own statistics, whatever `training` says: the first post's."""

    def call(self, inputs, training=None, mask=None):
        return super().call(inputs, training=True, mask=mask)


def _dense(units, seeds, name=None):
    """A dense layer of the first post: Xavier kernel, biases at 0."""
    xavier = keras.initializers.GlorotUniform(draw_seed(seeds))
    return layers.Dense(units, kernel_initializer=xavier, name=name, **PINNED)


def build_dense_generator(
    latent_dim: int = LATENT_DIM,
    seeds=random,
    image_shape: tuple[int, int, int] = IMAGE_SHAPE,
    widths: tuple[int, ...] = (128, 384),
    batch_normalisation: bool = False,
    dropout: float = 0.0,
    slope: float = 0.01,
) -> keras.Model:
    """Return the first post's generator: noise (batch, latent_dim) to images (batch, *image_shape) in [-1, 1].

    Args:
        latent_dim, seeds, image_shape: as for `build_generator`, of any height and width.
        widths: units of the hidden layers.
        batch_normalisation: whether each activation but the last follows one; it goes by the batch's own
            statistics in inference too, as the author's did.
        dropout: share of the first hidden layer's units to drop in training, in [0, 1).
        slope: of LeakyReLU where its input is below 0.

    Returns:
        A `keras.Model`, float32 in and out (tanh). Architecture: the first post of 2017. Taught in notebook 06.
    """
    noise = keras.Input((latent_dim,), name="latent", **PINNED)
    x = noise
    for index, units in enumerate(widths):
        x = _normalise(_dense(units, seeds)(x), batch_normalisation, BatchOnlyNormalization, slope)
        if dropout and not index:
            x = layers.Dropout(dropout, seed=draw_seed(seeds), name="dropout", **PINNED)(x)
    x = layers.Activation("tanh", **PINNED)(_dense(math.prod(image_shape), seeds)(x))
    return keras.Model(noise, layers.Reshape(image_shape, **PINNED)(x), name="generator")


def build_dense_discriminator(
    seeds=random,
    image_shape: tuple[int, int, int] = IMAGE_SHAPE,
    widths: tuple[int, ...] = (128,),
    slope: float = 0.01,
) -> keras.Model:
    """Return the first post's discriminator: images (batch, *image_shape) to logits (batch, 1).

    Args:
        seeds, image_shape, widths, slope: as for `build_dense_generator`.

    Returns:
        A `keras.Model`, float32 in and out, without batch normalisation and dropout. Taught in notebook 06.
    """
    images = keras.Input(image_shape, name="image", **PINNED)
    x = layers.Flatten(data_format="channels_last", **PINNED)(images)
    for units in widths:
        x = layers.LeakyReLU(negative_slope=slope, **PINNED)(_dense(units, seeds)(x))
    return keras.Model(images, _dense(1, seeds, "logit")(x), name="discriminator")
