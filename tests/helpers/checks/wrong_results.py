"""Typical wrong answers to the exercises of 10_results."""

import numpy as np
from scipy import stats


def by_any(ratios, p_values):
    return "held" if min(p_values) < 0.05 and max(ratios) < 1 else "fell" if min(ratios) > 1 else "undecided"


def by_kid_alone(ratios, p_values):
    if p_values[1] >= 0.05:
        return "undecided"
    return "held" if max(ratios) < 1 else "fell" if min(ratios) > 1 else "undecided"


def by_the_mean(ratios, p_values):
    if max(p_values) >= 0.05:
        return "undecided"
    return "held" if np.mean(ratios) <= 1 else "fell"


def normal(entropies):
    k, n = np.sum(~(entropies >= 1)), len(entropies)
    reach = 1.96 * np.sqrt(k / n * (1 - k / n) / n)
    return k / n, k / n - reach, k / n + reach


def without_ends(entropies):
    k, n = np.sum(~(entropies >= 1)), len(entropies)
    return k / n, stats.beta.ppf(0.025, k, n - k + 1), stats.beta.ppf(0.975, k + 1, n - k)


def by_p_where_held(ratios, p_values):
    if max(p_values) < 0.05 and max(ratios) < 1:
        return "held"
    return "fell" if min(ratios) > 1 else "undecided"


def at_the_limit(ratios, p_values):
    if max(p_values) > 0.05:
        return "undecided"
    return "held" if max(ratios) < 1 else "fell" if min(ratios) > 1 else "undecided"


def by_arrays(ratios, p_values):
    if (p_values < 0.05).all() and (ratios < 1).all():
        return np.str_("held")
    return np.where((p_values < 0.05).all() and (ratios > 1).all(), "fell", "undecided").item()


def exact(entropies, below=lambda entropies: ~(entropies >= 1)):
    k, n = np.sum(below(entropies)), len(entropies)
    low = stats.beta.ppf(0.025, k, n - k + 1) if k > 0 else 0.0
    return np.array([k / n, low, stats.beta.ppf(0.975, k + 1, n - k) if k < n else 1.0])


RIGHT = {"verdict_for": [by_arrays], "share_collapsed": [exact]}
WRONG = {
    "verdict_for": [
        (lambda ratios, p_values: "held" if min(ratios) > 1 else "fell", "below 1 is closer"),
        (by_any, "both p-values count"),
        (by_kid_alone, "KID clear, FD not"),
        (by_the_mean, "the sides must agree"),
        (by_p_where_held, "needs both p-values"),
        (at_the_limit, "below 0.05, not at it"),
    ],
    "share_collapsed": [
        (lambda entropies: (np.mean(entropies < 1), 0.0, 1.0), "a failed run counts"),
        (normal, "beta quantiles"),
        (without_ends, "with k = 0"),
        (lambda entropies: exact(entropies, lambda e: ~(e > 1)), "below 1.0"),
        (lambda entropies: exact(entropies)[0], "expected 3 values"),
    ],
}
