"""Checks of the exercises of 12_noise_floor."""

from collections.abc import Callable

from helpers.checks.exercise import exercise, expect
import numpy as np

__all__ = ["best_ratio", "expected_gap"]


@exercise
def expected_gap(answer: Callable) -> None:
    """The mean difference of two sums with given probabilities, in 12_noise_floor."""
    expect(answer(np.array([0.0, 1.0])), 0.0, "a sum that is always 1", "F is the cumulative sum of the shares")
    case = "a sum that is 0 or 1, with probability 1/4 and 3/4"
    expect(answer(np.array([0.25, 0.75])), 0.375, case, "2 F (1 - F), where F = np.cumsum(shares)")
    hint = "do not divide: two sums that are 0 or 10 differ by 10 in half of the cases"
    expect(answer(np.array([0.5, *[0.0] * 9, 0.5])), 5.0, "a sum that is 0 or 10", hint)


@exercise
def best_ratio(answer: Callable) -> None:
    """The ratio of variances at which both gaps of one pixel cost least on average, in 12_noise_floor."""
    zero, rare = np.zeros(5), np.array([0.0, 0.0, 0.0, 0.0, 5.0])
    found = answer(np.array([0.7]), np.array([zero, zero]), np.array([zero, zero]))
    expect(found, 0.7, "a single ratio to choose from", "return one of the ratios, not its place among them")
    ratios = np.array([0.0, 0.25, 0.5, 1.0, 1.5])
    case, hint = "generated variances 1, real ones 0, 0, 0, 0 and 5", "average absolute differences, batch by batch"
    expect(answer(ratios, np.array([zero, zero + 1]), np.array([zero, rare])), 0.0, case, f"{hint}: no squares")
    case, hint = "generated M − μ of 2, real ones of 1", "the deviation of the mean is scaled by the root of r"
    expect(answer(ratios, np.array([zero + 2, zero]), np.array([zero + 1, zero])), 0.25, case, hint)
    case, hint = "generated variances 4, real ones 1", "the variance is scaled by r, and both gaps count"
    expect(answer(ratios, np.array([zero, zero + 4]), np.array([zero, zero + 1])), 0.25, case, hint)
    case, hint = "generated variances 1, real ones 0, 0.25, 0.5, 1.5 and 1.5", "the average over batches: no median"
    spread = np.array([0.0, 0.25, 0.5, 1.5, 1.5])
    expect(answer(ratios, np.array([zero, zero + 1]), np.array([zero, spread])), 0.5, case, hint)
