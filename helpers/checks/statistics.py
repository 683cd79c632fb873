"""Checks of the exercises of A_statistics."""

from collections.abc import Callable

from helpers.checks.exercise import exercise, expect
import numpy as np
from scipy import stats

__all__ = ["flipped_p", "holm_adjusted", "ratio_interval"]


@exercise
def ratio_interval(answer: Callable) -> None:
    """Of A_statistics: the mean ratio of pairs and its 95 % t-interval, by logarithms: (value, low, high)."""
    better, worse = np.array([50.0, 80.0, 100.0, 90.0]), np.full(4, 100.0)
    logs = np.log(better / worse)
    reach = stats.t.ppf(0.975, 3) * logs.std(ddof=1) / 2
    wanted = tuple(np.exp([logs.mean(), logs.mean() - reach, logs.mean() + reach]))
    found = answer(better, worse)
    expect(found, (wanted[0], ..., ...), "the mean ratio of four pairs",
           "return value, low, high; the value is the geometric mean: average the logarithms, np.exp last")  # fmt: skip
    expect(found, wanted, "four pairs",
           "the standard error is s / √n with ddof=1; times the 97.5 % point of t with "
           "n - 1 degrees of freedom")  # fmt: skip
    expect(answer(worse, better), (1 / wanted[0], 1 / wanted[2], 1 / wanted[1]), "the same pairs, the other way round",
           "low comes before high")  # fmt: skip


@exercise
def holm_adjusted(answer: Callable) -> None:
    """Of A_statistics: p-values after Holm's correction, in the order given."""
    expect(answer(np.array([0.01, 0.04])), np.array([0.02, 0.04]), "0.01 and 0.04",
           "the smallest of k is multiplied by k, the next by k - 1, the largest by 1")  # fmt: skip
    expect(answer(np.array([0.30, 0.01, 0.04])), np.array([0.30, 0.03, 0.08]), "0.30, 0.01 and 0.04",
           "answer in the order given: np.argsort says which is the smallest")  # fmt: skip
    expect(answer(np.array([0.020, 0.021, 0.022])), np.array([0.06, 0.06, 0.06]), "0.020, 0.021 and 0.022",
           "none may become smaller than one before it: np.maximum.accumulate")  # fmt: skip
    expect(answer(np.array([0.6, 0.7])), np.array([1.0, 1.0]), "0.6 and 0.7", "a p-value is at most 1")


@exercise
def flipped_p(answer: Callable) -> None:
    """Of A_statistics: the share of sign patterns whose sum is at least as far from 0."""
    expect(answer(np.array([1.0, 2.0, 3.0])), 0.25, "the differences 1, 2, 3",
           "two of eight patterns: all as they are, and all turned round; 'at least as far' takes in equal sums, on "
           "either side")  # fmt: skip
    expect(answer(np.array([-3.0, 1.0, -2.0])), 0.5, "the differences -3, 1, -2",
           "compare sizes: the absolute sum of each pattern with that of the differences")  # fmt: skip
    expect(answer(np.array([2.0, 0.0])), 1.0, "the differences 2 and 0", "a difference of 0 stays 0, and still counts")
    expect(answer(np.array([5.0, 4.0, 3.0, -10.0])), 1.0, "the differences 5, 4, 3, -10",
           "the differences are summed, not their ranks")  # fmt: skip
    expect(answer(np.array([0.1, 0.2, -0.3, 0.4])), 0.625, "the differences 0.1, 0.2, -0.3, 0.4",
           "sums that should be equal differ by rounding: allow for 1e-12")  # fmt: skip
