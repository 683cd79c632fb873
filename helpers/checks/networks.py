"""Checks of the exercises of 02_networks."""

from collections.abc import Callable

from helpers.checks.exercise import exercise, expect
import numpy as np

__all__ = ["convolution_parameters", "normalise_channels"]


@exercise
def normalise_channels(answer: Callable) -> None:
    """Examine `normalise_channels(values)` of 02_networks: batch normalisation without learned numbers."""
    column = np.array([[1.0], [2.0], [3.0], [6.0]])
    root = "subtract the mean, then divide by the square root of (variance + 0.001); the variance divides by n"
    expect(answer(column), (column - 3) / np.sqrt(3.5 + 0.001), "one channel of four images", root, rtol=1e-3)
    two = np.concatenate([column, 10 * column], axis=1)
    scaled = (two - [3, 30]) / np.sqrt(np.array([3.5, 350]) + 0.001)
    expect(answer(two), scaled, "two channels of four images", "each channel has its own mean: axis=0 here", rtol=1e-3)
    small = column / 100
    wanted = (small - 0.03) / np.sqrt(3.5e-4 + 0.001)
    expect(answer(small), wanted, "a channel of variance 0.00035", "add 0.001 to the variance, under the root")
    case, hint = "two images with two maps of 1 × 2", "go over all axes but the last one"
    expect(answer(two.reshape(2, 1, 2, 2)), scaled.reshape(2, 1, 2, 2), case, hint, rtol=1e-3)


@exercise
def convolution_parameters(answer: Callable) -> None:
    """Examine `convolution_parameters(side, maps_in, maps_out)` of 02_networks: weights and biases."""
    expect(answer(3, 1, 1), 10, "side 3, one map in, one out", "side × side weights for each kernel, and a bias")
    expect(answer(1, 2, 5), 15, "side 1, two maps in, five out", "a kernel for each pair, a bias for each output map")
    case = "side 3, 256 maps in, 32 out"
    expect(answer(3, 256, 32), 73_760, case, "side × side × maps_in × maps_out weights, maps_out biases")
