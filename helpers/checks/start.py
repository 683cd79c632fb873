"""Checks of the exercises of 00_start_here."""

from collections.abc import Callable

from helpers.checks.exercise import exercise, expect
import numpy as np

__all__ = ["batch_spread", "commonest_share"]


@exercise
def batch_spread(answer: Callable) -> None:
    """Of 00_start_here: how much the images of a batch differ, in grey levels."""
    one = np.linspace(-1.0, 1.0, 4, dtype=np.float32).reshape(1, 2, 2, 1)
    same = "the standard deviation runs over the images of the batch, `axis=0`, at each pixel by itself"
    expect(answer(np.repeat(one, 5, axis=0)), 0.0, "five equal images", same)
    two = np.zeros((2, 2, 2, 1), np.float32)
    two[0, 0, 0], two[1, 0, 0] = 0.5, -0.5
    grey = "average over the pixels last, and turn [-1, 1] into 0 to 255 by the factor 127.5"
    expect(answer(two), 127.5 / 8, "two images that differ in one of four pixels, by -0.5 and 0.5", grey)


@exercise
def commonest_share(answer: Callable) -> None:
    """Of 00_start_here: the share of the most frequent digit among the labels of a batch."""
    count = "count how often each digit occurs, and divide the largest count by the number of labels"
    expect(answer(np.full(20, 8)), 1.0, "twenty images, all read as 8", count)
    expect(answer(np.array([7, 3, 3, 1])), 0.5, "the labels 7, 3, 3, 1", count)
    expect(answer(np.repeat(np.arange(10), 3)), 0.1, "ten digits, three times each", count)
