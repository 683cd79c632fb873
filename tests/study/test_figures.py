"""Figures of records: what they show, and that those in the repository are of this code."""

import dataclasses
import io
import itertools

from helpers import plots
import numpy as np
import pandas as pd
from PIL import Image, ImageSequence
import pytest

from study import figures, landmarks, tables
from study.intervals import Estimate
from study.settings import RECORDED, ROOT

MARKS = landmarks.load()


@pytest.fixture(scope="module")
def two():
    """Test 3's recorded pair: (plain, moments)."""
    return tables.load_pairs(tests=(3,))[3]


def test_the_same_figure_is_the_same_bytes(two):
    for draw in (
        lambda: figures.arms_over_training(*two),
        lambda: figures.losses_over_training(*two, floors=(33.8, 31.0)),
    ):
        assert plots.png(draw()) == plots.png(draw())


def test_animation_has_a_frame_for_each_of_the_record_and_begins_with_the_last(two):
    with Image.open(io.BytesIO(figures.animation(*two))) as picture:
        frames = [(frame.info["duration"], frame.convert("RGB")) for frame in ImageSequence.Iterator(picture)]
    pictures = [frame.tobytes() for _, frame in frames]
    assert len(set(pictures)) == len(pictures) == len(two[0].images)
    assert [duration for duration, _ in frames] == [1800] + [600] * (len(frames) - 1)
    light = [np.asarray(frame).mean() for _, frame in frames]
    assert light[1] == max(light)  # the second is step 0, a light grey; digits are mostly black
    for _, frame in frames:  # the arms' names keep their colours
        red, _, blue = np.asarray(frame)[20:46].astype(int).transpose(2, 0, 1)
        halves = np.array_split(red - blue, 2, axis=1)
        assert halves[0].max() > 150 and halves[0].min() > -30 and halves[1].min() < -100 and halves[1].max() < 30


def test_grids_show_the_frames_they_say(two):
    axes = figures.arms_over_training(*two, frames=2).axes
    assert [axis.get_title() for axis in axes] == ["step 50", "step 550"] * 2
    shown = [plots.tile(record.images[index, :16], 4) for record in two for index in (1, -1)]
    for axis, expected in zip(axes, shown, strict=True):
        drawn = axis.images[0].get_array()
        lines = drawn[28::29], drawn[:, 28::29]  # between the images
        assert all((line == 255).all() for line in lines)
        assert np.array_equal(np.delete(np.delete(drawn, np.s_[28::29], 0), np.s_[28::29], 1), expected)


def test_grids_of_full_runs_are_of_epochs_and_a_failed_run_shows_what_it_has(two):
    full = tables.load_pairs(profile="full", tests=(3,))[3]
    titles = [axis.get_title() for axis in figures.arms_over_training(*full).axes]
    assert titles == [f"epoch {epoch}" for epoch in (1, 5, 9, 12, 16, 20)] * 2
    failed = dataclasses.replace(two[0], images=two[0].images[:1], frames=two[0].frames[:1])
    assert [axis.get_title() for axis in figures.arms_over_training(failed, two[1]).axes] == ["step 0", "step 50"]


def test_seeds_show_every_run_among_the_landmarks_on_the_same_axes_whatever_test():
    runs = tables.load_runs()
    early = runs[runs["profile"] == "lesson"]
    one, three = (figures.seeds(early, MARKS, tests).axes for tests in ((3,), (1, 2, 3)))
    for single, all_tests, name in zip(one, three, figures.JUDGES, strict=True):
        assert single.get_ylim() == all_tests.get_ylim()
        assert [label.get_text() for label in single.get_xticklabels()] == ["plain", "moments"]
        for axis, rows in ((single, early[early["test"] == 3]), (all_tests, early)):
            points = [line for line in axis.lines if line.get_marker() in "so"]
            assert sorted(value for line in points for value in line.get_ydata()) == sorted(rows[name])
        levels = {line.get_label(): line.get_ydata()[0] for line in single.lines if len(set(line.get_ydata())) == 1}
        assert levels["Gaussian cloud"] == MARKS["Gaussian cloud"][name]
        assert ("real digits" in levels) == ("collapsed below 1.0" in levels) == (name == "label_entropy")


def test_the_full_protocol_is_a_line_a_seed_and_the_mean_of_each_arm():
    epochs = tables.load_epochs(RECORDED, ["full"])
    of_test = epochs[epochs["test"] == 2]
    for axis, name in zip(figures.full_protocol(of_test, MARKS).axes, figures.JUDGES, strict=True):
        curves = [line for line in axis.lines if len(line.get_ydata()) == 20]
        assert len(curves) == 12
        values = of_test[of_test["arm"] == "moments"].pivot(index="epoch", columns="seed", values=name)
        mean = np.exp(np.log(values).mean(axis=1)) if name.endswith("distance") else values.mean(axis=1)
        assert np.allclose(curves[-1].get_ydata(), mean)


def test_a_forest_has_a_line_for_each_row_and_judge_and_its_verdict():
    found = [Estimate(0.5, 0.4, 0.6, 5), Estimate(1.2, 0.9, 1.6, 5), Estimate(0.8, np.nan, np.nan, 1)]
    words = ["held", "undecided", "undecided: n = 1"]
    rows = pd.DataFrame({"claim": ["a", "a", "b"], "where": "x", "fd": found, "kid": found[::-1], "new": words})
    (axis,) = figures.forest(rows, ["one", "two", "three"]).axes
    assert [text.get_text() for text in axis.texts] == words
    assert [list(bars[0].get_xdata()) for bars in axis.containers] == [[0.5, 1.2, 0.8], [0.8, 1.2, 0.5]]
    heights = [text.get_position()[1] for text in axis.texts]
    assert heights[1] - heights[0] < heights[2] - heights[1]  # groups lie apart


def test_numbers_are_written_in_their_pixels_dark_on_light():
    figure, axis = plots.subplots()
    figures.draw_numbers(axis, np.array([[-1, 0.75], [0, 1]]))
    assert [(text.get_position(), text.get_text(), text.get_color()) for text in axis.texts] == [
        ((0, 0), "−1", "white"),
        ((1, 0), "0.75", "black"),
        ((0, 1), "0", "white"),
        ((1, 1), "1", "black"),
    ]


def test_panels_show_weighted_gaps_and_the_loss_without_its_penalty(two):
    plain, moments = two
    for record, gap in itertools.product(two, ("mean_gap", "variance_gap")):
        assert np.allclose(figures.panel_values(record, gap, 0.1), record.steps[gap] / 10)
    assert np.array_equal(figures.panel_values(plain, "generator_loss", 0.1), plain.steps["generator_loss"])
    penalty = (moments.steps["mean_gap"] + moments.steps["variance_gap"]) / 10
    adversarial = figures.panel_values(moments, "generator_loss", 0.1)
    assert np.allclose(adversarial + penalty, moments.steps["generator_loss"], rtol=1e-6)
    assert adversarial[0] == pytest.approx(plain.steps["generator_loss"][0], rel=1e-3)  # one start, one batch
    first, _, *gaps = figures.losses_over_training(*two, floors=(33.8, 31.0)).axes
    for axis in (first, *gaps):
        assert [(len(line.get_xdata()), line.get_xdata()[-1]) for line in axis.lines[:4]] == [(526, 550)] * 2 + [
            (550, 550)
        ] * 2
    levels = [axis.lines[4].get_ydata()[0] for axis in (first, *gaps)]
    assert np.allclose(levels, [1.3763, 3.38, 3.10], atol=1e-4)
    assert all(axis.get_ylim()[0] < level for axis, level in zip(gaps, levels[1:], strict=True))
    # A column of probes is a line a seed and their mean.
    runs = pd.DataFrame({"seed": [0, 1, 0, 1], "step": [0, 0, 10, 10], "spread": [1.0, 2.0, 3.0, 6.0]})
    _, axis = plots.subplots()
    figures.draw_seeds(axis, runs, "spread", "early")
    assert [line.get_ydata().tolist() for line in axis.lines] == [[1, 3], [2, 6], [1.5, 4.5]]


def test_figures_are_those_in_the_repository(tmp_path):
    """Names and sizes. Sizes are inches times dots, whatever a version of Matplotlib draws inside."""
    for profile in ("lesson", "full"):
        (tmp_path / profile).symlink_to(RECORDED / profile, target_is_directory=True)
    written = figures.write(tmp_path, tmp_path / "figures")
    assert {path.name for path in written} == {path.name for path in (ROOT / "figures").glob("*.png")}
    for path in written:
        with Image.open(path) as ours, Image.open(ROOT / "figures" / path.name) as theirs:
            assert ours.size == theirs.size, path.name


def test_runs_stand_in_their_rows_among_the_landmarks():
    names = ["frechet_distance", "kernel_distance", "coverage", "recall", "label_entropy"]
    marks = {mark: dict.fromkeys(names, value) for value, mark in enumerate(["noise", "Gaussian cloud", "floor"], 1)}
    runs = pd.DataFrame({"arm": ["plain", "moments", "plain"], "row": ["early", "early", "late"]})
    axes = figures.among_landmarks(runs.assign(**dict.fromkeys(names, [5.0, 6.0, 7.0])), marks).axes
    assert [label.get_text() for label in axes[0].get_yticklabels()] == [
        *["noise", "Gaussian cloud", "real digits"],
        *["early", "late"],
    ]
    for axis in axes:
        lines = [line for line in axis.lines if line.get_label() in plots.LABELS.values()]
        dots = {(line.get_xdata()[0], round(line.get_ydata()[0])) for line in lines}
        assert dots == {(5.0, 3), (6.0, 3), (7.0, 4)}
