"""Statistics against independent implementations, and on synthetic data with known answers."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from helpers import statistics

SCORES = st.lists(st.floats(-100, 100), min_size=2, max_size=12)


def test_iqm_of_a_known_sample():
    # 10 values: 2 cut from each end, the mean of the middle 6 remains.
    assert statistics.iqm([100.0, 1, 2, 3, 4, 5, 6, 7, 8, -50]) == pytest.approx(np.mean([2, 3, 4, 5, 6, 7]))
    assert statistics.iqm(np.arange(8.0)) == pytest.approx(np.mean([2, 3, 4, 5]))


def coverage(draw, truth, statistic, runs=1000):
    hits = 0
    for seed in range(runs):
        found = statistics.estimate(draw(np.random.default_rng(seed)), statistic, seed)
        hits += found.low <= truth <= found.high
    return hits / runs


@pytest.mark.parametrize("statistic", [statistics.iqm, np.median])
def test_interval_covers_the_truth_as_often_as_it_says(statistic, monkeypatch):
    monkeypatch.setattr(statistics, "RESAMPLES", 999)
    assert abs(coverage(lambda rng: [rng.normal(3.0, 2.0, 20)], 3.0, statistic) - 0.95) <= 0.03


def test_stratified_interval_covers_the_truth(monkeypatch):
    monkeypatch.setattr(statistics, "RESAMPLES", 999)
    # Symmetric about 0, so the pooled IQM is 0 in expectation.
    coverage_found = coverage(lambda rng: [rng.normal(c, 1.0, 20) for c in (-1.0, 0.0, 1.0)], 0.0, statistics.iqm)
    assert abs(coverage_found - 0.95) <= 0.03


def test_strata_are_drawn_anew_each_within_itself():
    # Without strata, the numbers of runs near -100, 0 and 100 would vary, and the mean by tens.
    strata = [np.random.default_rng(0).normal(centre, 1.0, 20) for centre in (-100.0, 0.0, 100.0)]
    found = statistics.estimate(strata, np.mean)
    assert found.high - found.low < 1.0 and found.n == 60


def test_an_estimate_is_reproducible_and_its_interval_holds_it():
    runs = np.random.default_rng(5).exponential(size=10)
    first, again = statistics.estimate([runs]), statistics.estimate([runs])
    assert first == again
    assert first.low <= first.value <= first.high and first.n == 10
    assert statistics.estimate([runs], seed=1) != first


def test_runs_that_are_all_alike_have_an_interval_of_no_width():
    found = statistics.estimate([np.full(5, 2.0)])
    assert (found.value, found.low, found.high, found.n) == (2.0, 2.0, 2.0, 5)


@given(SCORES, SCORES)
def test_probability_of_improvement_is_mann_whitneys(better, worse):
    found = statistics.probability_of_improvement(better, worse)
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
    assert statistics.sign_flip(differences) == pytest.approx(exact_sign_flip(differences))


def test_sign_flip_p_values_are_uniform_under_the_null():
    draws = np.random.default_rng(11).standard_t(3, size=(500, 12))
    p_values = [statistics.sign_flip(draw) for draw in draws]
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


def test_sign_flip_finds_a_difference_that_is_there():
    assert statistics.sign_flip(np.arange(1.0, 11.0)) == pytest.approx(2 / 2**10)
    assert statistics.sign_flip([1.0, -1.0, 2.0, -2.0]) == 1.0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_holm_is_the_closed_test_of_bonferroni(p_values):
    # A hypothesis falls if every set of hypotheses that holds it falls by Bonferroni's rule.
    def closed(k):
        others = [i for i in range(len(p_values)) if i != k]
        sets = [[k, *chosen] for size in range(len(p_values)) for chosen in itertools.combinations(others, size)]
        return max(min(1.0, len(chosen) * min(p_values[i] for i in chosen)) for chosen in sets)

    expected = [closed(k) for k in range(len(p_values))]
    np.testing.assert_allclose(statistics.holm(p_values), expected)


def test_exponent_is_the_slope_on_log_axes_and_pairs_are_kept():
    sizes = np.array([10, 25, 50, 100])
    samples = [np.array([0.2, 0.3, 0.1]), np.array([0.1, 0.05, 0.2]), np.array([0.1, 0.1, 0.0]), np.array([-1.0, 0, 0])]
    found = statistics.exponent(sizes, samples)
    means = [0.2, 0.35 / 3, 0.2 / 3, 1e-3]  # the last is below the least that counts
    assert found.value == pytest.approx(np.polyfit(np.log(sizes), np.log(means), 1)[0])
    assert found.low < found.value < found.high and found.n == 3
    # what a seed does to all sizes alike cancels only if seeds are drawn together
    alike = statistics.exponent(sizes, [np.array([1.0, 5.0, 20.0]) * size**-0.5 for size in sizes])
    assert [alike.value, alike.low, alike.high] == pytest.approx([-0.5] * 3)
    with pytest.raises(ValueError, match="expected 2 or more finite numbers"):
        statistics.exponent([1, 2], [[1.0, np.nan], [1.0, 2.0]])


def test_rate_is_clopper_and_pearsons():
    all_of_ten = statistics.rate(10, 10)
    assert all_of_ten.low == pytest.approx(0.025 ** (1 / 10)) and all_of_ten.high == 1
    some = statistics.rate(3, 10)
    assert some.low == pytest.approx(stats.beta.ppf(0.025, 3, 8))
    assert some.high == pytest.approx(stats.beta.ppf(0.975, 4, 7))


def test_a_failed_run_gets_the_worst_score_seen():
    np.testing.assert_array_equal(statistics.fill_failures([1.0, np.nan, 7.0]), [1.0, 7.0, 7.0])
    with pytest.raises(ValueError, match="expected a finite one among 2"):
        statistics.fill_failures([np.nan, np.nan])


@pytest.mark.parametrize("bad", [[1.0], [1.0, np.nan], [[1.0, 2.0]]])
def test_scores_that_cannot_be_judged_are_refused(bad):
    for statistic in (lambda runs: statistics.estimate([runs]), statistics.sign_flip):
        with pytest.raises(ValueError, match="expected 2 or more finite numbers"):
            statistic(bad)


def test_first_step_below_a_threshold():
    steps = [50, 100, 150]
    assert statistics.first_below(steps, [9.0, 4.0, 6.0], 5.0) == (100, True)
    assert statistics.first_below(steps, [9.0, np.nan, 5.0], 5.0) == (150, False)


def test_share_reached_counts_censored_runs_and_agrees_with_kaplan_and_meier():
    times, reached = np.array([50, 100, 100, 550, 550]), np.array([True, True, True, False, False])
    shares = statistics.share_reached(times, reached, [0, 50, 100, 550])
    assert [share.value for share in shares] == [0, 0.2, 0.6, 0.6] and shares[0].n == 5
    reference = stats.ecdf(stats.CensoredData(uncensored=times[reached], right=times[~reached])).cdf
    np.testing.assert_allclose([share.value for share in shares], reference.evaluate([0, 50, 100, 550]))
    with pytest.raises(ValueError, match="none beyond 550"):
        statistics.share_reached(times, reached, [551])


def test_log_rank_tells_fast_arms_from_slow_ones():
    fast, slow = np.arange(50, 550, 50), np.full(10, 550)
    reached, censored = np.ones(10, bool), np.zeros(10, bool)
    assert statistics.log_rank(fast, reached, slow, censored) < 1e-3
    assert statistics.log_rank(fast, reached, fast, reached) == pytest.approx(1.0)
    assert np.isnan(statistics.log_rank(slow, censored, slow, censored))


def test_log_rank_p_values_are_uniform_under_the_null():
    rng, p_values = np.random.default_rng(2), []
    for _ in range(300):
        times = rng.exponential(size=(2, 30))
        p_values.append(statistics.log_rank(*(part for t in times for part in (np.minimum(t, 1.5), t <= 1.5))))
    assert stats.kstest(p_values, "uniform").pvalue > 0.01
