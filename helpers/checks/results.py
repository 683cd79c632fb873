"""Checks of the exercises of 10_results."""

from collections.abc import Callable

from helpers.checks.exercise import exercise, expect
import numpy as np

__all__ = ["verdict_for", "share_collapsed"]


@exercise
def verdict_for(answer: Callable) -> None:
    """Notebook 10: held, fell or undecided, from two ratios and their p-values."""
    for ratios, p_values, wanted, case, hint in (
        ((0.8, 0.9), (0.001, 0.03), "held", "both below 1, both clearly", "below 1 is closer"),
        ((1.2, 1.1), (0.001, 0.03), "fell", "both above 1, both clearly", "the claim was 'closer'"),
        ((0.7, 0.95), (0.001, 0.2), "undecided", "FD clear, KID not", "both p-values count"),
        ((0.95, 0.7), (0.2, 0.001), "undecided", "KID clear, FD not", "both p-values count"),
        ((1.3, 1.1), (0.001, 0.2), "undecided", "both above 1, KID not clear", "'fell' needs both p-values, too"),
        ((0.7, 1.3), (0.001, 0.001), "undecided", "both clear, on two sides", "the sides must agree"),
        ((0.8, 0.9), (0.001, 0.05), "undecided", "a p-value of 0.05", "below 0.05, not at it"),
    ):
        expect(answer(np.array(ratios), np.array(p_values)), wanted, case, hint)


@exercise
def share_collapsed(answer: Callable) -> None:
    """Notebook 10: the share of collapsed runs with Clopper and Pearson's interval."""
    failed, hint = np.array([0.2, np.nan, 1.8, 2.0, 2.1]), "a failed run counts as collapsed; return share, low, high"
    expect(answer(failed), (0.4, ..., ...), "one run of five collapsed and one failed", hint)
    wanted = (0.4, 0.052745, 0.853367)
    expect(answer(failed), wanted, "two of five collapsed", "the exact interval, from beta quantiles")
    failed[2] = 1.0
    expect(answer(failed), wanted, "a run at 1.0 itself", "collapsed is below 1.0; a failed run counts, too")
    expect(answer(np.full(10, 2.0)), (0.0, 0.0, 0.308497), "none of ten collapsed", "with k = 0 it starts at 0")
    expect(answer(np.zeros(10)), (1.0, 0.691503, 1.0), "all of ten collapsed", "with k = n it ends at 1")
