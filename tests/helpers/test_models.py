"""The two networks: their layers, sizes and initial weights. What they compute is tested with the GAN."""

import random

from helpers import data, models
import keras
import numpy as np
import pytest

BUILDERS = {"generator": models.build_generator, "discriminator": models.build_discriminator}
SIZES = {"generator": (13_040_321, 2_624), "discriminator": (88_001, 576)}
NORMALISED = ["BatchNormalization", "LeakyReLU"]
ORDER = {
    "generator": ["InputLayer", "Dense", *NORMALISED, "Dense", "Reshape", *NORMALISED]
    + ["Conv2DTranspose", *NORMALISED, "Conv2DTranspose", "Activation"],
    "discriminator": ["InputLayer", *2 * ["Conv2D", *NORMALISED], "Flatten", "Dropout", "Dense"],
}


@pytest.mark.parametrize("name", BUILDERS)
def test_layers_are_keras_own_in_the_studys_order_and_sizes_and_initial_weights(name):
    keras.utils.set_random_seed(0)
    network = BUILDERS[name]()
    assert [type(layer).__name__ for layer in network.layers] == ORDER[name]
    assert all(type(layer).__module__.startswith("keras.") for layer in [network, *network.layers])
    statistics = sum(np.prod(v.shape) for v in network.non_trainable_variables if v.dtype == "float32")
    assert (network.count_params(), statistics) == SIZES[name]
    # Glorot's uniform kernels, and biases of a tenth.
    for layer in (layer for layer in network.layers if hasattr(layer, "kernel")):
        assert np.array_equal(layer.bias.numpy(), np.full(layer.bias.shape, 0.1, np.float32)), layer.name
        # Inputs and outputs of one unit. Keras reads a transposed kernel like any other: the sum is the same.
        kernel = layer.kernel.numpy()
        fans = np.prod(kernel.shape[:-2], initial=1) * sum(kernel.shape[-2:])
        limit = np.float32(np.sqrt(6.0 / fans))
        assert 0.97 * limit < np.abs(kernel).max() <= limit  # uniform fills its interval
        assert kernel.var() == pytest.approx(limit**2 / 3, rel=0.15)


def test_other_sizes():
    for latent_dim, shape, *widths in ((7, (32, 32, 3), (20, 6, 4), (4, 6)), (100, (28, 44, 1), (8, 3, 2), (5,))):
        generator = models.build_generator(latent_dim, image_shape=shape, widths=widths[0])
        discriminator = models.build_discriminator(image_shape=shape, widths=widths[1])
        images = generator(data.draw_latents(2, 0, latent_dim=latent_dim))
        assert images.shape == (2, *shape) and discriminator(images).shape == (2, 1)
        for network, filters in ((generator, (widths[0][2], shape[2])), (discriminator, widths[1])):
            assert tuple(layer.filters for layer in network.layers if hasattr(layer, "filters")) == filters
    for wrong in ((30, 28, 1), (28, 27, 1)):
        with pytest.raises(ValueError, match=rf"multiples of 4, found \({wrong[0]}, {wrong[1]}"):
            models.build_generator(image_shape=wrong)


def test_dense_networks_of_any_size_have_xavier_kernels_and_biases_of_zero():
    generator = models.build_dense_generator(7, random.Random(0), (6, 5, 3), (20, 4), True, 0.5, 0.1)
    discriminator = models.build_dense_discriminator(random.Random(0), (6, 5, 3), (8, 2))
    images = generator(data.draw_latents(4, 0, latent_dim=7))
    assert images.shape == (4, 6, 5, 3) and discriminator(images).shape == (4, 1)
    assert np.abs(images).max() <= 1
    hidden = ["Dense", "BatchOnlyNormalization", "LeakyReLU"]
    order = ["InputLayer", *hidden, "Dropout", *hidden, "Dense", "Activation", "Reshape"]
    assert [type(layer).__name__ for layer in generator.layers] == order
    for network in (generator, discriminator):
        for layer in (layer for layer in network.layers if hasattr(layer, "kernel")):
            limit = np.float32(np.sqrt(6.0 / sum(layer.kernel.shape)))
            assert 0.8 * limit < np.abs(layer.kernel.numpy()).max() <= limit and not layer.bias.numpy().any()
    again = models.build_dense_generator(7, random.Random(0), (6, 5, 3), (20, 4), True, 0.5, 0.1)
    assert all(map(np.array_equal, generator.trainable_variables, again.trainable_variables))
    assert generator.get_layer("dropout").seed == again.get_layer("dropout").seed


def test_without_normalisation_a_network_draws_the_same_weights():
    for build, widths in ((models.build_generator, (12, 4, 2)), (models.build_discriminator, (2, 3))):
        one, other = (
            build(seeds=random.Random(1), widths=widths, batch_normalisation=with_it) for with_it in (True, False)
        )
        kept = [layer for layer in one.layers if not isinstance(layer, keras.layers.BatchNormalization)]
        assert [type(layer) for layer in kept] == [type(layer) for layer in other.layers]
        for first, second in zip(kept, other.layers, strict=True):
            assert all(map(np.array_equal, first.get_weights(), second.get_weights()))
