"""Checks of the exercises of 04_moment_stabilization."""

from collections.abc import Callable

from helpers.checks.exercise import exercise, expect
import numpy as np

__all__ = ["both_gaps", "variance_gradient"]

REAL = np.array([[1.0, -1.0], [-1.0, -1.0]], "float32")
FAKE = np.array([[0.5, -1.0], [0.5, 0.0]], "float32")


@exercise
def both_gaps(answer: Callable) -> None:
    """Exercise 1 of 04_moment_stabilization: the mean gap and the variance gap of two batches."""
    means = np.array([[0.6], [0.2]], "float32"), np.array([[0.2], [-0.2]], "float32")
    expect(answer(*means), (0.4, 0.0), "one pixel", "first the mean gap, then the variance gap, by axis 0.")
    hint = "sum the absolute differences over the pixels; the variance is np.var, without a root."
    expect(answer(FAKE, REAL), (1.0, 1.25), "the two batches above", hint)
    images = [np.stack([batch, batch], axis=-1) for batch in (FAKE, REAL)]
    expect(answer(*images), (2.0, 2.5), "images of 2 x 2 pixels", "moments over axis 0 alone, then sum all.")


@exercise
def variance_gradient(answer: Callable) -> None:
    """Exercise 2 of 04_moment_stabilization: the variance gap's gradient by every generated pixel."""
    narrow, wide = np.array([[-0.1], [0.3]], "float32"), np.array([[-1.0], [1.0]], "float32")
    away = "sign(v - V) 2 (y - m) / n: where v < V it points to the mean, and descent away from it."
    expect(answer(narrow, wide), np.array([[0.2], [-0.2]]), "a batch that varies too little", away)
    expect(answer(wide, narrow), np.array([[-1.0], [1.0]]), "a batch that varies too much", away)
    hint = "2 (y - m) / n with the mean of each pixel (axis 0) and n images, here 4."
    fake, real = np.concatenate([FAKE, FAKE + 1]), np.concatenate([REAL, -REAL])
    wanted = np.array([[0.25, 0.5], [0.25, 0.0], [-0.25, 0.0], [-0.25, -0.5]])
    expect(answer(fake, real), wanted, "four images of two pixels", hint)
    wide, narrow = np.array([[1.0], [-1.0]], "float32"), np.array([[0.1], [-0.1]], "float32")
    fake, real = (np.concatenate(both, axis=1) for both in ((wide, narrow), (narrow, wide)))
    hint = "each pixel has a sign of its own: both variances over axis 0."
    expect(answer(fake, real), np.array([[1.0, -0.1], [-1.0, 0.1]]), "one pixel too wide, one too narrow", hint)
