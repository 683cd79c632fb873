"""The pictures of the lecture, docs/slides: one idea each, in letters that the last row can read.

python -m study lecture slides/figures    # the same bytes every time
"""

import functools
from pathlib import Path

from helpers import data, plots
import matplotlib.style
import numpy as np

from study import figures, intervals, landmarks, records, tables
from study.settings import LEARNING_RATES, RECORDED

SIZE = (12.0, 5.2)  # inches of 100 pixels: a slide of 1,280 pixels without its title
LARGE = {"font.size": 20, "axes.titlesize": 21, "axes.labelsize": 20, "lines.linewidth": 3.5, "lines.markersize": 10,
         "axes.linewidth": 1.5, "legend.fontsize": 19}  # fmt: skip
DENSE = RECORDED / "first-post"
WIDTHS = {"dcgan": "1", "dcgan-w2": "1/2", "dcgan-w4": "1/4", "dcgan-w8": "1/8"}
GRIDS = {"map-conv": "conv pair, 3 epochs", "map-dense": "dense net, 10 epochs"}


def large(function):
    """Decorator: the figure is drawn in the series' style with large letters."""

    @functools.wraps(function)
    def draw(*args, **kwargs):
        with matplotlib.style.context([*plots.LAYERS, LARGE]):
            return function(*args, **kwargs)

    return draw


def _pair(titled, columns):
    """Figure of grids side by side: a dict from a title to (images, colour)."""
    rows = len(next(iter(titled.values()))[0]) / columns
    figure, axes = plots.subplots(1, len(titled), figsize=(SIZE[0], 0.5 + 5.9 * rows / columns))
    for axis, (title, (images, colour)) in zip(axes, titled.items(), strict=True):
        plots.draw_grid(axis, images, columns)
        axis.set_title(title, fontsize=LARGE["axes.titlesize"], color=colour)
    return figure


@large
def one_image():
    """Figure of twenty real digits, and of what a dense plain GAN drew from twenty noise vectors after 100 epochs."""
    drawn = records.read(DENSE / "dense-2-lr0.001-moments0-seed2").images[-1]
    real = data.load_mnist().test_images[:20]
    return _pair({"real digits": (real, "black"), "drawn from 20 different noises": (drawn, "black")}, 5)


@large
def moments():
    """Figure of the per-pixel mean and variance of a batch of real digits, and of one digit drawn a hundred times."""
    digits = data.load_mnist().train_images[:100]
    batches = {"100 real digits": digits, "one digit, 100 times": np.repeat(digits[7:8], 100, axis=0)}
    shown = {
        f"{kind}\n{name}": (getattr(batch, short)(axis=0), limits)
        for name, batch in batches.items()
        for kind, short, limits in (("mean", "mean", (-1, 1)), ("variance", "var", (0, 1)))
    }
    figure, axes = plots.subplots(1, 4, figsize=(SIZE[0], 3.9))
    for axis, (title, (picture, (low, high))) in zip(axes, shown.items(), strict=True):
        axis.imshow(np.squeeze(picture), vmin=low, vmax=high)
        axis.set_title(title, fontsize=LARGE["legend.fontsize"])
        axis.set_axis_off()
    return figure


@large
def hill(steps=400):
    """Figure of a hundred images, each one number, that climb a discriminator that stands still: all to one place."""
    places = np.linspace(-3, 3, 301)
    batch = np.random.default_rng(0).normal(0, 0.9, 100)
    logit = _logit(places)
    figure, axes = plots.subplots(1, 2, figsize=SIZE, sharey=True)
    for axis, title in zip(axes, ("before", f"after {steps} steps against this D"), strict=True):
        axis.plot(places, logit, color="black")
        axis.plot(batch, _logit(batch), "o", color=plots.COLOURS["plain"], alpha=0.6, ms=12)
        axis.set(title=title, xlabel="image (one number)", yticks=[])
        for _ in range(steps):
            batch = batch + 0.05 * (_logit(batch + 1e-4) - _logit(batch - 1e-4)) / 2e-4
    axes[0].set_ylabel("D's answer: more real ↑")
    return figure


def _logit(place):
    """A discriminator of one number with a hill at 1 and a lower one at -1, both within one slope."""
    return 2 * np.exp(-((place - 1) ** 2) / 2) + 1.2 * np.exp(-((place + 1) ** 2) / 4) - 1


@large
def shuffled():
    """Figure of real digits, and of the same batch with each pixel shuffled over its images: equal moments."""
    real = data.load_mnist().train_images[:100]
    mixed = np.random.default_rng(0).permuted(real, axis=0)
    return _pair({"real": (real[:20], "black"), "every pixel shuffled": (mixed[:20], "black")}, 5)


@large
def distances():
    """Figure of the Fréchet distances of the landmarks, a bar each."""
    marks, names = landmarks.load(), {"floor": "real digits", "untrained dcgan": "untrained generator"}
    shown = ["noise", "untrained dcgan", "shuffled pixels", "Gaussian cloud", "floor"]
    figure, axis = plots.subplots(figsize=SIZE)
    for row, name in enumerate(shown):
        value = marks[name]["frechet_distance"]
        axis.barh(row, value, color=plots.COLOURS["author"])
        axis.text(value + 6, row, f"{value:.1f}" if value < 1 else f"{value:.0f}", va="center")
    axis.set_yticks(range(len(shown)), [names.get(name, name) for name in shown])
    axis.set(xlabel="Fréchet distance to real digits (lower is closer)", xlim=(0, 640))
    axis.invert_yaxis()
    axis.grid(visible=False)
    return figure


@large
def samples(test, profile):
    """Figure of both arms' last samples of a test, seed 0: forty latents each."""
    pair = tables.load_pairs(profile=profile, tests=[test])[test]
    arms = zip(plots.LABELS, pair, strict=True)
    return _pair({plots.LABELS[arm]: (run.images[-1, :40], plots.COLOURS[arm]) for arm, run in arms}, 8)


def _draw_seeds(axis, runs, arm, at):
    """Draw the Fréchet distance of an arm: a faint line a seed, and their geometric mean, wide."""
    figures.draw_seeds(axis, runs, "frechet_distance", arm, at)
    axis.lines[-1].set_linewidth(LARGE["lines.linewidth"])


@large
def over_epochs(test):
    """Figure of the Fréchet distance of a test over 20 epochs: a faint line a seed, and the geometric means."""
    epochs = tables.load_epochs(profiles=["full"])
    epochs = epochs[epochs["test"] == test]
    figure, axis = plots.subplots(figsize=SIZE)
    for arm in plots.LINES:
        _draw_seeds(axis, epochs[epochs["arm"] == arm], arm, "epoch")
    figures.log_axis(axis, (1, 2, 3, 5))
    cloud = landmarks.load()["Gaussian cloud"]["frechet_distance"]
    axis.axhline(cloud, color="black", ls=":", label="Gaussian cloud")
    axis.set(xlabel="epoch", ylabel="Fréchet distance (log axis)", xticks=range(0, 21, 5), ylim=(40, 480))
    axis.set_title(f"n = {epochs['seed'].nunique()} runs an arm")
    figures.legend(figure, [axis], ncols=3)
    return figure


@large
def rates():
    """Figure of the Fréchet distance over the grid of rates, in both networks: a faint line a seed, geometric means."""
    runs = tables.load_runs()
    figure, axes = plots.subplots(1, 2, figsize=SIZE, sharey=True)
    for axis, (profile, title) in zip(axes, GRIDS.items(), strict=True):
        here = runs[runs["profile"] == profile].sort_values("learning_rate")
        for arm in plots.LINES:
            _draw_seeds(axis, here[here["arm"] == arm], arm, "learning_rate")
        axis.set(xscale="log", title=f"{title}, n = {here['seed'].nunique()}", xlabel="learning rate")
        figures.log_axis(axis, (1, 2, 5))
    axes[0].set_ylabel("Fréchet distance (log)")
    figures.legend(figure, axes[:1], ncols=2)
    return figure


@large
def sizes():
    """Figure of the Fréchet distance against the width of the conv pair, both arms, three rates."""
    runs = tables.load_runs()
    runs = runs[runs["profile"].isin(["small", "map-conv"])]
    figure, axes = plots.subplots(1, 3, figsize=SIZE, sharey=True)
    counts = []
    for axis, rate in zip(axes, LEARNING_RATES.values(), strict=True):
        for arm in plots.LINES:
            here = runs[(runs["arm"] == arm) & (runs["learning_rate"] == rate)].groupby("network")["frechet_distance"]
            means = [intervals.geometric_mean(here.get_group(name)) for name in WIDTHS]
            counts += [mean.n for mean in means]
            values, low, high = np.array([(mean.value, mean.low, mean.high) for mean in means]).T
            axis.errorbar(range(len(WIDTHS)), values, yerr=[values - low, high - values], color=plots.COLOURS[arm],
                          ls=plots.LINES[arm], marker="o", capsize=5, label=plots.LABELS[arm])  # fmt: skip
        figures.log_axis(axis, (1, 2, 3, 5))
        axis.set(title=f"rate {rate:g}", xlabel="width", ylim=(70, 700))
        axis.set_xticks(range(len(WIDTHS)), list(WIDTHS.values()))
    axes[0].set_ylabel("Fréchet distance (log)")
    figure.suptitle(f"3 epochs; n = {min(counts)} to {max(counts)} runs a point, with 95 % intervals")
    figures.legend(figure, axes[:1], ncols=2)
    return figure


PICTURES = {
    "one_image": one_image,
    "moments": moments,
    "hill": hill,
    "shuffled": shuffled,
    "distances": distances,
    "samples_1_first": functools.partial(samples, 1, "lesson"),
    "over_epochs_2": functools.partial(over_epochs, 2),
    "samples_3_last": functools.partial(samples, 3, "full"),
    "over_epochs_3": functools.partial(over_epochs, 3),
    "rates": rates,
    "sizes": sizes,
}


def write(folder):
    """Draw the pictures into a folder; return their paths."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in PICTURES.items():
        (folder / f"{name}.png").write_bytes(plots.png(draw()))
    return [folder / f"{name}.png" for name in PICTURES]
