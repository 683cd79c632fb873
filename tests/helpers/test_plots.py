"""Figures: the layout of images, curves by hand, and the same bytes for the same figure."""

import io
import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers import data, evidence, figures, plots, study
from helpers.experiment import ROOT
from helpers.statistics import Estimate


@pytest.fixture(autouse=True)
def _no_figure_left_open():
    yield
    plt.close("all")


def images_of(count, height=3, width=2):
    return np.random.default_rng(0).uniform(-1, 1, (count, height, width)).astype(np.float32)


@pytest.mark.parametrize(("count", "columns"), [(6, 3), (6, 2), (6, 6), (6, 1)])
def test_tiles_lie_in_rows(count, columns):
    images = images_of(count)
    rows = count // columns
    expected = np.empty((rows * 3, columns * 2), np.float32)
    for index in range(count):
        for y in range(3):
            for x in range(2):
                expected[3 * (index // columns) + y, 2 * (index % columns) + x] = images[index, y, x]
    assert np.array_equal(plots.tile(images, columns), expected)
    assert np.array_equal(plots.tile(images[..., None], columns), expected)


def test_tiles_that_do_not_fill_the_rows():
    with pytest.raises(ValueError, match="Images: expected a multiple of 4, found 6"):
        plots.tile(images_of(6), 4)


def test_bytes_and_floats_are_drawn_alike(mnist):
    drawn = []
    for images in (mnist.test_images[:4], data.unscale(mnist.test_images[:4])):
        figure, axis = plt.subplots()
        plots.draw_grid(axis, images, 2)
        (picture,) = axis.images
        drawn.append(np.asarray(picture.norm(picture.get_array())))
    assert drawn[0].min() == 0.0 and drawn[0].max() == 1.0
    assert np.allclose(drawn[0], drawn[1], atol=1e-6)


FOLDER = ROOT / "figures"
FLOORS = {"frechet_distance": 0.5, "label_entropy": 2.3, "recall": 0.9}


def early(kind):
    """A table of the repository's own early runs."""
    table = {"runs": study.load_runs, "frames": study.load_frames, "epochs": study.load_epochs}[kind]()
    return table[table["profile"] == "lesson"]


FIGURES = {
    "arms": lambda pair: plots.arms_over_training(*pair),
    "losses": lambda pair: plots.losses_over_training(*pair),
    "losses with floors": lambda pair: plots.losses_over_training(*pair, floors=(33.8, 31.0)),
    "three tests": lambda pair: plots.three_tests({1: pair, 2: pair}),
    "row": lambda pair: plots.image_row(list(pair[0].images[0, :3]), "abc", limits=(0, 255), unit="ink"),
    "beside the author": lambda pair: plots.beside_author(data.load_author_log(), pair),
    "full protocol": lambda pair: plots.full_protocol({"plain": pair[0].epochs, "moments": pair[1].epochs}, FLOORS),
    "floor": lambda pair: plots.floor_scaling([10, 100], *(np.full((2, 2), value) for value in (9, 0.1, 9.1, 9.2))),
    "gaps": lambda pair: plots.gaps_beside_floor({1: pair, 3: pair}, (3.4, 3.1), data.load_author_log()),
    "seeds": lambda pair: plots.seeds(early("runs"), 1.0),
    "evidence": lambda pair: plots.evidence(evidence.bands(early("frames")), early("epochs"), 0.5),
}


@pytest.mark.parametrize("name", FIGURES)
def test_the_same_figure_is_the_same_bytes(name, pair):
    one, other = (plots.png(FIGURES[name](pair)) for _ in range(2))
    assert one == other
    picture = Image.open(io.BytesIO(one))
    assert picture.format == "PNG" and "Software" not in picture.info
    assert len(picture.convert("L").getcolors()) > 10  # something was drawn
    assert plt.get_fignums() == []


def test_another_figure_is_other_bytes(pair):
    assert plots.png(plots.arms_over_training(*pair)) != plots.png(plots.arms_over_training(*pair[::-1]))


def test_animation_has_a_frame_for_each_of_the_record(pair):
    stored = plots.animation(*pair)
    assert stored == plots.animation(*pair)
    with Image.open(io.BytesIO(stored)) as picture:
        assert picture.format == "PNG"
        assert picture.n_frames == len(pair[0].images) == 3
        frames = []
        for index in range(3):
            picture.seek(index)
            assert picture.info["duration"] == 600
            frames.append(np.asarray(picture.convert("L")))
    assert not any(np.array_equal(frames[i], frames[j]) for i, j in ((0, 1), (1, 2), (0, 2)))


def test_arms_over_training_shows_the_first_and_the_last_frame(pair):
    figure = plots.arms_over_training(*pair, frames=2)
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == ["step 0", "step 6"] * 2
    for axis, (record, index) in zip(figure.axes, [(r, i) for r in pair for i in (0, -1)], strict=True):
        assert np.array_equal(axis.images[0].get_array(), plots.tile(record.images[index, :16], 4))


def test_three_tests_shows_the_last_samples(pair):
    figure = plots.three_tests({1: pair, 3: pair})
    shown = [axis.images[0].get_array() for axis in figure.axes]
    expected = [plots.tile(record.images[-1], 8) for record in pair for _ in range(2)]
    assert all(np.array_equal(one, other) for one, other in zip(shown, expected, strict=True))


@pytest.mark.parametrize(("count", "width"), [(40, 25), (25, 25), (7, 3), (5, 25), (1, 25)])
def test_smoothing_is_the_mean_written_out(count, width):
    values = np.random.default_rng(0).normal(size=count)
    used = min(count, width)
    expected = [sum(values[i : i + used]) / used for i in range(count - used + 1)]
    assert plots.smooth(values, width) == pytest.approx(expected, abs=1e-12)


def test_panels_show_weighted_gaps_and_the_loss_without_its_penalty(pair):
    plain, moments = pair
    for record in pair:
        assert np.array_equal(plots.panel_values(record, "discriminator_loss"), record.steps["discriminator_loss"])
        for gap in ("mean_gap", "variance_gap"):
            assert np.allclose(plots.panel_values(record, gap), record.steps[gap] / 10)
    assert np.array_equal(plots.panel_values(plain, "generator_loss"), plain.steps["generator_loss"])
    penalty = (moments.steps["mean_gap"] + moments.steps["variance_gap"]) / 10
    adversarial = plots.panel_values(moments, "generator_loss")
    assert np.allclose(adversarial + penalty, moments.steps["generator_loss"], rtol=1e-6)
    assert adversarial[0] == pytest.approx(plain.steps["generator_loss"][0], rel=1e-4)  # one start, one batch


def test_curves_end_at_the_last_step(pair):
    figure = plots.losses_over_training(*pair)
    for axis in figure.axes[:4]:
        assert [line.get_xdata()[-1] for line in axis.lines[:2]] == [6, 6]


def test_arms_differ_in_colour_and_line():
    assert len(set(plots.COLOURS.values())) == len(plots.COLOURS)
    assert plots.LINES["plain"] != plots.LINES["moments"]
    assert set(plots.LABELS) == set(plots.LINES) == set(study.ARMS) <= set(plots.COLOURS)


def test_showing_gives_alt_text_and_closes(pair, monkeypatch):
    shown = []
    monkeypatch.setattr(plots, "display", shown.append)
    plots.show(plots.three_tests({1: pair}), "two rows of digits")
    plots.show_animation(*pair, "digits appear")
    assert [picture.alt for picture in shown] == ["two rows of digits", "digits appear"]
    assert all(picture.format == "png" and picture.data.startswith(b"\x89PNG") for picture in shown)
    assert plt.get_fignums() == []


def test_author_log_is_both_arms_of_test_3():
    log = data.load_author_log()
    assert (log["learning_rate"] == 0.0001).all()
    assert log.groupby("moment_weight")["epoch"].apply(list).to_dict() == {w: list(range(1, 21)) for w in (0.0, 0.1)}
    assert log[["discriminator_loss", "generator_loss"]].notna().all(axis=None)
    stabilised = log[log["moment_weight"] > 0]
    penalty = stabilised["weighted_mean_gap"] + stabilised["weighted_variance_gap"]
    assert (stabilised["generator_loss"] > penalty).all()  # the penalty is in it


def test_scores_show_both_arms_and_the_floor(results):
    runs = study.load_runs(results)
    floor = {"frechet_distance": 1.25, "label_entropy": 2.3}
    for axis, name in zip(plots.scores(runs, floor).axes, floor, strict=True):
        assert [bar.get_height() for bar in axis.patches] == runs[name].tolist()
        assert [patch.get_x() + patch.get_width() / 2 for patch in axis.patches] == pytest.approx([1.8, 2.2])
        assert list(axis.lines[-1].get_ydata()) == [floor[name]] * 2


def test_curves_of_arms_and_a_level():
    values = {"plain": [3, 2], "moments": [2, 1]}
    (axis,) = plots.arms_as_lines([0, 5], values, 0.5, "floor", title="gaps").axes
    assert [list(line.get_ydata()) for line in axis.lines] == [[3, 2], [2, 1], [0.5, 0.5]]
    assert (axis.get_xlabel(), axis.get_title()) == ("step", "gaps")


def test_bars_of_arms_over_the_digits():
    counts = {"plain": list(range(10)), "moments": list(range(10, 20))}
    (axis,) = plots.arms_as_bars(counts, ylabel="images").axes
    assert [bar.get_height() for bar in axis.patches] == list(range(20))


@pytest.fixture
def probed():
    """Two seeds of two arms at each rate, three steps."""
    rng, rows = np.random.default_rng(0), []
    for test, arm, seed, step in itertools.product((1, 2, 3), ("plain", "moments"), (0, 1), (0, 10, 20)):
        names = ("penalty_norm", "adversarial_norm", "penalty_cosine", "spread", "adversarial_pull", "variance_pull")
        rows.append(
            {
                "test": test,
                "arm": arm,
                "seed": seed,
                "step": step,
                **dict(zip(names, rng.uniform(1, 2, 6), strict=True)),
            }
        )
    return pd.DataFrame(rows)


def test_two_gradients_show_angle_and_ratio_of_each_arm(probed):
    axes = plots.two_gradients(probed).axes
    chosen = probed[(probed["test"] == 2) & (probed["arm"] == "plain")]
    ratio = (chosen["penalty_norm"] / chosen["adversarial_norm"]).groupby(chosen["step"]).mean()
    for axis, expected in ((axes[1], chosen.groupby("step")["penalty_cosine"].mean()), (axes[4], ratio)):
        (line,) = [line for line in axis.lines if line.get_label() == plots.LABELS["plain"]]
        assert np.allclose(line.get_ydata(), expected) and line.get_xdata().tolist() == [0, 10, 20]


def test_pulls_show_one_faint_line_a_seed_of_the_arms_asked_for(probed):
    chosen = probed[probed["test"] == 3]
    chosen = chosen.assign(together=chosen["adversarial_pull"] + chosen["variance_pull"])
    arms = ("moments",)
    for axis, name in zip(plots.pulls(chosen, arms).axes, ("spread", "adversarial_pull", "together"), strict=True):
        drawn = [list(line.get_ydata()) for line in axis.lines]
        for (arm, _), run in chosen.groupby(["arm", "seed"]):
            assert (run[name].tolist() in drawn) == (arm in arms), name
    marked = plots.pulls(chosen, arms, mark=100).axes[0].lines[-1]
    assert marked.get_xdata() == [100, 100]


def test_ratios_by_batch_show_every_run_and_the_derived_curve():
    rows = itertools.product((10, 100), ("moments", "debiased"), (0.7, 0.9))
    runs = pd.DataFrame(rows, columns=["batch_size", "arm", "variance_ratio"])
    found = {(arm, n): Estimate(0.8, 0.7, 0.95, 2) for n in (10, 100) for arm in ("moments", "debiased")}
    (axis,) = plots.ratios_by_batch(runs, found, lambda n: 1 - 1 / n).axes
    assert axis.lines[0].get_ydata()[[0, -1]] == pytest.approx([0.9, 0.99])
    drawn = [value for line in axis.lines if line.get_linestyle() == "None" for value in line.get_ydata()]
    assert sorted(drawn) == sorted([*runs["variance_ratio"], *[0.8] * len(found)])
    bars = [segment[:, 1].tolist() for bar in axis.collections for segment in bar.get_segments()]
    assert np.allclose(bars, [[0.7, 0.95]] * len(found))
    assert [label.get_text() for label in axis.get_xticklabels()] == ["10", "100"]


def test_squeezed_penalties_are_scaled_by_the_batch_size():
    simulated = {n: (np.array([1 - 1 / n, 1, 1 + 1 / n]), np.array([[3.0, 1, 2], [1, 0, 1]])) for n in (4, 9)}
    fits = {n: [lambda r: 1.0 + 0 * r, lambda r: 0 * r] for n in simulated}
    absolute, debiased = plots.squeezed(simulated, fits, -1.5).axes
    for (n, (_, values)), index in zip(simulated.items(), (1, 3), strict=True):
        for axis, curve, power in ((absolute, values[0], 1.5), (debiased, values[1], 2)):
            assert np.allclose(axis.lines[index].get_xdata(), [-1, 0, 1])
            assert np.allclose(axis.lines[index].get_ydata(), n**power * (curve - curve[1]))


def test_the_well_and_its_pull_lie_beside_what_is_without_noise():
    fine = np.array([-1.0, 0.5])
    well, pull = plots.well_and_pull(fine, fine**2, fine / 2, np.array([0.5]), np.array([0.2])).axes
    assert [line.get_ydata().tolist() for line in well.lines] == [[1.0, 0.5], [1.0, 0.25]]
    assert [line.get_ydata().tolist() for line in pull.lines] == [[-1.0, 1.0], [-0.5, 0.25], [0.2]]


def test_the_map_of_adam_shows_each_setting():
    rates, weights, distances = (
        np.array([0.1, 1.0]),
        np.array([0.0, 1.0, 2.0]),
        np.array([[0.1, 10], [1e-3, 2], [1, 3]]),
    )
    axis = plots.adam_map(rates, weights, distances).axes[0]
    assert np.allclose(np.ravel(axis.collections[0].get_array()), np.log10(distances.T).ravel())


def test_figures_are_those_in_the_repository(tmp_path):
    written = figures.write(folder=tmp_path)
    assert {path.name for path in written} >= {"evidence.png", "seeds.png", "three_tests.png"}
    for path in written:
        ours, theirs = (np.asarray(Image.open(folder / path.name), int) for folder in (tmp_path, FOLDER))
        # Another processor may round the last bit of a number otherwise, and so the edge of a line.
        assert ours.shape == theirs.shape and np.abs(ours - theirs).max() <= 3, f"{path.name}: run make figures"
