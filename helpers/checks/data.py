"""Checks of the exercises of 01_data."""

from collections.abc import Callable

from helpers.checks.exercise import exercise, expect
import numpy as np

__all__ = ["pixel_moments", "summed_gap"]


@exercise
def pixel_moments(answer: Callable) -> None:
    """Examine `pixel_moments(images)` of 01_data: mean and biased variance over the batch axis."""
    images = np.array([[[0.0, 1.0]], [[0.0, 1.0]], [[3.0, 1.0]]])
    case = "the moments of three images of 1 × 2 pixels"
    along = "go along the batch axis, axis=0, and return the mean first, then the variance"
    found = answer(images)
    expect(found, (np.array([[1.0, 1.0]]), np.array([[2.0, 0.0]])), case, f"{along}; divide by n, and take no root")


@exercise
def summed_gap(answer: Callable) -> None:
    """Examine `summed_gap(one, other)` of 01_data: the absolute differences of two moments, summed."""
    zero, case = np.zeros((2, 2, 1)), "a moment that differs by 0.5 at each of four pixels"
    expect(answer(zero + 0.5, zero), 2.0, case, "sum over the pixels; take neither the mean nor squares")
    two = np.array([[[1.0], [-1.0]], [[0.0], [0.0]]])
    case = "one pixel too high by 1, another too low by 1"
    expect(answer(two, zero), 2.0, case, "take absolute values before you sum, or differences cancel")
