"""The two networks: their sizes, initial weights and settings."""

import keras
import numpy as np
import pytest
from keras import layers

from helpers import data, models
from helpers.fused import LeakyDropout

BUILDERS = {"generator": models.build_generator, "discriminator": models.build_discriminator}


@pytest.fixture(scope="module")
def networks():
    keras.utils.set_random_seed(0)
    return {name: build() for name, build in BUILDERS.items()}


def layers_of(network, kind):
    return [layer for layer in network.layers if isinstance(layer, kind)]


@pytest.mark.parametrize(
    ("name", "count", "statistics"), [("generator", 13_040_321, 2_624), ("discriminator", 88_001, 576)]
)
def test_parameter_counts(networks, name, count, statistics):
    network = networks[name]
    assert network.count_params() == count
    assert (
        sum(np.prod(weight.shape) for weight in network.non_trainable_variables if weight.dtype == "float32")
        == statistics
    )


def test_generator_makes_images(networks):
    images = networks["generator"](data.draw_latents(3, data.NOISE, 0), training=True).numpy()
    assert data.check_images(images).shape == (3, 28, 28, 1)
    assert images.min() < 0.0 < images.max()  # tanh, not a sigmoid


def test_generator_stays_in_range_for_extreme_noise(networks):
    images = networks["generator"](1e4 * data.draw_latents(3, data.NOISE, 0), training=False).numpy()
    data.check_images(images)
    assert np.abs(images).max() > 0.99


def test_discriminator_gives_one_logit_an_image(networks):
    images = data.scale(np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8))
    logits = networks["discriminator"](images, training=False).numpy()
    assert logits.shape == (5, 1) and logits.dtype == np.float32
    # A logit, not a probability: it follows the kernel of the last layer through zero and beyond.
    kernel, bias = networks["discriminator"].get_layer("logit").get_weights()
    features = keras.Model(networks["discriminator"].input, networks["discriminator"].layers[-2].output)
    assert np.allclose(logits, features(images, training=False) @ kernel + bias, atol=1e-5)


def test_another_latent_dimension():
    assert models.build_generator(latent_dim=7).input_shape == (None, 7)


@pytest.mark.parametrize("name", BUILDERS)
def test_biases_are_a_tenth_everywhere(networks, name):
    weighted = [layer for layer in networks[name].layers if hasattr(layer, "kernel")]
    assert len(weighted) == {"generator": 4, "discriminator": 3}[name]
    for layer in weighted:
        assert np.array_equal(layer.bias.numpy(), np.full(layer.bias.shape, 0.1, np.float32)), layer.name


def fans(layer):
    """Inputs and outputs of one unit, from the definition of the layer."""
    shape = layer.kernel.shape
    field = int(np.prod(shape[:-2]))
    inputs, outputs = shape[-2] * field, shape[-1] * field
    # Keras reads a transposed convolution's kernel (height, width, out, in) like any other: the sum is the same.
    return inputs + outputs


@pytest.mark.parametrize("name", BUILDERS)
def test_kernels_are_glorot_uniform(networks, name):
    for layer in (layer for layer in networks[name].layers if hasattr(layer, "kernel")):
        kernel, limit = layer.kernel.numpy(), np.float32(np.sqrt(6.0 / fans(layer)))
        assert np.abs(kernel).max() <= limit
        assert np.abs(kernel).max() > 0.97 * limit  # uniform fills its interval
        assert kernel.var() == pytest.approx(limit**2 / 3, rel=0.15)


@pytest.mark.parametrize(("name", "count"), [("generator", 3), ("discriminator", 2)])
def test_batch_normalisation_settings(networks, name, count):
    normalisations = layers_of(networks[name], layers.BatchNormalization)
    assert len(normalisations) == count
    for layer in normalisations:
        assert (layer.momentum, layer.epsilon) == (0.99, 1e-3)
        assert layer.center and layer.scale


@pytest.mark.parametrize(("name", "count"), [("generator", 3), ("discriminator", 2)])
def test_leaky_slope(networks, name, count):
    activations = layers_of(networks[name], (layers.LeakyReLU, LeakyDropout))
    assert len(activations) == count
    for layer in activations:
        assert np.allclose(layer(np.array([-3.0, 0.0, 2.0], np.float32)), [-0.6, 0.0, 2.0])


def test_convolutions_have_the_studys_geometry(networks):
    kinds = (layers.Conv2D, layers.Conv2DTranspose)
    found = {
        name: [(la.filters, la.kernel_size, la.strides, la.padding) for la in layers_of(networks[name], kinds)]
        for name in BUILDERS
    }
    shared = ((3, 3), (2, 2), "same")
    assert found == {"generator": [(32, *shared), (1, *shared)], "discriminator": [(32, *shared), (256, *shared)]}


def test_dropout_halves_in_training_only(networks):
    dropout = networks["discriminator"].get_layer("dropout")
    ones = np.ones((4, 1000), np.float32)
    assert np.array_equal(dropout(ones, training=False), ones)
    dropped = np.asarray(dropout(ones, training=True))
    assert set(np.unique(dropped)) == {0.0, 2.0}
    assert np.mean(dropped == 0.0) == pytest.approx(0.5, abs=0.05)


def test_no_network_shares_weights_with_the_next():
    one, other = models.build_discriminator(), models.build_discriminator()
    before = other.get_weights()
    one.set_weights([weight + 1 for weight in one.get_weights()])
    assert all(np.array_equal(a, b) for a, b in zip(before, other.get_weights(), strict=True))
