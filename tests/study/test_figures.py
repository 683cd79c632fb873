"""Figures of records: what they show, and that those in the repository are of this code."""

import io
import itertools

from helpers import metrics, plots
import numpy as np
import pandas as pd
from PIL import Image, ImageSequence
import pytest

from study import figures, tables
from study.intervals import Estimate
from study.settings import RECORDED, ROOT

FLOORS = {"frechet_distance": 0.5, "label_entropy": 2.3, "recall": 0.9}


@pytest.fixture(scope="module")
def two():
    """Test 3's recorded pair: (plain, moments)."""
    return tables.load_pairs(tests=(3,))[3]


def test_the_same_figure_is_the_same_bytes(two):
    plain, moments = two
    for draw in (
        lambda: figures.arms_over_training(*two),
        lambda: figures.losses_over_training(*two, floors=(33.8, 31.0)),
        lambda: figures.three_tests({1: two, 2: two}),
        lambda: figures.full_protocol({"plain": plain.epochs, "moments": moments.epochs}, FLOORS),
    ):
        assert plots.png(draw()) == plots.png(draw())


def test_animation_has_a_frame_for_each_of_the_record(two):
    with Image.open(io.BytesIO(figures.animation(*two))) as picture:
        frames = [(frame.info["duration"], frame.convert("L").tobytes()) for frame in ImageSequence.Iterator(picture)]
    assert len(set(frames)) == len(frames) == len(two[0].images) and {duration for duration, _ in frames} == {600}


def test_grids_show_the_frames_they_say(two):
    axes = figures.arms_over_training(*two, frames=2).axes
    assert [axis.get_title() for axis in axes] == ["step 0", "step 550"] * 2
    shown = [plots.tile(record.images[index, :16], 4) for record in two for index in (0, -1)]
    shown += [plots.tile(record.images[-1], 8) for record in two for _ in range(2)]
    for axis, expected in zip([*axes, *figures.three_tests({1: two, 3: two}).axes], shown, strict=True):
        drawn = axis.images[0].get_array()
        lines = drawn[28::29], drawn[:, 28::29]  # between the images
        assert all((line == 255).all() for line in lines)
        assert np.array_equal(np.delete(np.delete(drawn, np.s_[28::29], 0), np.s_[28::29], 1), expected)


def test_intervals_of_variants_end_where_their_score_does():
    table = pd.DataFrame({"score": [Estimate(200, 100, 400, 5)], "entropy": [Estimate(1.1, -0.4, 2.6, 5)]}, ["mean"])
    runs = pd.DataFrame({"arm": "mean", "frechet_distance": [150.0, 250.0], "label_entropy": [0.0, 2.2]})
    distances, entropies = figures.variants(runs, table, ["mean"], 1.0, "a rate").axes
    assert list(distances.lines[1].get_xdata()) == [100, 400]
    assert list(entropies.lines[1].get_xdata()) == [0, np.log(10)]


def test_a_forest_has_a_line_for_each_row_and_judge_and_its_verdict():
    found = [Estimate(0.5, 0.4, 0.6, 5), Estimate(1.2, 0.9, 1.6, 5), Estimate(0.8, np.nan, np.nan, 1)]
    words = ["held", "undecided", "undecided: n = 1"]
    rows = pd.DataFrame({"claim": ["a", "a", "b"], "where": "x", "fd": found, "kid": found[::-1], "new": words})
    (axis,) = figures.forest(rows, ["one", "two", "three"]).axes
    assert [text.get_text() for text in axis.texts] == words
    assert [list(bars[0].get_xdata()) for bars in axis.containers] == [[0.5, 1.2, 0.8], [0.8, 1.2, 0.5]]
    heights = [text.get_position()[1] for text in axis.texts]
    assert heights[1] - heights[0] < heights[2] - heights[1]  # groups lie apart


def test_panels_show_weighted_gaps_and_the_loss_without_its_penalty(two):
    plain, moments = two
    for record, gap in itertools.product(two, ("mean_gap", "variance_gap")):
        assert np.allclose(figures.panel_values(record, gap, 0.1), record.steps[gap] / 10)
    assert np.array_equal(figures.panel_values(plain, "generator_loss", 0.1), plain.steps["generator_loss"])
    penalty = (moments.steps["mean_gap"] + moments.steps["variance_gap"]) / 10
    adversarial = figures.panel_values(moments, "generator_loss", 0.1)
    assert np.allclose(adversarial + penalty, moments.steps["generator_loss"], rtol=1e-6)
    assert adversarial[0] == pytest.approx(plain.steps["generator_loss"][0], rel=1e-3)  # one start, one batch
    for axis in figures.losses_over_training(*two).axes[:4]:
        assert [line.get_xdata()[-1] for line in axis.lines[:2]] == [550, 550]
    # A column of probes is a line a seed and their mean.
    runs = pd.DataFrame({"seed": [0, 1, 0, 1], "step": [0, 0, 10, 10], "spread": [1.0, 2.0, 3.0, 6.0]})
    _, axis = plots.subplots()
    figures.draw_seeds(axis, runs, "spread", "early")
    assert [line.get_ydata().tolist() for line in axis.lines] == [[1, 3], [2, 6], [1.5, 4.5]]


def test_figures_are_those_in_the_repository(tmp_path, monkeypatch):
    """Names and sizes. Sizes are inches times dots, whatever a version of Matplotlib draws inside."""
    for profile in ("lesson", "full"):
        (tmp_path / profile).symlink_to(RECORDED / profile, target_is_directory=True)
    monkeypatch.setattr(metrics, "floor", lambda: FLOORS)  # one line in one picture, and a minute to find
    written = figures.write(tmp_path, tmp_path / "figures")
    assert {path.name for path in written} == {path.name for path in (ROOT / "figures").glob("*.png")}
    for path in written:
        with Image.open(path) as ours, Image.open(ROOT / "figures" / path.name) as theirs:
            assert (ours.size, getattr(ours, "n_frames", 1)) == (theirs.size, getattr(theirs, "n_frames", 1)), path.name
