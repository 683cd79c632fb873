"""Statistics of a few runs: an estimate with its interval and n, tests on pairs, no run dropped.

An interval is printed only where it was measured to cover what it says at the n in use, 3 to 10
(`coverage`; tests/study/test_intervals.py). Means, differences and ratios have Student's t, the last
on logarithms. What no interval of a mean does: hold the truth where one run in ten is far off and none
of them was drawn. Then state the rate of such runs beside it, with `rate`.
"""

from dataclasses import dataclass
import math

import numpy as np
from scipy import stats

LEVEL = 0.95
PATTERNS = 10_000  # of signs, drawn where there are more of them


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval, and the number of runs that it rests on.

    `low` and `high` are NaN where there is no interval: one run, all runs alike, or a statistic that has none.
    """

    value: float
    low: float
    high: float
    n: int

    def text(self, form=".2f"):
        """The estimate as text, such as "1.21 [0.98, 1.43]", or "1.21" where it has no interval."""
        bounds = "" if math.isnan(self.low) else f" [{self.low:{form}}, {self.high:{form}}]"
        return f"{self.value:{form}}{bounds}"


def alone(value, n):
    """An `Estimate` without interval."""
    return Estimate(float(value), math.nan, math.nan, int(n))


def estimate(runs):
    """The mean of some runs, with its t interval.

    Args:
        runs: float array (n,), n >= 2.

    Returns:
        An `Estimate`, without interval if all runs are alike: their spread is then unknown and not zero.
        Source: Student (1908).

    Raises:
        ValueError: fewer than 2 runs, or a score that is not finite.
    """
    runs = _finite(runs)
    value, low, high = map(float, t_bounds(runs))
    return alone(value, len(runs)) if _alike(runs) else Estimate(value, low, high, len(runs))


def t_bounds(samples):
    """Mean and t interval over the last axis of a float array (..., n): value, low, high, each (...)."""
    n = samples.shape[-1]
    value = samples.mean(axis=-1)
    reach = stats.t.ppf((1 + LEVEL) / 2, n - 1) * samples.std(axis=-1, ddof=1) / math.sqrt(n)
    return value, value - reach, value + reach


def exponential(found):
    """An estimate of a logarithm as one of the number itself."""
    return Estimate(*map(math.exp, (found.value, found.low, found.high)), found.n)


def geometric_mean(scores):
    """Geometric mean of scores > 0, float (n,), n >= 2, with a t interval of their logarithms: an `Estimate`."""
    return exponential(estimate(np.log(_positive(scores))))


def ratio(better, worse):
    """How many times as large the scores of one arm are: the geometric mean over pairs.

    Args:
        better, worse: float arrays (n,), n >= 2, above 0, such as Fréchet distances; a place in them is a seed's.

    Returns:
        An `Estimate` of better / worse: the t interval of the log ratios, back from the logarithm; without
        interval if all pairs have the same ratio.

    Raises:
        ValueError: fewer than 2 pairs, or a score that is not a number above 0.
    """
    return exponential(estimate(np.log(_positive(better)) - np.log(_positive(worse))))


def t_test(differences):
    """Two-sided p-value of Student's t for paired differences, float (n,), n >= 2; NaN if they are all alike.

    It is below 0.05 just where the interval of `estimate` excludes 0. Source: Student (1908).
    """
    differences = _finite(differences)
    return math.nan if _alike(differences) else float(stats.ttest_1samp(differences, 0.0).pvalue)


def exponent(sizes, samples, least=1e-3):
    """Exponent of the power law through means, by least squares on log axes, with its interval.

    Args:
        sizes: positive numbers (k,), k >= 2, such as batch sizes.
        samples: list of k float arrays (n,), n >= 2, one for each size; a place in them belongs to
            one seed, and a seed is left out of all sizes together.
        least: a mean below it counts as it, having no logarithm or next to none.

    Returns:
        An `Estimate` with a t interval over the n seeds, its spread by the jackknife; n is the number
        of seeds. Source: Efron and Tibshirani (1993), chapter 11.

    Raises:
        ValueError: a sample of fewer than 2 runs, or a score that is not finite.
    """
    samples = np.array([_finite(runs) for runs in samples])
    value, low, high = map(float, exponent_bounds(sizes, samples, least))
    count = samples.shape[-1]
    return alone(value, count) if _alike(np.array([low, high])) else Estimate(value, low, high, count)


def exponent_bounds(sizes, samples, least=1e-3):
    """`exponent` of float arrays (..., k, n): value, low, high, each (...)."""
    x, n = np.log(sizes) - np.mean(np.log(sizes)), samples.shape[-1]

    def slope(means):
        return np.tensordot(np.log(np.maximum(means, least)), x, ([-1], [0])) / (x @ x)

    value = slope(samples.mean(axis=-1))
    left_out = [slope(np.delete(samples, seed, axis=-1).mean(axis=-1)) for seed in range(n)]
    error = np.sqrt((n - 1) * np.var(left_out, axis=0))
    reach = stats.t.ppf((1 + LEVEL) / 2, n - 1) * error
    return value, value - reach, value + reach


def coverage(bounds, draw, truth, n, repeats=20_000, seed=0):
    """How often an interval holds the truth, on samples from a known distribution.

    Args:
        bounds: function of a float array (repeats, n) to (value, low, high), each (repeats,).
        draw: function of a generator and a shape to samples of the distribution.
        truth: what the interval should hold.
        n: runs in a sample.
        repeats: how many samples; with 20,000 the share found has a standard error of 0.0015.
        seed: of the samples.

    Returns:
        Float in [0, 1]; an interval that is what it says has 0.95.
    """
    _, low, high = bounds(draw(np.random.default_rng(seed), (repeats, n)))
    return float(np.mean((low <= truth) & (truth <= high)))


def _finite(runs):
    runs = np.asarray(runs, dtype=float)
    if runs.ndim != 1 or len(runs) < 2 or not np.isfinite(runs).all():
        raise ValueError(
            f"Scores: expected 2 or more finite numbers, found {runs}. Mend it, for failed runs, with verdicts.fill."
        )
    return runs


def _alike(runs):
    """Whether runs differ by rounding alone: their spread is unknown then, and not zero."""
    return np.ptp(runs) <= 1e-12 * max(1.0, np.max(np.abs(runs)))


def _positive(scores):
    scores = _finite(scores)
    if (scores <= 0).any():
        raise ValueError(f"Scores: expected numbers above 0, which have a logarithm, found {scores}.")
    return scores


def sign_flip(differences, seed=0):
    """Two-sided p-value of paired differences, if each might as well have had the other sign.

    Args:
        differences: float array (n,), one difference a pair, n >= 2.
        seed: of the random sign patterns drawn where there are more than 10,000 of them.

    Returns:
        Float in (0, 1]: the share of sign patterns whose mean is at least as far from 0; exact
        up to 13 pairs. With n pairs it cannot be below 2 / 2^n. Source: Fisher (1935).

    Raises:
        ValueError: fewer than 2 pairs, or a difference that is not finite.
    """
    result = stats.permutation_test(
        (_finite(differences),),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=PATTERNS,
        rng=np.random.default_rng(seed),
    )
    return float(result.pvalue)


def holm(p_values):
    """Adjust p-values for looking at several: each may be compared with 0.05 as if it were alone.

    Args:
        p_values: float array (k,), in [0, 1].

    Returns:
        Float array (k,), in the given order. Source: Holm (1979).
    """
    p_values = np.asarray(p_values, dtype=float)
    order = np.argsort(p_values)
    stepped = p_values[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return adjusted


def rate(count, n):
    """A share of runs, such as the collapsed ones, with its exact interval.

    Args:
        count: how many runs, 0 to n.
        n: of how many, >= 1.

    Returns:
        An `Estimate`. Source: Clopper and Pearson (1934).
    """
    interval = stats.binomtest(int(count), int(n)).proportion_ci(LEVEL, method="exact")
    return Estimate(count / n, float(interval.low), float(interval.high), int(n))


def log_rank(times, reached, other_times, other_reached, seed=0):
    """Two-sided p-value of the log-rank test: do two arms reach a goal at the same steps?

    Args:
        times, reached: one arm: numbers (n,), when each run reached the goal, or the last step for those that did
            not; and booleans (n,), False where the run is censored at that step.
        other_times, other_reached: the other arm.
        seed: of the random exchanges drawn where there are more than 10,000 of them.

    Returns:
        Float in (0, 1]: the share of all exchanges of runs between the arms that tell them apart as well, exact up
        to 7 runs an arm (the usual normal law rejects 8 % of true hypotheses at 5 runs an arm, not 5 %); NaN if
        no run reached the goal. Source: Mantel (1966).
    """
    times, reached = np.append(times, other_times), np.append(reached, other_reached).astype(bool)
    if not reached.any():
        return float("nan")
    goals = times[reached]
    hazard = np.array([sum(1 / np.sum(times >= goal) for goal in goals[goals <= time]) for time in times])
    scores = reached - hazard  # reached less expected, run by run; their sum over an arm is the test's statistic
    if np.ptp(scores) == 0:
        return 1.0
    arms = scores[: len(scores) - len(other_times)], scores[len(scores) - len(other_times) :]
    result = stats.permutation_test(
        arms,
        lambda one, other, axis: np.round(np.mean(one, axis=axis) - np.mean(other, axis=axis), 9),  # ties are ties
        permutation_type="independent",
        vectorized=True,
        n_resamples=PATTERNS,
        rng=np.random.default_rng(seed),
    )
    return float(result.pvalue)
