"""Checks of the exercises of 11_collapse."""

from collections.abc import Callable

from helpers.checks.exercise import exercise, expect
import numpy as np

__all__ = ["descent_steps", "push_apart"]


@exercise
def push_apart(answer: Callable) -> None:
    """The slope of a push over the deviations from the batch mean, in 11_collapse."""
    fake = np.array([[-1.0], [1.0]])
    expect(answer(fake, fake), 2.0, "images -1 and 1, pushed by -1 and 1", "multiply by n, the number of images")
    expect(answer(fake + 5, fake), 2.0, "images 4 and 6, pushed by -1 and 1", "take the batch mean off the images")
    wide = np.array([[[0.0, 1.0]], [[2.0, 1.0]], [[4.0, 7.0]]])
    expect(answer(wide, np.full_like(wide, 7.0)), 0.0, "a push that is the same for all", "take the batch mean off")
    found = answer(wide, np.array([[[-2.0, 0.0]], [[0.0, 0.0]], [[2.0, 2.0]]]))
    hint = "one slope for all pixels, though each has its own mean (axis 0): sum all, then divide; n counts images"
    expect(found, 3 * (8.0 + 8.0) / 32.0, "two pixels, three images", hint)


@exercise
def descent_steps(answer: Callable) -> None:
    """How many steps of gradient descent open a spread to 1, in 11_collapse."""
    case = "from 1/8 to 1, doubled at each step (weight 1, rate 0.5)"
    expect(answer(1 / 8, 1.0, 0.5), 3.0, case, "each step multiplies by 1 + 2 weight rate: take logarithms of both")
    case, hint = "from 0.3 to 1, doubled at each step", "do not round; and the start counts"
    expect(answer(0.3, 1.0, 0.5), np.log2(1 / 0.3), case, hint)
    case, hint = "from 1e-6, weight 0.1, rate 0.001", "a tighter collapse takes more steps: the start counts"
    expect(answer(1e-6, 0.1, 0.001), np.log(1e6) / np.log(1.0002), case, hint)
