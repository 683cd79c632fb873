"""Hypotheses about the terms: what survives, from made verdicts and made gradients."""

import numpy as np
import pandas as pd
import pytest

from study import claims, hypotheses, verdicts
from study.intervals import Estimate

HELD, FELL, OPEN = verdicts.HELD, verdicts.FELL, verdicts.UNDECIDED


def rows(**words):
    """A verdict table of the one claim that tells sides, from a network to its verdicts by rate."""
    table = [
        {
            "claim": hypotheses.SIDE,
            "where": f"{name.replace('_', '-')}, terms-conv: mean to variance",
            "n": 3,
            "new": word,
        }
        for name, found in words.items()
        for word in found
    ]
    other = {"claim": hypotheses.SIDE, "where": "dcgan, lesson + ablation: mean to variance", "n": 5, "new": HELD}
    return pd.DataFrame([*table, other])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([HELD, OPEN], HELD),
        ([FELL, OPEN], FELL),
        ([HELD, FELL], OPEN),
        ([OPEN, OPEN], OPEN),
    ],
)
def test_one_network_decides_by_the_rates_that_are_clear(words, expected):
    assert hypotheses.judge(rows(dcgan_no_bn_d=words))["verdict"].iloc[2] == expected


def test_both_networks_must_side_and_missing_runs_are_said():
    both = hypotheses.judge(rows(dense_g_conv_d=[HELD, OPEN], conv_g_dense_d=[FELL, FELL]))["verdict"]
    assert both.iloc[0] == HELD and set(both.iloc[1:]) == {verdicts.NO_RUNS}
    one_fell = hypotheses.judge(rows(dense_g_conv_d=[FELL, OPEN], conv_g_dense_d=[FELL, FELL]))["verdict"]
    assert one_fell.iloc[0] == FELL
    assert hypotheses.judge(rows(dense_g_conv_d=[HELD, HELD]))["verdict"].iloc[0] == verdicts.NO_RUNS


def gradients(**ratios):
    steps = [0, 10, 20, 30, 100]
    return pd.DataFrame(
        [
            {"network": name.replace("_", "-"), "learning_rate": 1e-3, "arm": arm, "seed": seed, "step": step,
             "mean_norm": ratio if arm == "plain" and step <= 50 else 99.0, "variance_norm": 1.0}
            for name, ratio in ratios.items() for arm in ("plain", "mean") for seed in (0, 1) for step in steps
        ]
    )  # fmt: skip


def test_the_larger_gradient_is_read_at_the_start_of_plain_runs():
    table = hypotheses.ratios(gradients(dense_2=4.0, dcgan=0.5))
    np.testing.assert_allclose(table.loc[("dense-2", 1e-3), ["at_start", "first_steps"]], 4.0, rtol=1e-12)
    assert list(table["n"]) == [2, 2]
    known = rows(dense_2=[HELD], dcgan=[FELL])
    assert hypotheses.judge(known, gradients(dense_2=4.0, dcgan=0.5))["verdict"].iloc[4] == HELD
    assert hypotheses.judge(known, gradients(dense_2=4.0, dcgan=2.0))["verdict"].iloc[4] == FELL


def test_terms_stand_side_by_side_from_the_set_with_the_most_pairs():
    sides = ("mean alone closer than none", "variance alone closer than none", hypotheses.SIDE)
    places = {"dcgan, lesson + ablation": (10, 0.8), "dcgan, terms-conv": (3, 0.7), "dense-2, terms-dense": (5, 0.6)}
    found = [
        {"claim": claim, "where": f"{place}: one to other", "rate": "0.001", "n": n, "new": word,
         "fd": Estimate(value, value / 2, value * 2, n), "kid": Estimate(0.5, 0.25, 1.0, n)}
        for place, (n, value) in places.items()
        for claim, word in zip(sides, (OPEN, HELD, FELL), strict=True)
    ]  # fmt: skip
    table = hypotheses.terms_table(pd.DataFrame(found).reindex(columns=claims.COLUMNS), ["dense-2", "dcgan"])
    assert list(table.index) == [("dense-2", "0.001"), ("dcgan", "0.001")]
    assert list(table["mean : none", "FD"]) == ["0.60 [0.30, 1.20]", "0.80 [0.40, 1.60]"]
    assert set(table["", "does the work"]) == set(table["", "does more"]) == {"variance"}


def test_states_tell_one_image_from_few_labels():
    made = [(2.0, 0.01), (0.9, 0.2), (0.9, 0.1), (0.0, 0.09), (0.0, 0.01)]
    runs = pd.DataFrame(
        [
            {"network": network, "learning_rate": 1e-3, "arm": arm, "status": "finished", "label_entropy": entropy,
             "variance_ratio": ratio}
            for network in ("dcgan", "dense-2") for arm in ("plain", "mean")
            for entropy, ratio in (made if arm == "plain" else made[:1])
        ]
    )  # fmt: skip
    table = hypotheses.states(runs, ["dense-2", "dcgan"])
    assert list(table.index) == [("dense-2", "0.001"), ("dcgan", "0.001")]
    assert set(table.loc[("dcgan", "0.001"), "plain"].split(", ")) == {"2 few", "2 one", "1 open"}
    assert table.loc[("dcgan", "0.001"), "mean"] == "1 open"
    failed = runs.assign(status="failed")
    assert hypotheses.states(failed, ["dcgan"]).loc[("dcgan", "0.001"), "mean"] == "1 one"
