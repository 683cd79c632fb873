"""Checks of the exercises of 15_smaller_networks."""

from collections.abc import Callable

from helpers.checks.exercise import exercise, expect
import numpy as np

__all__ = ["smallest_that_does", "unbeaten"]


@exercise
def smallest_that_does(answer: Callable) -> None:
    """Notebook 15: the fewest parameters whose distance is at most a limit; infinity if none is."""
    parameters, distances = np.array([13.0, 0.8, 3.3, 0.2]), np.array([120.0, 150.0, 100.0, 300.0])
    expect(answer(parameters, distances, 160.0), 0.8, "a limit of 160", "the fewest parameters, in whatever order")
    expect(answer(parameters, distances, 150.0), 0.8, "a limit of 150", "a distance equal to the limit will do")
    expect(answer(parameters, distances, 50.0), np.inf, "a limit of 50, which none reaches", "return np.inf then")


@exercise
def unbeaten(answer: Callable) -> None:
    """Notebook 15: which networks no other one beats in both size and distance."""
    parameters, distances = np.array([3.3, 13.0, 0.2, 0.8]), np.array([100.0, 90.0, 300.0, 100.0])
    wanted = np.array([False, True, True, True])
    hint = "a network is beaten by one that is no larger and no further, and better in one of the two"
    expect(answer(parameters, distances), wanted, "four networks, two of them equally far", hint)
    found = answer(np.ones(2), np.array([120.0, 100.0]))
    expect(found, np.array([False, True]), "two networks, equally large", "of the same size, the closer one beats")
    expect(answer(np.ones(2), np.ones(2)), np.array([True, True]), "two equal networks", "an equal one does not beat")
