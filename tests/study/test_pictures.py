"""The figures of single pages show what they are given."""

from types import SimpleNamespace

from helpers import plots
import numpy as np
import pandas as pd

from study import pictures


def images_of(count):
    return np.random.default_rng(0).integers(0, 256, (count, 28, 28), np.uint8)


def test_a_live_pair_shows_both_arms_their_curves_and_real_digits():
    spreads = pd.DataFrame({"plain": [9.0, 2.0], "moments": [9.0, 40.0]}, index=[0, 100])
    figure = pictures.live_pair({"plain": images_of(4), "moments": images_of(9)}, spreads, 45.0)
    grids, curves = figure.axes[:2], figure.axes[2]
    assert [axis.get_title() for axis in grids] == ["plain GAN", "with moments"]
    assert [axis.images[0].get_array().shape for axis in grids] == [(2 * 29, 2 * 29), (3 * 29, 3 * 29)]
    assert [list(line.get_ydata()) for line in curves.lines] == [[9, 2], [9, 40], [45, 45]]
    assert plots.png(figure)


def test_distances_over_epochs_have_a_line_a_seed_and_their_geometric_mean():
    rows = [
        {"network": "dense-2", "arm": arm, "seed": seed, "epoch": epoch, "frechet_distance": score}
        for arm, scores in {"plain": (100, 400), "moments": (10, 40)}.items()
        for seed, score in enumerate(scores)
        for epoch in (1, 10)
    ]
    epochs = pd.DataFrame([*rows, {**rows[0], "epoch": 5, "frechet_distance": np.nan}])
    figure = pictures.over_epochs(epochs, {"dense-2": "a title"}, {"noise": 500.0})
    (axis,) = figure.axes
    drawn = [list(line.get_ydata()) for line in axis.lines]
    assert np.allclose(drawn, [[100, 100], [400, 400], [200, 200], [10, 10], [40, 40], [20, 20], [500, 500]])
    assert axis.get_title() == "a title" and [text.get_text() for text in axis.texts] == ["noise"]
    assert [text.get_text() for text in axis.get_xticklabels()] == ["1", "10"]


def test_last_grids_show_the_last_images_and_name_the_arm():
    runs = [SimpleNamespace(images=images_of(40).reshape(2, 20, 28, 28), moment_weight=w) for w in (0.0, 0.1)]
    axes = pictures.last_grids(runs, ["one", "two"]).axes
    assert [axis.get_title() for axis in axes] == ["one\nplain GAN", "two\nwith moments"]
    for axis, run in zip(axes, runs, strict=True):
        assert np.array_equal(axis.images[0].get_array()[:28, :28], run.images[1, 0])


def test_openings_show_every_course_and_the_threshold():
    courses = {name: {start: start * np.arange(1, 4) for start in (0.1, 0.01, 0.001)} for name in ("Adam", "descent")}
    ends = pd.DataFrame({"Adam": [0.5, 1.5], "descent": [0.8, 1.2]}, [0.0, 0.5])
    left, right = pictures.openings(courses, ends, 0.25, ("one", "two")).axes
    assert [axis.get_title() for axis in (left, right)] == ["one", "two"]
    assert np.allclose([line.get_ydata() for line in left.lines[3:]], [*courses["descent"].values()])
    assert [list(line.get_ydata()) for line in right.lines[:2]] == [[0.5, 1.5], [0.8, 1.2]]
    assert list(right.lines[3].get_xdata()) == [0.25, 0.25]


def test_spreads_inside_runs_have_a_panel_a_network_and_a_line_a_seed():
    rows = [
        {"network": network, "arm": arm, "seed": seed, "step": step, "spread": 0.1 + 0.1 * seed}
        for network, arms in {"dcgan": ("plain", "late"), "dense-2": ("plain",)}.items()
        for arm in arms for seed in (0, 1) for step in (0, 10)
    ]  # fmt: skip
    first, second = pictures.spread_inside(pd.DataFrame(rows), {"dcgan": "one", "dense-2": "two"}, 0.4).axes
    assert [axis.get_title() for axis in (first, second)] == ["one", "two"]
    assert np.allclose([line.get_ydata() for line in second.lines], [[0.1] * 2, [0.2] * 2, [0.15] * 2, [0.4] * 2])
    assert len(first.lines) == 2 * 3 + 2 and first.lines[-1].get_label() == "step 100"
