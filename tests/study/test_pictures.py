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
