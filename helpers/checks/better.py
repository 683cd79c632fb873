"""Checks of the exercises of 16_better_moments."""

from collections.abc import Callable

from helpers.checks.exercise import exercise, expect
import numpy as np

__all__ = ["spread_shortfall", "squared_mean_gap"]


@exercise
def squared_mean_gap(answer: Callable) -> None:
    """Notebook 16: the squared gap of two batch means without bias, summed over pixels."""
    fake, real = np.array([[0.0, 1.0], [2.0, 1.0]]), np.array([[4.0, 1.0], [4.0, 1.0]])
    expect(answer(fake, real), 8.0, "one pixel varies in the fake batch alone",
           "variances divided by n - 1 (ddof=1), those over the number of images, and the sum over pixels")  # fmt: skip
    expect(answer(real, fake), 8.0, "the same batches, exchanged", "subtract the chance of both batches")
    four = np.array([[0.0], [2.0], [4.0], [6.0]])
    expect(
        answer(four, four[:2]), 4 - 20 / 12 - 1, "batches of four and two", "each variance over its own batch's size"
    )
    expect(answer(four, four), -2 * 20 / 12, "two equal batches", "it may be negative: no abs, no maximum")


@exercise
def spread_shortfall(answer: Callable) -> None:
    """Notebook 16: by how much the standard deviations fall short, summed over pixels."""
    real, none = np.array([[1.0, 0.5], [-1.0, -0.5]]), np.zeros((2, 2))
    wanted = np.sqrt(1.0001) + np.sqrt(0.2501) - 0.02
    expect(answer(none, real), wanted, "a fake batch without spread",
           "square roots of variance + 1e-4, and the sum over pixels")  # fmt: skip
    expect(answer(2 * real, real), 0.0, "a fake batch with too much spread", "one side only: np.maximum(0, ...)")
    half = real * np.array([0.5, 3.0])
    expect(answer(half, real), np.sqrt(1.0001) - np.sqrt(0.2501), "one pixel too narrow, one too wide",
           "cut at 0 pixel by pixel, then sum")  # fmt: skip
