"""Checks of the exercises of 14_learning_rates."""

from collections.abc import Callable

from helpers.checks.exercise import exercise, expect
import numpy as np

__all__ = ["area", "decades"]


@exercise
def decades(answer: Callable) -> None:
    """Notebook 14: half a decade for each distance that is at most `most`."""
    distances = np.array([80.0, 100.0, 150.0, 201.0, 90.0])
    expect(answer(distances, 200.0), 2.0, "four of five rates in range", "each rate stands for half a decade")
    expect(answer(distances, 100.0), 1.5, "a distance equal to the limit", "at most the limit: <=, not <")
    expect(answer(distances, 50.0), 0.0, "no rate in range", "count the rates, do not take first and last")


@exercise
def area(answer: Callable) -> None:
    """Notebook 14: mean log distance, each capped at that of the untrained generator."""
    expect(answer(np.array([1.0, np.e**2]), 1e9), 1.0, "distances 1 and e²", "logarithms first, then the mean")
    expect(
        answer(np.array([np.e, 1e6]), np.e**3),
        2.0,
        "a distance above the cap",
        "it counts as the cap",
    )
