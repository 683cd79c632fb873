"""Checks of the exercises of 10_results."""

from collections.abc import Callable

from helpers.checks.exercise import exercise, expect
import numpy as np

__all__ = ["verdict_for", "share_collapsed"]


@exercise
def verdict_for(answer: Callable) -> None:
    """Notebook 10: held, fell or undecided, from two ratios and their p-values."""
    expect(answer((0.8, 0.9), (0.001, 0.03)), "held", "both below 1, both clearly", "below 1 is closer")
    expect(answer((1.2, 1.1), (0.001, 0.03)), "fell", "both above 1, both clearly", "the claim was 'closer'")
    expect(answer((0.7, 0.95), (0.001, 0.2)), "undecided", "FD clear, KID not", "both p-values count")
    expect(answer((0.95, 0.7), (0.2, 0.001)), "undecided", "KID clear, FD not", "both p-values count")
    expect(answer((0.7, 1.3), (0.001, 0.001)), "undecided", "both clear, on two sides", "the sides must agree")


@exercise
def share_collapsed(answer: Callable) -> None:
    """Notebook 10: the share of collapsed runs with Clopper and Pearson's interval."""
    failed = np.array([0.2, np.nan, 1.8, 2.0, 2.1])
    expect(answer(failed)[0], 0.4, "the share, one run of five failed", "a failed run counts as collapsed")
    wanted = (0.4, 0.052745, 0.853367)
    expect(answer(failed), wanted, "two of five collapsed", "the exact interval, from beta quantiles")
    expect(answer(np.full(10, 2.0)), (0.0, 0.0, 0.308497), "none of ten collapsed", "with k = 0 it starts at 0")
    expect(answer(np.zeros(10)), (1.0, 0.691503, 1.0), "all of ten collapsed", "with k = n it ends at 1")
