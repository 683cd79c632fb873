"""Statistics against independent implementations, and on synthetic data with known answers."""

import itertools

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
from scipy import stats

from study import intervals, load_runs

SCORES = st.lists(st.floats(-100, 100), min_size=2, max_size=12)


SMALL = (4, 5, 10)
FROM_THREE = (3, *SMALL)  # the maps and the networks of 11 have three pairs
REPEATS = 20_000
# Two points, and twice the standard error that 20,000 samples leave: 2 sqrt(0.95 * 0.05 / 20,000) = 0.003.
FEWEST, MOST = 0.95 - 0.02 - 0.003, 0.95 + 0.02 + 0.003


def normal(rng, shape):
    """Logarithms of log-normal scores; t does not depend on their spread."""
    return rng.normal(size=shape)


@pytest.fixture(scope="module")
def recorded():
    """From a score to samplers of its residuals in the recorded cells, ten seeds each, in units of the cell's spread.

    "FD" and "KID" are of log scores, as skewed as they are; "coverage" and "entropy" of differences between arms.
    """
    runs = load_runs()
    runs = runs[(runs["profile"] == "lesson") & (runs["seed"] < 10)]

    def sampler(cells):
        pool = np.concatenate([(cell - cell.mean()) / cell.std(ddof=1) for cell in cells])
        return lambda rng, shape: rng.choice(pool, shape)

    draw = {"log-normal": normal}
    for name, score in {"FD": "frechet_distance", "KID": "kernel_distance"}.items():
        draw[name] = sampler([np.log(cell) for _, cell in runs.groupby(["test", "arm"])[score]])
    for name, score in {"coverage": "coverage", "entropy": "label_entropy"}.items():
        table = runs.pivot(index="seed", columns=["test", "arm"], values=score)
        draw[name] = sampler([table[test, "moments"] - table[test, "plain"] for test in (1, 2, 3)])
    return draw


def pairs_of(draw):
    """Samples of log ratios: the difference of two runs, each with its own residual."""
    return lambda rng, shape: draw(rng, shape) - draw(rng, shape)


@pytest.mark.parametrize("n", FROM_THREE)
@pytest.mark.parametrize("kind", ["log-normal", "FD", "KID"])
def test_means_and_ratios_of_logarithms_cover(recorded, kind, n):
    for draw in (recorded[kind], pairs_of(recorded[kind])):
        assert FEWEST <= intervals.coverage(intervals.t_bounds, draw, 0.0, n, REPEATS) <= MOST


@pytest.mark.parametrize("n", FROM_THREE)
@pytest.mark.parametrize("kind", ["coverage", "entropy"])
def test_differences_of_scores_that_may_be_0_cover(recorded, kind, n):
    assert FEWEST <= intervals.coverage(intervals.t_bounds, recorded[kind], 0.0, n, REPEATS) <= MOST


@pytest.mark.parametrize("n", FROM_THREE)
def test_a_count_of_half_decades_covers_where_it_has_an_interval(n):
    """Differences in steps of 0.5; samples all alike have no interval, and are left out as they are there."""

    def bounds(samples):
        value, low, high = intervals.t_bounds(samples)
        low[low == high] = np.nan
        return value[low < high], low[low < high], high[low < high]

    assert FEWEST <= intervals.coverage(bounds, lambda *to: 0.5 * np.round(normal(*to) / 0.5), 0.0, n, REPEATS) <= MOST


@pytest.mark.parametrize("n", SMALL)
@pytest.mark.parametrize("kind", ["log-normal", "FD"])
def test_the_exponent_covers(recorded, kind, n):
    """Shortfalls of the variance at batches of 10 to 100: means and spreads as recorded."""
    sizes, means, spreads = [10, 25, 50, 100], np.array([0.24, 0.095, 0.064, 0.075]), np.array([0.09, 0.05, 0.03, 0.05])
    truth = np.polyfit(np.log(sizes), np.log(means), 1)[0]

    def bounds(samples):
        samples = samples.reshape(-1, 4, n) * spreads[:, None] + means[:, None]
        return intervals.exponent_bounds(sizes, samples)

    assert FEWEST <= intervals.coverage(bounds, recorded[kind], truth, 4 * n, REPEATS) <= MOST


@pytest.mark.parametrize("n", [1, *FROM_THREE])
def test_a_rate_covers_at_least_what_it_says(n):
    """Exactly: summed over all counts, at every true rate; few counts make it cover more."""
    found = [intervals.rate(count, n) for count in range(n + 1)]
    for true in np.linspace(0.005, 0.995, 100):
        holds = [estimate.low <= true <= estimate.high for estimate in found]
        assert stats.binom.pmf(np.arange(n + 1), n, true)[holds].sum() >= 0.95


def test_what_was_thrown_out_fails_these_tests(recorded):
    """A percentile bootstrap of the mean; and t itself, where one run in ten is far off and few samples hold it."""

    def bootstrap(samples):
        rows = np.random.default_rng(1).integers(0, samples.shape[1], (999, samples.shape[1]))
        means = samples[:, rows].mean(axis=-1)
        return means.mean(axis=-1), *np.quantile(means, [0.025, 0.975], axis=-1)

    assert intervals.coverage(bootstrap, normal, 0.0, 5, 2_000) < 0.88
    assert intervals.coverage(bootstrap, normal, 0.0, 10, 2_000) < 0.92

    def rare(rng, shape):
        return 0.05 * normal(rng, shape) + 1.2 * (rng.random(shape) < 0.1) - 0.12

    assert all(intervals.coverage(intervals.t_bounds, rare, 0.0, n, REPEATS) < 0.75 for n in SMALL)


def test_an_estimate_is_students():
    runs = np.random.default_rng(5).exponential(size=10)
    found = intervals.estimate(runs)
    low, high = stats.t.interval(0.95, 9, runs.mean(), stats.sem(runs))
    assert (found.value, found.low, found.high, found.n) == pytest.approx((runs.mean(), low, high, 10))
    assert intervals.t_test(runs - found.low) == pytest.approx(0.05)  # the p-value of an interval that ends at 0


def test_ratios_are_geometric_means_of_pairs():
    better, worse = np.array([1.0, 2.0, 8.0]), np.array([2.0, 2.0, 2.0])
    found = intervals.ratio(better, worse)
    low, high = stats.t.interval(0.95, 2, np.log([0.5, 1, 4]).mean(), stats.sem(np.log([0.5, 1, 4])))
    assert (found.value, found.low, found.high) == pytest.approx((2 ** (1 / 3), np.exp(low), np.exp(high)))
    assert intervals.ratio(7 * better, 7 * worse).value == pytest.approx(found.value)
    assert intervals.geometric_mean(better).value == pytest.approx(16 ** (1 / 3))
    with pytest.raises(ValueError, match="expected numbers above 0"):
        intervals.ratio([0.0, 1.0], [1.0, 1.0])


def test_runs_all_alike_have_no_interval_and_not_one_of_width_zero():
    alike = intervals.ratio(0.5 * np.array([90.1, 100.7, 110.3]), [90.1, 100.7, 110.3])  # equal but for rounding
    assert alike.value == pytest.approx(0.5) and np.isnan([alike.low, alike.high]).all()
    assert alike.text() == "0.50" and intervals.Estimate(1.0, 0.5, 1.5, 3).text() == "1.00 [0.50, 1.50]"
    assert np.isnan(intervals.t_test([0.0, 0.0])) and np.isnan(intervals.estimate([0.5, 0.5]).high)


def exact_sign_flip(differences):
    signs = np.array(list(itertools.product((-1, 1), repeat=len(differences))))
    means = np.abs((signs * differences).mean(axis=1))
    return np.mean(means >= abs(np.mean(differences)) * (1 - 1e-12))


@given(st.lists(st.integers(1, 10_000), min_size=2, max_size=8, unique=True), st.data())
def test_sign_flip_is_the_share_of_all_sign_patterns(sizes, data):
    signs = data.draw(st.lists(st.sampled_from((-1, 1)), min_size=len(sizes), max_size=len(sizes)))
    differences = np.array(sizes) * signs
    assert intervals.sign_flip(differences) == pytest.approx(exact_sign_flip(differences))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_holm_is_the_closed_test_of_bonferroni(p_values):
    # A hypothesis falls if every set of hypotheses that holds it falls by Bonferroni's rule.
    def closed(k):
        others = [i for i in range(len(p_values)) if i != k]
        sets = [[k, *chosen] for size in range(len(p_values)) for chosen in itertools.combinations(others, size)]
        return max(min(1.0, len(chosen) * min(p_values[i] for i in chosen)) for chosen in sets)

    expected = [closed(k) for k in range(len(p_values))]
    np.testing.assert_allclose(intervals.holm(p_values), expected)


def test_exponent_is_the_slope_on_log_axes_and_pairs_are_kept():
    sizes = np.array([10, 25, 50, 100])
    samples = [np.array([0.2, 0.3, 0.1]), np.array([0.1, 0.05, 0.2]), np.array([0.1, 0.1, 0.0]), np.array([-1.0, 0, 0])]
    found = intervals.exponent(sizes, samples)
    means = [0.2, 0.35 / 3, 0.2 / 3, 1e-3]  # the last is below the least that counts
    assert found.value == pytest.approx(np.polyfit(np.log(sizes), np.log(means), 1)[0])
    assert found.low < found.value < found.high and found.n == 3
    # what a seed does to all sizes alike cancels only if it is left out of all together
    alike = intervals.exponent(sizes, [np.array([1.0, 5.0, 20.0]) * size**-0.5 for size in sizes])
    assert alike.value == pytest.approx(-0.5) and np.isnan(alike.low)


def test_rate_is_clopper_and_pearsons():
    some, every = intervals.rate(3, 10), intervals.rate(10, 10)
    assert (every.low, every.high) == (pytest.approx(0.025 ** (1 / 10)), 1)
    assert (some.low, some.high) == pytest.approx((stats.beta.ppf(0.025, 3, 8), stats.beta.ppf(0.975, 4, 7)))


def test_what_has_no_statistic_is_refused():
    for bad in ([1.0], [1.0, np.nan], [[1.0, 2.0]]):
        slope = intervals.exponent, [1, 2], [bad, [1.0, 2.0]]
        for statistic, *given_to in ((intervals.estimate, bad), (intervals.sign_flip, bad), slope):
            with pytest.raises(ValueError, match="expected 2 or more finite numbers"):
                statistic(*given_to)


def test_log_rank_tells_fast_arms_from_slow_ones():
    fast, slow = np.arange(50, 550, 50), np.full(10, 550)
    reached, censored = np.ones(10, bool), np.zeros(10, bool)
    assert intervals.log_rank(fast, reached, slow, censored) < 1e-3
    assert intervals.log_rank(fast, reached, fast, reached) > 0.95  # 10,000 exchanges at random
    assert np.isnan(intervals.log_rank(slow, censored, slow, censored))
    # Three of three before, and none after: two of the 20 ways to deal six runs are as far apart.
    assert intervals.log_rank([1, 2, 3], [True] * 3, [9] * 3, [False] * 3) == pytest.approx(2 / 20)
    same = intervals.log_rank([5, 5], [True, True], [5, 5], [True, True])
    assert same == 1


def test_log_rank_is_the_share_of_exchanges_with_observed_less_expected_as_far_off():
    rng = np.random.default_rng(2)
    times, reached = rng.integers(1, 9, 8).astype(float), rng.random(8) < 0.7

    def excess(rows):
        """Mantel's statistic of an arm, from the table at each step that a run reaches the goal in."""
        arm, total = np.isin(np.arange(8), rows), 0.0
        for step in np.unique(times[reached]):
            at_risk, now = times >= step, (times == step) & reached
            total += (now & arm).sum() - now.sum() * (at_risk & arm).sum() / at_risk.sum()
        return total

    dealt = np.array([excess(rows) for rows in itertools.combinations(range(8), 4)])
    tails = np.mean(dealt >= dealt[0] - 1e-9), np.mean(dealt <= dealt[0] + 1e-9)
    found = intervals.log_rank(times[:4], reached[:4], times[4:], reached[4:])
    assert found == pytest.approx(min(1.0, 2 * min(tails)))
