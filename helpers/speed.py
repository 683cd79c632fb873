"""What a training step must cost: its matrix work, its memory traffic, and how times are taken."""

import math
import statistics
import time

from keras import layers

from helpers import models


def matrix_work(batch_size):
    """Floating-point operations in the matrix products and convolutions of one step, 15.9e9 at a batch of 100.

    A pass forwards counts once, with the gradients of inputs and weights three times: one such pass
    through the generator, two through the discriminator, and one whose weights need no gradient.
    """
    generator, discriminator = map(forward_work, (models.build_generator(), models.build_discriminator()))
    return batch_size * (3 * generator + (2 * 3 + 2) * discriminator)


def forward_work(network):
    """Floating-point operations in the matrix products and convolutions of one image's pass through a network."""
    return 2 * sum(_products(layer) for layer in network.layers)


def _products(layer):
    """Multiplications of one image's pass through a layer; none where there is no matrix."""
    if isinstance(layer, layers.Conv2DTranspose):
        return math.prod(layer.input.shape[1:3]) * math.prod(layer.kernel.shape)
    if isinstance(layer, layers.Conv2D):
        return math.prod(layer.output.shape[1:3]) * math.prod(layer.kernel.shape)
    return math.prod(layer.kernel.shape) if isinstance(layer, layers.Dense) else 0


def adam_traffic():
    """Bytes that one step's two updates move at least: 4 arrays read and 3 written, float32 a parameter."""
    networks = models.build_generator(), models.build_discriminator()
    return 7 * 4 * sum(math.prod(weight.shape) for network in networks for weight in network.trainable_variables)


def timed(function, repetitions=1):
    """Seconds of each call of a function that returns when its work is done."""
    seconds = []
    for _ in range(repetitions):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return seconds


def spread(seconds):
    """Median and the range that holds the middle half, in milliseconds: a dict of three floats."""
    quarters = statistics.quantiles(seconds, n=4, method="inclusive") if len(seconds) > 1 else [seconds[0]] * 3
    return dict(zip(("low", "median", "high"), (1e3 * value for value in quarters), strict=True))
