"""Statistics against independent implementations, and on synthetic data with known answers."""

import itertools

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
from scipy import stats

from study import intervals

SCORES = st.lists(st.floats(-100, 100), min_size=2, max_size=12)


def test_iqm_of_a_known_sample():
    # 10 values: 2 cut from each end, the mean of the middle 6 remains.
    assert intervals.iqm([100.0, 1, 2, 3, 4, 5, 6, 7, 8, -50]) == pytest.approx(np.mean([2, 3, 4, 5, 6, 7]))
    assert intervals.iqm(np.arange(8.0)) == pytest.approx(np.mean([2, 3, 4, 5]))


@pytest.mark.parametrize(("centres", "name"), [([0], "iqm"), ([0], "median"), ([-1, 0, 1], "iqm")])
def test_interval_covers_the_truth_as_often_as_it_says(centres, name, monkeypatch):
    """Strata symmetric about 0: their pooled mean, interquartile or not, is 0 in expectation."""
    statistic = {"iqm": intervals.iqm, "median": np.median}[name]
    monkeypatch.setattr(intervals, "RESAMPLES", 999)
    hits = 0
    for seed in range(1000):
        rng = np.random.default_rng(seed)
        found = intervals.estimate([rng.normal(centre, 1.0, 20) for centre in centres], statistic, seed)
        hits += found.low <= 0 <= found.high
    assert abs(hits / 1000 - 0.95) <= 0.03


def test_an_estimate_is_reproducible_its_interval_holds_it_and_strata_are_drawn_anew_each_within_itself():
    runs = np.random.default_rng(5).exponential(size=10)
    first = intervals.estimate([runs])
    assert first == intervals.estimate([runs]) != intervals.estimate([runs], seed=1)
    assert first.low <= first.value <= first.high and first.n == 10
    # Without strata, the numbers of runs near -100, 0 and 100 would vary, and the mean by tens.
    strata = [np.random.default_rng(0).normal(centre, 1.0, 20) for centre in (-100.0, 0.0, 100.0)]
    found = intervals.estimate(strata, np.mean)
    assert found.high - found.low < 1.0 and found.n == 60


@given(SCORES, SCORES)
def test_probability_of_improvement_is_mann_whitneys(better, worse):
    found = intervals.probability_of_improvement(better, worse)
    reference = stats.mannwhitneyu(worse, better, method="asymptotic").statistic / (len(better) * len(worse))
    assert found.value == pytest.approx(reference)
    assert 0 <= found.low <= found.value <= found.high <= 1


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
    # what a seed does to all sizes alike cancels only if seeds are drawn together
    alike = intervals.exponent(sizes, [np.array([1.0, 5.0, 20.0]) * size**-0.5 for size in sizes])
    assert [alike.value, alike.low, alike.high] == pytest.approx([-0.5] * 3)


def test_rate_is_clopper_and_pearsons():
    some, every = intervals.rate(3, 10), intervals.rate(10, 10)
    assert (every.low, every.high) == (pytest.approx(0.025 ** (1 / 10)), 1)
    assert (some.low, some.high) == pytest.approx((stats.beta.ppf(0.025, 3, 8), stats.beta.ppf(0.975, 4, 7)))


def test_a_failed_run_gets_the_worst_score_seen_and_what_cannot_be_judged_is_refused():
    np.testing.assert_array_equal(intervals.fill_failures([1.0, np.nan, 7.0]), [1.0, 7.0, 7.0])
    with pytest.raises(ValueError, match="expected a finite one among 2"):
        intervals.fill_failures([np.nan, np.nan])
    for bad in ([1.0], [1.0, np.nan], [[1.0, 2.0]]):
        slope = intervals.exponent, [1, 2], [bad, [1.0, 2.0]]
        for statistic, *given_to in ((intervals.estimate, [bad]), (intervals.sign_flip, bad), slope):
            with pytest.raises(ValueError, match="expected 2 or more finite numbers"):
                statistic(*given_to)


def test_log_rank_tells_fast_arms_from_slow_ones():
    fast, slow = np.arange(50, 550, 50), np.full(10, 550)
    reached, censored = np.ones(10, bool), np.zeros(10, bool)
    assert intervals.log_rank(fast, reached, slow, censored) < 1e-3
    assert intervals.log_rank(fast, reached, fast, reached) == pytest.approx(1.0)
    assert np.isnan(intervals.log_rank(slow, censored, slow, censored))
