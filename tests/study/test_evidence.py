"""What the runs say together: tables on runs made up so that the answer is known."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from study import evidence, intervals, load_runs
from study.intervals import Estimate


@pytest.fixture
def runs():
    """Two tests, both arms, eight seeds: in test 1 moments halve the score, in test 2 they do nothing."""
    rng, rows = np.random.default_rng(0), []
    for test, factor in {1: 0.5, 2: 1.0}.items():
        for seed in range(8):
            plain = rng.uniform(90, 110)
            for arm, score in {"plain": plain, "moments": factor * plain}.items():
                rows.append({"test": test, "arm": arm, "seed": seed, "status": "finished", "frechet_distance": score})
    table = pd.DataFrame(rows).assign(label_entropy=2.0, digits_covered=10)
    return table.assign(name=[f"{r.test}-{r.arm}-{r.seed}" for r in table.itertuples()])


def fail(runs, test, arm, seed):
    """Mark one run as failed, as `load_runs` tells it."""
    row = runs["name"] == f"{test}-{arm}-{seed}"
    runs.loc[row, ["status", "frechet_distance", "label_entropy", "digits_covered"]] = ["failed", *[np.nan] * 3]
    return runs


def test_a_failed_run_is_counted_as_collapsed_and_as_the_worst_of_its_test(runs):
    scores = fail(runs, 1, "moments", 0)[runs["test"] == 1].set_index("arm")["frechet_distance"]
    scores = scores["moments"].fillna(scores.max())
    table = evidence.arms(runs)
    assert table.index.tolist() == [(1, "moments"), (1, "plain"), (2, "moments"), (2, "plain")]
    assert table["n"].tolist() == [8] * 4 and table["failed"].tolist() == [1, 0, 0, 0]
    assert [cell.value for cell in table["collapsed"]] == [1 / 8, 0, 0, 0]
    found = table.loc[(1, "moments")]
    assert found["collapsed"] == Estimate(1 / 8, *stats.binomtest(1, 8).proportion_ci(0.95, "exact"), 8)
    assert found["iqm"].value == pytest.approx(np.sort(scores)[2:-2].mean())
    assert found["median"].value == pytest.approx(np.median(scores)) and np.isnan(found["iqm"].high)
    assert found["mean"] == intervals.geometric_mean(scores) and found["mean"].high > found["iqm"].value
    assert found["digits"].text(".1f") == "10.0"  # of seven runs with ten digits, and a failed one
    found = evidence.variants(runs).loc[(1, "moments")]
    assert (found["failed"], found["collapsed"]) == (1, "1/8")
    assert found["score"].value == pytest.approx(stats.gmean(scores))
    states = pd.DataFrame({"status": [*["finished"] * 3, "failed"], "label_entropy": [0.9999, 1.0, 2.3, np.nan]})
    assert evidence.collapsed(states).tolist() == [True, False, False, True]


def test_contrasts_find_the_known_ratio_and_overall_pools_all_pairs(runs):
    runs.loc[runs["name"] == "1-moments-7", "frechet_distance"] *= 1.1
    table = evidence.contrasts(runs)
    low, high = stats.t.interval(0.95, 7, np.log(0.5) + np.log(1.1) / 8, np.log(1.1) / 8)
    found = table.loc[1, "ratio"]
    assert (found.value, found.low, found.high) == pytest.approx((0.5 * 1.1 ** (1 / 8), np.exp(low), np.exp(high)))
    assert (table.loc[1, "lower"], table.loc[1, "pairs"]) == (8, 8)
    assert table.loc[1, "p"] == 2 / 2**8 and table.loc[1, "p_holm"] == 2 * 2 / 2**8
    assert table.loc[1, "improvement"].value == 1 > table.loc[1, "improvement"].low
    assert table.loc[2, "ratio"].text() == "1.00" and table.loc[2, "lower"] == 0 and table.loc[2, "p"] == 1
    assert table.loc[2, "improvement"].value == 0.5
    pooled = evidence.overall(runs)
    assert pooled.n == 16 and pooled.value == pytest.approx(np.sqrt(0.5) * 1.1 ** (1 / 16))
    assert pooled.low == pytest.approx(pooled.value * np.sqrt(np.exp(low) / found.value))  # test 2 adds no spread


def test_a_failure_counts_against_its_arm_and_a_seed_without_its_partner_is_named(runs):
    lonely = runs[runs["name"] != "2-plain-5"]
    for table in (evidence.contrasts, evidence.variants):
        with pytest.raises(ValueError, match="Test 2: expected both arms of every seed, found only one of seed 5"):
            table(lonely)
    table = evidence.contrasts(fail(runs, 1, "moments", 2))
    assert (table.loc[1, "pairs"], table.loc[1, "lower"]) == (8, 7) and table.loc[1, "ratio"].value > 0.5


def frames_of(runs):
    """Frames every 10 steps: with moments the score falls below 300 and 250, in plain test 1 below neither."""
    plain, moments = {1: [400, 350, 320], 2: [400, 290, 310]}, [400, 290, 240]
    return pd.DataFrame(
        {**run, "step": step, "frechet_distance": score}
        for run in runs[["name", "test", "arm", "seed"]].to_dict("records")
        for step, score in zip((0, 10, 20), moments if run["arm"] == "moments" else plain[run["test"]], strict=True)
    )


def test_steps_to_a_threshold_are_censored_not_dropped(runs):
    frames = frames_of(runs)
    frames = frames[(frames["name"] != "1-plain-0") | (frames["step"] < 20)]  # failed early, it is followed to the end
    times = evidence.steps_to(frames, runs, (300, 250))
    assert len(times) == 2 * len(runs)
    found = times.groupby(["threshold", "test", "arm"])[["step", "reached"]].agg(["min", "max"])
    assert found.loc[(300, 1, "plain")].tolist() == [20, 20, False, False]
    assert found.loc[(300, 1, "moments")].tolist() == [10, 10, True, True]
    assert found.loc[(250, 2, "plain")].tolist() == [20, 20, False, False]
    assert found.loc[(250, 2, "moments")].tolist() == [20, 20, True, True]


def test_times_are_compared_by_log_rank_and_leave_out_what_nobody_reached(runs):
    table = evidence.times_compared(evidence.steps_to(frames_of(runs), runs, (300, 100)))
    assert table.loc[(300, 1), "plain"] == "0/8 at > 20" and table.loc[(300, 1), "moments"] == "8/8 at 10"
    alone = intervals.log_rank([20] * 8, [False] * 8, [10] * 8, [True] * 8)
    assert table.loc[(300, 1), "p"] == pytest.approx(alone)
    assert table.loc[(300, 1), "p_holm"] == pytest.approx(2 * alone) and table.loc[(300, 2), "p"] == 1
    assert table.loc[100, ["p", "p_holm"]].isna().all(axis=None)
    assert table.index.get_level_values("threshold").tolist() == [300, 300, 100, 100]


def test_bands_hold_every_seed_and_fill_what_failed(runs):
    frames = frames_of(runs)
    frames.loc[(frames["name"] == "1-moments-0") & (frames["step"] == 20), "frechet_distance"] = np.nan
    bands = evidence.bands(frames)
    assert (bands["n"] == 8).all() and len(bands) == 12
    alike, filled = bands.loc[(1, "plain", 10)], bands.loc[(1, "moments", 20)]
    assert alike["value"] == pytest.approx(350) and alike[["low", "high"]].isna().all()
    assert filled["value"] == pytest.approx(240 * (320 / 240) ** (1 / 8)) and filled["high"] > 256 > 240 > filled["low"]


@pytest.mark.parametrize("gap_weight", [0.1, 0.3])
def test_the_author_is_compared_with_the_batches_of_the_same_epoch_under_his_weight(pair, gap_weight):
    record = pair[1]
    author = pd.DataFrame({"epoch": [1, 2], "moment_weight": gap_weight})
    for name, values in record.steps.items():
        first, second = values.reshape(record.config["epochs"], -1)
        weight, column = (gap_weight, f"weighted_{name}") if name.endswith("gap") else (1, name)
        author[column] = weight * np.array([np.median(first), second.max() * 2])
    found = evidence.author_within_bands(author, record).set_index(["name", "epoch"])["inside"].unstack()
    assert len(found) == 4 and found[1].all() and not found[2].any()


def test_text_shows_intervals_and_small_p_values():
    table = pd.DataFrame({"a": [Estimate(1.234, 1.0, 1.5, 9)], "p": [0.0004], "q": [np.nan], "n": [3]})
    assert evidence.as_text(table, ".2f").iloc[0].tolist() == ["1.23 [1.00, 1.50]", "< 0.001", "–", "3"]
    assert evidence.as_text(table, a=".0f")["a"].iloc[0] == "1 [1, 2]"


def test_the_early_phase_is_complete_and_paired():
    """The seeds that the notebooks rest on; more may come."""
    runs = load_runs()
    early = runs[(runs["profile"] == "lesson") & (runs["seed"] < 10)]
    assert set(early["arm"]) == {"plain", "moments"} and (evidence.contrasts(early)["pairs"] == 10).all()
    assert (evidence.arms(early)["n"] == 10).all()
    ablation = pd.concat([runs[(runs["profile"] == "ablation") & (runs["arm"] != "moments")], early])
    table = evidence.variants(ablation[(ablation["seed"] < 5) & (ablation["test"] == 3)])
    assert (table["n"] == 5).all() and len(table) == 12


def test_variants_pair_each_penalty_with_both_arms_and_count_its_collapses(runs):
    extra = runs[runs["arm"] == "moments"].assign(arm="mean")
    extra["frechet_distance"] *= 3
    extra.loc[extra["seed"] < 2, "label_entropy"] = 0.5
    table = evidence.variants(pd.concat([runs, extra], ignore_index=True))
    mean = table.loc[(1, "mean")]
    assert (mean["n"], mean["failed"], mean["collapsed"]) == (8, 0, "2/8")
    assert mean["to_moments"].value == pytest.approx(3) and mean["to_plain"].value == pytest.approx(1.5)
    assert table.loc[(2, "mean"), "to_plain"].value == pytest.approx(3)
    assert table.loc[(1, "plain"), "to_plain"].text() == "1.00"  # of itself, without interval
    scores = extra.loc[extra["test"] == 1, "frechet_distance"]
    assert mean["score"].value == pytest.approx(stats.gmean(scores)) and mean["score"].low < stats.gmean(scores)
    assert mean["entropy"].value == pytest.approx((2 * 0.5 + 6 * 2.0) / 8)


def test_the_first_posts_levels_are_means_of_later_epochs_without_the_penalty():
    log = pd.DataFrame({"epoch": [49, 50, 51], "discriminator_loss": [9.0, 1.0, 3.0],
                        "generator_loss_without_penalty": [9.0, 2.0, 2.0],
                        "weighted_mean_gap": [9.0, 4.0, 4.0], "weighted_variance_gap": np.nan})  # fmt: skip
    one = pd.DataFrame({"epoch": [49, 50, 51], "moment_weight": 0.1, "discriminator_loss": [0.0, 3.0, 5.0],
                        "generator_loss": [0.0, 8.0, 8.0], "mean_gap": 20.0, "variance_gap": 30.0})  # fmt: skip
    epochs = pd.concat([one.assign(seed=0), one.assign(seed=1, discriminator_loss=2.0)])
    table = evidence.first_post_levels(log, epochs)
    assert list(table.index) == ["discriminator_loss", "generator_loss_without_penalty", "weighted_mean_gap"]
    assert [row.value for row in table["ours"]] == [3.0, 3.0, 2.0] and list(table["ratio"]) == [1.5, 1.5, 0.5]


def test_the_stabilised_arm_of_the_first_post_lies_where_its_author_logged_it():
    table = evidence.first_post_table().loc[("dense-2", "moments")]
    assert abs(table.loc[["discriminator_loss", "generator_loss_without_penalty"], "ratio"] - 1).max() < 0.15
    assert abs(table.loc[["weighted_mean_gap", "weighted_variance_gap"], "ratio"] - 1).max() < 0.10
