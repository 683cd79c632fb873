"""Pictures: the layout of images, curves by hand, alt text, and a reader's Matplotlib that is left alone."""

import base64
import subprocess
import sys

from helpers import data, plots
import matplotlib.pyplot as plt
import numpy as np
import pytest

from study.settings import ROOT


@pytest.fixture(autouse=True)
def _settings_and_figures_of_before():
    with plt.rc_context():
        yield
    plt.close("all")


def images_of(count, height=3, width=2):
    return np.random.default_rng(0).uniform(-1, 1, (count, height, width)).astype(np.float32)


FIGURES = {
    "lines": lambda: plots.arms_as_lines([0, 5], {"plain": [3, 2], "moments": [2, 1]}, 0.5, "floor", title="gaps"),
    "row": lambda: plots.image_row(images_of(3), "abc"),
}


def test_tiles_lie_in_rows_and_those_that_make_none_are_named(mnist):
    images = images_of(6)
    for columns in (1, 2, 3, 6):
        expected = np.empty((6 // columns * 3, columns * 2), np.float32)
        for index, y, x in np.ndindex(images.shape):
            expected[3 * (index // columns) + y, 2 * (index % columns) + x] = images[index, y, x]
        for given in (images, images[..., None]):
            assert np.array_equal(plots.tile(given, columns), expected)
    for columns, found in ((4, "a multiple of 4, found 6"), (0, "1 or more, found 0"), (-2, "1 or more, found -2")):
        with pytest.raises(ValueError, match=f"expected {found}"):
            plots.tile(images_of(6), columns)
    # Bytes and floats are drawn alike.
    _, axis = plots.subplots()
    for images in (mnist.test_images[:4], data.unscale(mnist.test_images[:4])):
        plots.draw_grid(axis, images, 2)
    floats, ints = (np.asarray(picture.norm(picture.get_array())) for picture in axis.images)
    assert floats.min() == 0.0 and floats.max() == 1.0 and np.allclose(floats, ints, atol=1e-6)
    # In colour each channel lies as grey images do, and a picture has its colours from 0 to 1.
    grey = 0.5 * mnist.test_images[:4, ..., 0]
    colour = np.stack([grey, -grey, grey[::-1]], axis=-1)
    for channel in range(3):
        assert np.array_equal(plots.tile(colour, 2)[..., channel], plots.tile(colour[..., channel], 2))
    _, axis = plots.subplots()
    for shown in (colour, data.unscale(colour.astype(np.float32))):
        plots.draw_grid(axis, shown, 2)
    floats, ints = (np.asarray(picture.get_array()) for picture in axis.images)
    assert floats[0, 0] == pytest.approx((colour[0, 0, 0] + 1) / 2) and (floats[:, -1] == 1).all()
    assert np.allclose(floats, ints, atol=0.5 / 255 + 1e-6)  # a byte is rounded


def test_curves_and_rows_show_what_they_are_given_smoothed_by_the_mean_written_out():
    for count, width, used in [(40, 25, 25), (25, 25, 25), (7, 3, 3), (5, 25, 5), (1, 25, 1)]:
        values = np.random.default_rng(0).normal(size=count)
        expected = [sum(values[i : i + used]) / used for i in range(count - used + 1)]
        assert plots.smooth(values, width) == pytest.approx(expected, abs=1e-12)
    (axis,) = FIGURES["lines"]().axes
    assert [list(line.get_ydata()) for line in axis.lines] == [[3, 2], [2, 1], [0.5, 0.5]]
    shown = [axis.images[0].get_array() for axis in FIGURES["row"]().axes]
    assert all(np.array_equal(one, other) for one, other in zip(shown, images_of(3), strict=True))


@pytest.mark.parametrize("name", FIGURES)
def test_a_readers_theme_does_not_show_and_a_notebook_can_ask_for_the_style(name):
    expected = plots.png(FIGURES[name]())
    assert expected.startswith(b"\x89PNG") and expected == plots.png(FIGURES[name]())
    plt.style.use("dark_background")
    plt.rcParams.update({"text.usetex": True, "font.size": 20, "savefig.dpi": 300, "savefig.bbox": "tight"})
    theirs = dict(plt.rcParams)
    assert plots.png(FIGURES[name]()) == expected and dict(plt.rcParams) == theirs
    plots.use_style()  # as a notebook can ask
    assert all(plt.rcParams[name] == value for name, value in plots.STYLE.items())
    figure, axis = plt.subplots()
    assert figure.get_facecolor() == (1.0, 1.0, 1.0, 1.0) and not axis.spines["top"].get_visible()


def test_showing_gives_alt_text_and_closes_that_figure_only(monkeypatch):
    shown = []
    monkeypatch.setattr(plots, "display", lambda *given, **settings: shown.append((given, settings)))
    theirs, ours = plt.figure(), plt.figure()
    for figure, alt in ((FIGURES["lines"](), "two curves"), (ours, "nothing")):
        plots.show(figure, alt)
        ((pictures,), settings) = shown.pop()
        assert base64.b64decode(pictures["image/png"]) == plots.png(figure) and pictures["text/plain"] == alt
        assert settings == {"metadata": {"image/png": {"alt": alt}}, "raw": True}
    assert plt.get_fignums() == [theirs.number]


def test_importing_leaves_matplotlib_alone_and_does_without_pyplot():
    """Keras imports pyplot itself where it can, so here nobody can, and all the same there are pictures."""
    code = """
import importlib.abc, sys
import matplotlib
class Hide(importlib.abc.MetaPathFinder):
    def find_spec(self, name, *rest):
        if name == "matplotlib.pyplot":
            raise ImportError(name)
sys.meta_path.insert(0, Hide())
matplotlib.rcParams.update({"font.size": 20, "backend": "svg", "image.cmap": "hot"})
before = dict(matplotlib.rcParams)
from study import figures
assert dict(matplotlib.rcParams) == before and before["backend"] == "svg"
figure = figures.plots.arms_as_lines([0, 5], {"plain": [3, 2]}, 0.5, "floor")
assert figures.plots.png(figure).startswith(bytes([0x89]) + b"PNG")
assert dict(matplotlib.rcParams) == before and "matplotlib.pyplot" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
