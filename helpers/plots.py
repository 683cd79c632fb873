"""Every figure style, once: greyscale images, one colour an arm, alt text on every picture.

Importing it changes nothing of the reader's Matplotlib. Figures made here are drawn with the series' own style;
a notebook that draws its own calls `use_style` first.
"""

import base64
from collections.abc import Callable, Sequence
import functools
import io
import sys

from IPython.display import display
from matplotlib.figure import Figure
import matplotlib.style
import numpy as np
from PIL import Image as Picture

# Okabe and Ito's colour-blind safe palette (and an olive of Tol's); the line style tells the arms apart without colour.
COLOURS = {"plain": "#D55E00", "moments": "#0072B2", "author": "#595959", "floor": "#009E73"}
COLOURS |= {"mean": "#CC79A7", "variance": "#56B4E9", "debiased": "#E69F00", "early": "#999933", "late": "#000000"}
LINES = {"plain": "--", "moments": "-"}
LABELS = {"plain": "plain GAN", "moments": "with moments"}

STYLE = {
    "figure.dpi": 100,
    "savefig.dpi": 100,
    "figure.constrained_layout.use": True,
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E5E5E5",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "image.cmap": "gray",
    "image.interpolation": "nearest",
}
LAYERS = ["default", STYLE]  # Matplotlib's own defaults first: a reader's theme or matplotlibrc must not show


def use_style() -> None:
    """Draw in the series' style from now on, in this process. Called by notebooks that draw figures of their own."""
    matplotlib.style.use(LAYERS)


def styled(function: Callable) -> Callable:
    """Decorator: the function draws in the series' style, and the reader's settings stay as they are."""

    @functools.wraps(function)
    def draw(*args, **kwargs):
        with matplotlib.style.context(LAYERS):
            return function(*args, **kwargs)

    return draw


def subplots(rows: int = 1, columns: int = 1, **settings):
    """A figure and its axes, as `matplotlib.pyplot.subplots` makes them, but unknown to pyplot.

    Args:
        rows, columns: of axes.
        settings: `figsize` in inches, and what `Figure.subplots` takes.
    """
    figure = Figure(figsize=settings.pop("figsize", None))
    return figure, figure.subplots(rows, columns, **settings)


@styled
def show(figure: Figure, alt: str) -> None:
    """Show a figure in a notebook, with alt text, and close it.

    Args:
        figure: a Matplotlib figure.
        alt: what a reader who cannot see it should know, one sentence or two.
    """
    show_png(png(figure), alt)


def show_png(picture: bytes, alt: str) -> None:
    """Show a PNG, animated or not, in a notebook, with alt text."""
    data = {"image/png": base64.b64encode(picture).decode(), "text/plain": alt}
    display(data, metadata={"image/png": {"alt": alt}}, raw=True)


@styled
def png(figure: Figure) -> bytes:
    """Return a figure as PNG bytes, the same for the same figure, and close it."""
    drawn, buffer = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png")
    if "matplotlib.pyplot" in sys.modules:  # else no figure can be open there
        sys.modules["matplotlib.pyplot"].close(figure)
    # 256 colours are half the size, and nobody sees the difference.
    picture = Picture.open(drawn).convert("RGB").quantize(256, Picture.Quantize.MAXCOVERAGE, dither=Picture.Dither.NONE)
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def tile(images: np.ndarray, columns: int) -> np.ndarray:
    """Lay images out in rows: (n, height, width[, 1 or 3]) to one (rows * height, columns * width[, 3]).

    Args:
        images: n images, n a multiple of `columns`; floats in [-1, 1] or uint8.
        columns: images a row.

    Raises:
        ValueError: the images do not fill the rows, or there is no column.
    """
    if columns < 1:
        raise ValueError(f"Columns: expected 1 or more, found {columns}.")
    images = np.asarray(images)[..., 0] if np.shape(images)[3:] == (1,) else np.asarray(images)
    if len(images) % columns:
        raise ValueError(f"Images: expected a multiple of {columns}, found {len(images)}.")
    rows, height, width, *channels = len(images) // columns, *images.shape[1:]
    grid = images.reshape(rows, columns, height, width, *channels).swapaxes(1, 2)
    return grid.reshape(rows * height, columns * width, *channels)


@styled
def draw_grid(axis, images: np.ndarray, columns: int, title: str = "") -> None:
    """Draw images as one grid on an axis, greyscale or in colour, black at -1 to white at 1, a white line between."""
    images = np.asarray(images)
    low, high = (0, 255) if images.dtype == np.uint8 else (-1, 1)
    line = [(0, 0), (0, 1), (0, 1), (0, 0)][: images.ndim]
    grid = tile(np.pad(images, line, constant_values=high), columns)
    axis.imshow((grid - low) / (high - low) if grid.ndim == 3 else grid, vmin=low, vmax=high)
    axis.set_title(title, fontsize=11)
    axis.set_axis_off()


@styled
def image_row(images: Sequence[np.ndarray], titles: Sequence[str]) -> Figure:
    """Figure of single images side by side, each with its title.

    Args:
        images: list of arrays (height, width) or (height, width, 1), black at -1 to white at 1.
        titles: one a picture.
    """
    rows, columns = np.shape(images[0])[:2]
    wide = 2.4 * columns / rows
    figure, axes = subplots(1, len(images), figsize=(min(10, wide * len(images)), 2.6), squeeze=False)
    for axis, image, title in zip(axes[0], images, titles, strict=True):
        axis.imshow(np.squeeze(image), cmap="gray", vmin=-1, vmax=1)
        axis.set_title(title, fontsize=10)
        axis.set_axis_off()
    return figure


@styled
def arms_as_lines(
    steps: Sequence[int], values: dict[str, np.ndarray], level: float, level_label: str, **settings
) -> Figure:
    """Figure of one curve an arm over training, and a level to compare with.

    Args:
        steps: steps at which the values were taken.
        values: dict from arm to values.
        level, level_label: a horizontal line and its name.
        settings: of the axis, such as title and ylabel.
    """
    figure, axis = subplots(figsize=(8, 3.2))
    for arm, curve in values.items():
        axis.plot(steps, curve, LINES[arm], marker="o", color=COLOURS[arm], label=LABELS[arm])
    axis.axhline(level, color=COLOURS["floor"], ls=":", label=level_label)
    axis.set(xlabel="step", **settings)
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def smooth(values: np.ndarray, width: int = 25) -> np.ndarray:
    """Running mean over `width` steps (fewer where there are fewer); shorter by width - 1."""
    width = min(width, len(values))
    if width < 1:
        raise ValueError(f"Curve: expected values and a width of 1 or more, found {len(values)} and {width}.")
    return np.convolve(values, np.full(width, 1.0 / width), mode="valid")
