"""Statistics of a few runs: an estimate with its interval and n, tests on pairs, no run dropped.

The vocabulary is that of Agarwal et al. (2021): interquartile mean, stratified bootstrap,
probability of improvement. Since an interquartile mean trims rare collapses away, their rate
belongs beside it, with `rate`.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.95
RESAMPLES = 9_999


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval, and the number of runs that it rests on."""

    value: float
    low: float
    high: float
    n: int

    def text(self, form=".2f"):
        """The estimate as text, such as "1.21 [0.98, 1.43]"."""
        return f"{self.value:{form}} [{self.low:{form}}, {self.high:{form}}]"


def iqm(values, axis=-1):
    """Interquartile mean: the mean of the middle half, a quarter trimmed from each end, rounded down.

    Args:
        values: float array; a failed run's score has to be filled in before (`fill_failures`).
        axis: the axis of the runs.

    Returns:
        Float array without that axis. Source: Agarwal et al. (2021).
    """
    return stats.trim_mean(values, 0.25, axis=axis)


def estimate(strata, statistic=iqm, seed=0):
    """A statistic of all runs together, with its stratified percentile bootstrap interval.

    Args:
        strata: list of float arrays (n_k,), n_k >= 2, one for each stratum, such as a learning
            rate; runs are drawn anew within their stratum only.
        statistic: function of an array and `axis`, such as `iqm` or `numpy.median`.
        seed: of the resampling; the same input gives the same interval.

    Returns:
        An `Estimate` of `statistic` over the pooled runs. Source: Agarwal et al. (2021).

    Raises:
        ValueError: a stratum of fewer than 2 runs, or a score that is not finite.
    """
    strata = [_finite(runs) for runs in strata]

    def pooled(*samples, axis):
        return statistic(np.concatenate(samples, axis=axis), axis=axis)

    return _bootstrap(strata, pooled, seed)


def probability_of_improvement(better, worse, seed=0):
    """Probability that a run of one arm scores lower than a run of the other; lower is better.

    Args:
        better: float array (n,), n >= 2, scores of the arm that may be better.
        worse: float array (m,), m >= 2.
        seed: of the resampling.

    Returns:
        An `Estimate`: the share of all n * m pairs in which `better` is lower, ties counted half,
        which is Mann and Whitney's U / (n m); n is that of `better`. Source: Agarwal et al. (2021).

    Raises:
        ValueError: an arm of fewer than 2 runs, or a score that is not finite.
    """

    def share(x, y, axis):
        x, y = np.moveaxis(x, axis, -1)[..., :, None], np.moveaxis(y, axis, -1)[..., None, :]
        return np.mean((x < y) + 0.5 * (x == y), axis=(-2, -1))

    result = _bootstrap([_finite(better), _finite(worse)], share, seed)
    return Estimate(result.value, result.low, result.high, len(better))


def exponent(sizes, samples, least=1e-3, seed=0):
    """Exponent of the power law through means, by least squares on log axes, with its interval.

    Args:
        sizes: positive numbers (k,), k >= 2, such as batch sizes.
        samples: list of k float arrays (n,), n >= 2, one for each size; a place in them belongs to
            one seed, and seeds are drawn anew for all sizes together (paired bootstrap).
        least: a mean below it counts as it, having no logarithm or next to none.
        seed: of the resampling.

    Returns:
        An `Estimate`; n is the number of seeds.

    Raises:
        ValueError: a sample of fewer than 2 runs, or a score that is not finite.
    """
    x = np.log(sizes) - np.mean(np.log(sizes))

    def slope(*drawn, axis):
        means = np.stack([np.mean(runs, axis=axis) for runs in drawn])
        return np.tensordot(x, np.log(np.maximum(means, least)), 1) / (x @ x)

    return _bootstrap([_finite(runs) for runs in samples], slope, seed, paired=True)


def _finite(runs):
    runs = np.asarray(runs, dtype=float)
    if runs.ndim != 1 or len(runs) < 2 or not np.isfinite(runs).all():
        raise ValueError(f"Scores: expected 2 or more finite numbers, found {runs}. Mend it with: fill_failures")
    return runs


def _bootstrap(samples, statistic, seed, paired=False):
    value = float(statistic(*samples, axis=-1))
    n = len(samples[0]) if paired else sum(len(sample) for sample in samples)
    if all(np.ptp(sample) == 0 for sample in samples):
        return Estimate(value, value, value, n)  # all runs alike: there is nothing to draw anew
    settings = {"n_resamples": RESAMPLES, "confidence_level": LEVEL, "method": "percentile", "batch": 1_000}
    interval = stats.bootstrap(
        samples, statistic, paired=paired, vectorized=True, rng=np.random.default_rng(seed), **settings
    ).confidence_interval
    return Estimate(value, float(interval.low), float(interval.high), n)


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
        n_resamples=RESAMPLES + 1,
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


def fill_failures(scores):
    """Give failed runs the worst score that was seen, so that none is dropped.

    Args:
        scores: float array (n,), lower is better, NaN for a failed run.

    Returns:
        Float array (n,): each NaN replaced by the largest finite score; this is a lower bound on
        how bad failing is, so state the number of failures beside it.

    Raises:
        ValueError: there is no finite score.
    """
    scores = np.asarray(scores, dtype=float)
    if not np.isfinite(scores).any():
        raise ValueError(f"Scores: expected a finite one among {len(scores)}, found none.")
    return np.where(np.isfinite(scores), scores, np.nanmax(scores))


def first_below(steps, values, threshold):
    """When a curve first falls below a threshold.

    Args:
        steps: increasing numbers (k,), when the values were taken.
        values: float array (k,); NaN is not below.
        threshold: number.

    Returns:
        `(step, reached)`: the first step with a value below the threshold and True, or the last
        step and False: not reached so far, which survival analysis calls right-censored.
    """
    below = np.flatnonzero(np.asarray(values) < threshold)
    return (steps[below[0]], True) if len(below) else (steps[-1], False)


def log_rank(times, reached, other_times, other_reached):
    """Two-sided p-value of the log-rank test: do two arms reach a goal at the same steps?

    Args:
        times, reached: one arm: numbers (n,), when each run reached the goal, or the last step for those that did
            not; and booleans (n,), False where the run is censored at that step.
        other_times, other_reached: the other arm.

    Returns:
        Float in [0, 1]: 1 if all runs reached it at the same step, NaN if none did. Source: Mantel (1966).
    """
    if not (np.any(reached) or np.any(other_reached)):
        return float("nan")
    if np.all(reached) and np.all(other_reached) and len(np.unique([*times, *other_times])) == 1:
        return 1.0  # no run is left to tell the arms apart by: SciPy divides by a variance of 0
    return float(stats.logrank(_censored(times, reached), _censored(other_times, other_reached)).pvalue)


def _censored(times, reached):
    times, reached = np.asarray(times, dtype=float), np.asarray(reached, dtype=bool)
    return stats.CensoredData(uncensored=times[reached], right=times[~reached])
