"""Wrong answers that readers of A_statistics may give, with what the check must say."""

import itertools

import numpy as np
from scipy import stats


def _interval(better, worse, ddof=1, point=None, back=np.exp):
    logs = np.log(np.asarray(better) / worse)
    point = stats.t.ppf(0.975, len(logs) - 1) if point is None else point
    reach = point * logs.std(ddof=ddof) / np.sqrt(len(logs))
    return tuple(back([logs.mean(), logs.mean() - reach, logs.mean() + reach]))


def _arithmetic(better, worse):
    ratios = np.asarray(better) / worse
    return ratios.mean(), *stats.t.interval(0.95, len(ratios) - 1, ratios.mean(), stats.sem(ratios))


def _high_first(better, worse):
    value, low, high = _interval(better, worse)
    return (value, low, high) if value < 1 else (value, high, low)


def _sorted(p_values):
    p_values = np.sort(p_values)
    return np.minimum(np.maximum.accumulate(p_values * np.arange(len(p_values), 0, -1)), 1)


def _unstepped(p_values):
    ranks = np.argsort(np.argsort(p_values))
    return np.minimum(p_values * (len(p_values) - ranks), 1)


def _unlimited(p_values):
    order = np.argsort(p_values)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.maximum.accumulate(p_values[order] * np.arange(len(p_values), 0, -1))
    return adjusted


def _sums(differences):
    return np.array([*itertools.product([-1, 1], repeat=len(differences))]) @ differences


def _by_ranks(differences):
    ranks = np.sign(differences) * stats.rankdata(np.abs(differences))  # Wilcoxon's test
    return np.mean(np.abs(_sums(ranks)) >= abs(np.sum(ranks)) - 1e-9)


def _in_place(p_values):
    order = np.argsort(p_values)
    p_values[order] = _sorted(p_values)
    return p_values


RIGHT = {
    "ratio_interval": [
        lambda better, worse: np.array(_interval(better, worse)),
        lambda *pairs: iter(_interval(*pairs)),
    ],
    "holm_adjusted": [_in_place],
}
WRONG = {
    "ratio_interval": [
        (_arithmetic, "geometric mean"),
        (lambda better, worse: _interval(better, worse, back=list), "np.exp last"),
        (lambda better, worse: _interval(better, worse)[1:], "return value, low, high"),
        (lambda better, worse: _interval(better, worse, ddof=0), "ddof=1"),
        (lambda better, worse: _interval(better, worse, point=1.96), "n - 1 degrees of freedom"),
        (_high_first, "low comes before high"),
        (lambda better, worse: _interval(better, worse)[0], "expected 3 values"),
    ],
    "holm_adjusted": [
        (lambda p_values: np.minimum(len(p_values) * p_values, 1), "the next by k - 1"),
        (_sorted, "in the order given"),
        (_unstepped, "none may become smaller"),
        (_unlimited, "at most 1"),
    ],
    "flipped_p": [
        (lambda x: np.mean(_sums(x) >= np.sum(x)), "on either side"),
        (lambda x: np.mean(np.abs(_sums(x)) > abs(np.sum(x))), "takes in equal sums"),
        (lambda x: np.sum(np.abs(_sums(x)) >= abs(np.sum(x))), "two of eight"),
        (lambda x: np.mean(np.abs(_sums(x)) >= np.sum(x)), "compare sizes"),
        (lambda x: np.mean(np.abs(_sums(x[x != 0])) >= abs(np.sum(x))) / 2 ** np.sum(x == 0), "still counts"),
        (lambda x: np.mean(np.abs(_sums(x)) >= abs(np.sum(x))), "differ by rounding"),
        (_by_ranks, "not their ranks"),
    ],
}
