"""What the runs say together: tables on runs made up so that the answer is known."""

import numpy as np
import pandas as pd
import pytest

from study import evidence, load_runs
from study.intervals import Estimate


def test_bands_hold_every_seed_and_fill_what_failed():
    runs = [(test, arm, seed) for test in (1, 2) for arm in ("plain", "moments") for seed in range(8)]
    frames = pd.DataFrame(runs * 3, columns=["test", "arm", "seed"]).assign(step=np.repeat([0, 10, 20], len(runs)))
    frames["frechet_distance"] = 350.0 - 100 * (frames["arm"] == "moments") - frames["step"]
    first = (frames["test"] == 1) & (frames["arm"] == "moments") & (frames["seed"] == 0)
    frames.loc[first & (frames["step"] == 20), "frechet_distance"] = np.nan
    bands = evidence.bands(frames)
    assert (bands["n"] == 8).all() and len(bands) == 12
    alike, filled = bands.loc[(1, "plain", 10)], bands.loc[(1, "moments", 20)]
    assert alike["value"] == pytest.approx(340) and alike[["low", "high"]].isna().all()
    mean = 230 * (330 / 230) ** (1 / 8)  # what failed counts as the worst of its test
    assert filled["value"] == pytest.approx(mean) and filled["high"] > mean > 230 > filled["low"]


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
    early = runs[runs["profile"].isin(["lesson", "ablation"])]
    there = early.pivot_table("frechet_distance", ["arm", "test"], "seed", aggfunc="count").notna()
    assert there.loc[["plain", "moments"], :9].all(axis=None) and len(there.loc["moments"]) == 3
    assert there.xs(3, level="test").loc[:, :4].all(axis=None) and len(there.xs(3, level="test")) == 12


def test_a_failed_run_and_one_of_few_labels_have_collapsed():
    states = pd.DataFrame({"status": [*["finished"] * 3, "failed"], "label_entropy": [0.9999, 1.0, 2.3, np.nan]})
    assert evidence.collapsed(states).tolist() == [True, False, False, True]


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
