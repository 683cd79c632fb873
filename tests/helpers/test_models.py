"""The two networks: their layers, sizes and initial weights. What they compute is tested with the GAN."""

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
