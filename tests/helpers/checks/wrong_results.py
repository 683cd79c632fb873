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


WRONG = {
    "verdict_for": [
        (lambda ratios, p_values: "held" if min(ratios) > 1 else "fell", "below 1 is closer"),
        (by_any, "both p-values count"),
        (by_kid_alone, "KID clear, FD not"),
        (by_the_mean, "the sides must agree"),
    ],
    "share_collapsed": [
        (lambda entropies: (np.mean(entropies < 1), 0.0, 1.0), "a failed run counts"),
        (normal, "beta quantiles"),
        (without_ends, "with k = 0"),
    ],
}
