"""Checks of the exercises of 17_faces."""

from collections.abc import Callable

from helpers.checks.exercise import exercise, expect
import numpy as np

__all__ = ["centre_crop", "colour_gaps"]


@exercise
def centre_crop(answer: Callable) -> None:
    """Notebook 17: left, upper, right and lower edge of the largest square in the middle of an image."""
    hint = "the square is as wide as the shorter side, and as much is cut off above as below, or left as right"
    expect(answer(178, 218), np.array([0, 20, 178, 198]), "an upright image, 178 wide and 218 high", hint)
    expect(answer(300, 100), np.array([100, 0, 200, 100]), "a wide image, 300 wide and 100 high", hint)
    expect(answer(64, 64), np.array([0, 0, 64, 64]), "a square image", "nothing is cut off then")


@exercise
def colour_gaps(answer: Callable) -> None:
    """Notebook 17: the mean gap of each colour channel, (3,); together they are the mean gap of the loss."""
    fake, real = np.zeros((2, 2, 2, 3)), np.zeros((4, 2, 2, 3))
    real[:2, 0, 0] = [1.0, -0.5, 1.0]  # in two of four images
    hint = "the mean over the batch of each, then the absolute difference, then the sum over rows and columns"
    expect(answer(fake, real), np.array([0.5, 0.25, 0.5]), "one pixel differs, in two of four real images", hint)
    real[:, 1, 1] = [-0.5, 0.25, 0.0]
    hint = "the absolute value is of each pixel, before the sum over rows and columns"
    expect(answer(fake, real), np.array([1.0, 0.5, 0.5]), "two pixels differ, one up and one down", hint)
    fake[:, 0, 0, 0], fake[:, 1, 1, 1] = [1.0, 0.0], [1.0, -0.5]
    hint = "the mean over the batch comes before the absolute value"
    expect(answer(fake, real), np.array([0.5, 0.25, 0.5]), "two generated images whose means are right", hint)
