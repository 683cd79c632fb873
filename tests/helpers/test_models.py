"""The two networks: their sizes, initial weights and settings."""

import random

import keras
import numpy as np
import pytest
from keras import layers

from helpers import data, models

BUILDERS = {"generator": models.build_generator, "discriminator": models.build_discriminator}
SIZES = {"generator": (13_040_321, 2_624), "discriminator": (88_001, 576)}
NORMALISED = ["BatchNormalization", "LeakyReLU"]
ORDER = {
    "generator": ["InputLayer", "Dense", *NORMALISED, "Dense", "Reshape", *NORMALISED]
    + ["Conv2DTranspose", *NORMALISED, "Conv2DTranspose", "Activation"],
    "discriminator": ["InputLayer", *2 * ["Conv2D", *NORMALISED], "Flatten", "Dropout", "Dense"],
}


@pytest.fixture(scope="module")
def networks():
    keras.utils.set_random_seed(0)
    return {name: build() for name, build in BUILDERS.items()}


@pytest.mark.parametrize("name", BUILDERS)
def test_layers_are_keras_own_in_the_studys_order_and_sizes(networks, name):
    network = networks[name]
    assert [type(layer).__name__ for layer in network.layers] == ORDER[name]
    assert all(type(layer).__module__.startswith("keras.") for layer in [network, *network.layers])
    statistics = sum(np.prod(v.shape) for v in network.non_trainable_variables if v.dtype == "float32")
    assert (network.count_params(), statistics) == SIZES[name]


def test_generator_makes_images(networks):
    noise = data.draw_latents(3, data.NOISE, 0)
    images = networks["generator"](noise, training=True).numpy()
    assert data.check_images(images).shape == (3, 28, 28, 1)
    assert images.min() < 0.0 < images.max()  # tanh, not a sigmoid
    extreme = networks["generator"](1e4 * noise, training=False).numpy()
    assert np.abs(data.check_images(extreme)).max() > 0.99


def test_discriminator_gives_one_logit_an_image(networks):
    images = data.scale(np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8))
    network = networks["discriminator"]
    logits = network(images, training=False).numpy()
    assert logits.shape == (5, 1) and logits.dtype == np.float32
    # A logit, not a probability: it follows the kernel of the last layer through zero and beyond.
    kernel, bias = network.get_layer("logit").get_weights()
    features = keras.Model(network.input, network.layers[-2].output)
    assert np.allclose(logits, features(images, training=False) @ kernel + bias, atol=1e-5)


@pytest.mark.parametrize(
    ("latent_dim", "shape", "widths"), [(7, (32, 32, 3), ((20, 6, 4), (4, 6))), (100, (28, 44, 1), ((8, 3, 2), (5,)))]
)
def test_other_sizes(latent_dim, shape, widths):
    generator = models.build_generator(latent_dim, image_shape=shape, widths=widths[0])
    discriminator = models.build_discriminator(image_shape=shape, widths=widths[1])
    images = generator(data.draw_latents(2, 0, latent_dim=latent_dim))
    assert images.shape == (2, *shape) and discriminator(images).shape == (2, 1)
    assert [layer.filters for layer in generator.layers if hasattr(layer, "filters")] == [widths[0][2], shape[2]]
    assert tuple(layer.filters for layer in discriminator.layers if hasattr(layer, "filters")) == widths[1]


@pytest.mark.parametrize("shape", [(30, 28, 1), (28, 27, 1)])
def test_sides_that_do_not_come_from_two_doublings_are_named(shape):
    with pytest.raises(ValueError, match=rf"expected height and width in multiples of 4, found \({shape[0]}, {shape[1]}"):
        models.build_generator(image_shape=shape)


@pytest.mark.parametrize("name", BUILDERS)
def test_initial_weights_are_glorot_uniform_and_a_tenth(networks, name):
    weighted = [layer for layer in networks[name].layers if hasattr(layer, "kernel")]
    assert len(weighted) == {"generator": 4, "discriminator": 3}[name]
    for layer in weighted:
        assert np.array_equal(layer.bias.numpy(), np.full(layer.bias.shape, 0.1, np.float32)), layer.name
        # Inputs and outputs of one unit. Keras reads a transposed kernel like any other: the sum is the same.
        kernel = layer.kernel.numpy()
        fans = np.prod(kernel.shape[:-2], initial=1) * sum(kernel.shape[-2:])
        limit = np.float32(np.sqrt(6.0 / fans))
        assert 0.97 * limit < np.abs(kernel).max() <= limit  # uniform fills its interval
        assert kernel.var() == pytest.approx(limit**2 / 3, rel=0.15)


def test_the_same_seeds_make_the_same_network():
    seeds = [random.Random(0), random.Random(0), random.Random(1)]
    one, same, other = (models.build_discriminator(seed).get_weights() for seed in seeds)
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not np.array_equal(one[0], other[0]) and not np.array_equal(one[0].ravel()[:9], one[6].ravel()[:9])


def test_settings_that_no_forward_pass_in_training_shows(networks):
    for layer in (layer for network in networks.values() for layer in network.layers):
        if isinstance(layer, layers.BatchNormalization):
            assert (layer.momentum, layer.epsilon) == (0.99, 1e-3)
    dropout, ones = networks["discriminator"].get_layer("dropout"), np.ones((4, 1000), np.float32)
    assert np.array_equal(dropout(ones, training=False), ones)
    dropped = np.asarray(dropout(ones, training=True))
    assert set(np.unique(dropped)) == {0.0, 2.0}
    assert np.mean(dropped == 0.0) == pytest.approx(0.5, abs=0.05)
