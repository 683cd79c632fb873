"""Verdicts on runs made up so that the answer is known by hand."""

import numpy as np
import pandas as pd
import pytest

from study import intervals, verdicts
from study.intervals import Estimate

RATES = (0.01, 0.001, 0.0001)
NONE = float("nan")
CAP = 400.0


def ratio(value, n=5):
    return Estimate(value, 0.9 * value, 1.1 * value, n)


def frame(scores, network="net", **columns):
    """Runs from a dict {(rate, arm): list of FD by seed, None for a failed run}; KID is a tenth of FD."""
    rows = []
    for (rate, arm), values in scores.items():
        for seed, value in enumerate(values):
            rows.append({"network": network, "learning_rate": rate, "arm": arm, "seed": seed})
            rows[-1] |= {"status": "finished", "frechet_distance": value, "label_entropy": 2.0, "coverage": 0.1}
            if value is None:
                rows[-1] |= {"status": "failed", "frechet_distance": NONE, "label_entropy": NONE, "coverage": NONE}
    table = pd.DataFrame(rows).astype({"frechet_distance": float})
    return table.assign(kernel_distance=table["frechet_distance"] / 10, reached_at=20, reached=False).assign(**columns)


def closer(runs, rates=RATES, better="moments", worse="plain", **settings):
    return verdicts.closer(runs, better, worse, "net", rates, **settings)


@pytest.mark.parametrize(
    ("fd", "p_fd", "kid", "p_kid", "word", "reason"),
    [
        (0.5, 0.01, 0.8, 0.04, "held", "agree"),
        (2.0, 0.01, 1.2, 0.04, "fell", "agree"),
        (0.5, 0.01, 0.8, 0.06, "undecided", "FD excludes no effect, KID does not"),
        (0.5, 0.06, 0.8, 0.01, "undecided", "KID excludes no effect, FD does not"),
        (0.5, 0.01, 0.8, NONE, "undecided", "KID does not"),
        (0.5, 0.06, 0.8, 0.06, "undecided", "neither"),
        (0.5, 0.01, 1.1, 0.80, "undecided", "disagree in sign"),
        (0.5, 0.01, 1.5, 0.01, "undecided", "disagree in sign, both clearly"),
    ],
)
def test_the_rule_needs_both_judges(fd, p_fd, kid, p_kid, word, reason):
    found = verdicts.verdict({"FD": (ratio(fd), p_fd), "KID": (ratio(kid), p_kid)})
    assert found[0] == word and reason in found[1]


def test_one_pair_and_runs_that_all_failed_decide_nothing():
    for rule in (verdicts.verdict, verdicts.verdict_alike):
        assert rule(dict.fromkeys(("FD", "KID"), (intervals.alone(0.2, 1), NONE)))[0] == "undecided: n = 1"
        assert rule(dict.fromkeys(("FD", "KID"), (intervals.alone(NONE, 5), NONE)))[0] == "undecided"


@pytest.mark.parametrize(
    ("bounds", "p", "word"),
    [
        ((0.95, 1.05), 0.9, "held"),
        ((0.95, 0.99), 0.01, "held"),
        ((0.70, 0.88), 0.01, "fell"),
        ((0.85, 1.02), 0.3, "undecided"),
    ],
)
def test_as_well_means_within_a_tenth(bounds, p, word):
    found = Estimate(float(np.mean(bounds)), *bounds, 5)
    assert verdicts.verdict_alike({"FD": (found, p), "KID": (found, p)})[0] == word
    assert verdicts.verdict_alike({"FD": (found, p), "KID": (Estimate(1.0, 0.5, 2.0, 5), 0.9)})[0] == "undecided"


def test_p_values_are_adjusted_over_the_rates_that_have_runs():
    plain, halves = [100.0, 110, 120, 130], [0.80, 0.86, 0.95, 0.84]
    runs = frame({(0.01, "plain"): plain, (0.01, "moments"): np.multiply(plain, halves)})
    (row, empty) = closer(runs, (0.01, 0.001))
    p = intervals.t_test(np.log(halves))
    assert 0.05 / 3 < p < 0.05 and f"p = {p:.3f} and p = {p:.3f} after Holm" in row["why"]
    assert (row["new"], row["n"], row["fd"].text(".6f")) == ("held", 4, intervals.ratio(halves, np.ones(4)).text(".6f"))
    assert (empty["new"], empty["n"]) == ("no runs", 0) and "fd" not in empty
    # At three rates alike, each p-value counts three times, and nothing is left.
    arms = {"plain": plain, "moments": np.multiply(plain, halves)}
    rows = closer(frame({(rate, arm): values for rate in RATES for arm, values in arms.items()}))
    assert {row["new"] for row in rows} == {"undecided"} and f"p = {3 * p:.3f}" in rows[0]["why"]
    assert closer(runs, (0.01,), "plain", "moments")[0]["new"] == "fell"


def test_a_failed_run_has_the_worst_score_of_its_cell_and_is_not_dropped():
    runs = frame({(0.01, "plain"): [100, 120, 140], (0.01, "moments"): [50, None, 70], (0.001, "moments"): [900]})
    filled = verdicts.fill(runs.assign(coverage=[0.3, 0.2, 0.4, 0.5, NONE, 0.6, 0.0]))
    failed = filled[filled["status"] == "failed"].iloc[0]
    assert (failed["frechet_distance"], failed["kernel_distance"], failed["coverage"]) == (140, 14, 0.2)
    (row,) = closer(runs, (0.01,))
    assert row["n"] == 3 and row["fd"].value == pytest.approx((0.5 * 140 / 120 * 0.5) ** (1 / 3))
    # A cell without any score takes the worst of its rate; where there is none either, nothing is decided.
    other = frame({(0.01, "plain"): [None, None]}, network="other")
    both = verdicts.fill(pd.concat([runs, other], ignore_index=True))
    assert both.loc[both["network"] == "other", "frechet_distance"].tolist() == [140, 140]
    (row,) = closer(frame({(0.01, arm): [None, None] for arm in ("plain", "moments")}), (0.01,))
    assert row["new"] == "undecided" and row["why"].startswith("every run of the cell failed")


def test_seeds_wait_for_their_partner_and_a_side_may_be_of_another_network():
    runs = frame({(0.01, "plain"): [100, 100, 100], (0.01, "moments"): [50]})
    (row,) = closer(runs, (0.01,))
    assert (row["n"], row["waiting"], row["new"], row["fd"].text()) == (1, 2, "undecided: n = 1", "0.50")
    small = frame({(0.01, "moments"): [20, 30, 25]}, network="small")
    (row,) = closer(pd.concat([runs, small]), (0.01,), "small/moments", "net/plain")
    assert row["n"] == 3 and row["fd"].value == pytest.approx((0.2 * 0.3 * 0.25) ** (1 / 3))


def test_a_kid_below_real_digits_own_counts_as_that():
    runs = frame({(0.01, "plain"): [100, 100], (0.01, "moments"): [50, 50]})
    runs.loc[runs["arm"] == "moments", "kernel_distance"] = [-0.1, 1.0]
    (row,) = closer(runs, (0.01,), floor=2.0)
    assert row["kid"].value == pytest.approx(2.0 / 10) and np.isnan(row["kid"].low)


def test_effects_are_compared_between_rates_seed_by_seed():
    scores = {(0.01, "plain"): [100, 200, 150], (0.01, "moments"): [50, 100, 75]}
    scores |= {(0.001, "plain"): [80, 90, 100], (0.001, "moments"): [80, 89, 101]}
    (row,) = verdicts.between(frame(scores), "moments", "plain", "net", [(0.01, 0.001)])
    assert row["new"] == "held" and row["rate"] == "0.01 against 0.001"
    assert row["fd"].value == pytest.approx(0.5 / (89 / 90 * 1.01) ** (1 / 3))


def test_collapses_are_counted_pair_by_pair_and_a_seed_is_one_cluster():
    runs = frame({(rate, arm): [100] * 6 for rate in RATES for arm in ("plain", "moments")})
    runs.loc[(runs["arm"] == "plain") & (runs["learning_rate"] < 0.01), "label_entropy"] = 0.99
    runs.loc[(runs["arm"] == "plain") & (runs["learning_rate"] == 0.01) & (runs["seed"] == 0), "status"] = "failed"
    rows = verdicts.collapse(runs, "moments", "plain", "net", RATES)
    assert [row["new"] for row in rows] == ["undecided", "undecided", "undecided", "held"]
    # McNemar: 1 of 1, 6 of 6 and 6 of 6 pairs differ: p = 1, 1/32, 1/32, of which Holm makes 3/32.
    assert [row["why"] for row in rows] == ["p = 1.000", "p = 0.094", "p = 0.094", f"p = {2 / 64:.3f}"]
    assert rows[1]["other"].startswith("1.00 [0.54, 1.00] → 0.00") and rows[3]["other"].startswith("of 18 pairs 13")
    (only,) = verdicts.collapse(runs, "moments", "plain", "net", RATES[1:2])
    assert (only["new"], only["why"]) == ("held", "p = 0.031")
    assert verdicts.collapse(runs, "plain", "moments", "net", RATES[1:2])[0]["new"] == "fell"
    assert (
        verdicts.collapse(runs[runs["seed"] == 0], "moments", "plain", "net", RATES[1:2])[0]["new"]
        == "undecided: n = 1"
    )


@pytest.mark.parametrize(("seeds", "word"), [(7, "fell"), (3, "undecided")])
def test_collapse_is_kept_away_by_more_than_half(seeds, word):
    runs = frame({(0.01, "early"): [100] * seeds}, label_entropy=0.0)
    assert verdicts.kept_open(runs, "early", "net", (0.01,))[0]["new"] == word
    open_ones = verdicts.kept_open(runs.assign(label_entropy=2.0), "early", "net", (0.01,))[0]["new"]
    assert open_ones == ("held" if word == "fell" else word)


def test_epochs_to_a_score_are_censored_where_it_was_not_reached():
    runs = frame({(0.01, arm): [100] * 5 for arm in ("plain", "moments")})
    fast = runs["arm"] == "moments"
    runs.loc[fast, "reached_at"], runs.loc[fast, "reached"] = [3, 4, 5, 6, 20], True
    (row,) = verdicts.sooner(runs, "moments", "plain", "net", (0.01,))
    assert row["other"] == "> 20 (> 20 to > 20) → 5 (3 to 20)" and row["new"] == "held"
    assert row["why"] == f"p = {2 / 252:.3f}"  # reaching it in the last epoch is not the same as not at all
    runs["reached"] = False
    (row,) = verdicts.sooner(runs, "moments", "plain", "net", (0.01,))
    assert (row["new"], row["why"]) == ("undecided", "nothing to compare")


def grid(gain):
    """Three rates: plain is in range at the first alone, moments at as many as `gain` says, seed by seed."""
    scores = {(rate, arm): [] for arm in ("plain", "moments") for rate in RATES}
    for seed, more in enumerate(gain):
        for place, rate in enumerate(RATES):
            scores[rate, "plain"].append(100 + seed if place == 0 else 300)
            scores[rate, "moments"].append(100 + seed if place <= more else 300 + 10 * seed)
    return frame(scores)


def wider(runs):
    (row,) = verdicts.wider(runs, "moments", "plain", "net", RATES, CAP)
    return row


def test_the_range_of_rates_is_counted_in_half_decades_and_as_an_area_under_a_cap():
    runs = grid([1, 2, 1, 1])
    measured = verdicts.span(runs, "moments", "plain", "net", RATES, CAP)
    assert measured["decades", "worse"].tolist() == [0.5] * 4
    assert measured["decades", "better"].tolist() == [1.0, 1.5, 1.0, 1.0]
    assert measured.loc[0, ("area", "worse")] == pytest.approx(np.log([100, 300, 300]).mean())
    row = wider(runs)
    assert (row["new"], row["n"]) == ("held", 4) and row["other"].startswith("decades +0.62 [")
    swapped = runs.assign(arm=runs["arm"].map({"plain": "moments", "moments": "plain"}))
    assert wider(swapped)["new"] == "fell"
    # A distance beyond the cap counts as the cap; twice the best median is still in range, a little more is not.
    runs.loc[runs["frechet_distance"] == 300, "frechet_distance"] = 5_000
    measured = verdicts.span(runs, "moments", "plain", "net", RATES, CAP)
    assert measured.loc[0, ("area", "worse")] == pytest.approx(np.log([100, CAP, CAP]).mean())
    for distance, decades in ((203.0, 1.5), (203.1, 0.5)):  # the best median over seeds is 101.5
        edge = runs.replace({"frechet_distance": {5_000: distance}})
        assert verdicts.span(edge, "moments", "plain", "net", RATES, CAP).loc[0, ("decades", "worse")] == decades


def test_a_failed_run_is_out_of_range_and_at_the_cap():
    runs = grid([2, 2, 2])
    runs.loc[(runs["arm"] == "moments") & (runs["seed"] == 0), ["status", "frechet_distance"]] = ["failed", NONE]
    measured = verdicts.span(runs, "moments", "plain", "net", RATES, CAP)
    assert measured.loc[0, ("decades", "better")] == 0 and measured.loc[0, ("area", "better")] == pytest.approx(
        np.log(CAP)
    )


def test_a_gain_in_decades_that_all_seeds_share_counts_without_an_interval_if_the_area_agrees():
    row = wider(grid([1, 1, 1]))
    assert row["other"].startswith("decades +0.50, area") and row["new"] == "held"
    assert wider(grid([1, 0, 0, 0]))["new"] == "undecided"
    assert wider(grid([1]))["new"] == "undecided: n = 1"
    part = grid([1, 1])
    part = part[(part["seed"] == 0) | (part["learning_rate"] > 0.001)]  # a seed counts once its grid is whole
    row = wider(part)
    assert (row["n"], row["waiting"]) == (1, 1)
    assert wider(part[part["seed"] == 9])["new"] == "no runs"


def test_a_class_that_has_runs_at_one_rate_alone_is_judged_there():
    runs = frame({(RATES[2], "plain"): [300.0] * 6, (RATES[2], "moments"): [200.0] * 6})
    runs.loc[runs["arm"] == "plain", "label_entropy"] = 0.2
    rows = verdicts.collapse(runs, "moments", "plain", "net", RATES)
    assert [(row["rate"], row["n"], row["new"]) for row in rows] == [
        ("0.01", 0, "no runs"),
        ("0.001", 0, "no runs"),
        ("0.0001", 6, "held"),
    ]
    sooner = verdicts.sooner(runs.assign(reached_at=1, reached=True), "moments", "plain", "net", RATES)
    assert [row["other"] for row in (*rows[:2], *sooner[:2])] == [""] * 4  # nothing is said of what there is not
