"""Figures of recorded runs, and those of the README and of docs/. Weights and rates are those of the records.

python -m study figures    # writes figures/, the same bytes every time
"""

import io

from helpers import losses, plots
from matplotlib.ticker import LogLocator, NullFormatter
import numpy as np
from PIL import Image as Picture

from study import evidence, landmarks, tables
from study.settings import LEARNING_RATES, RECORDED, ROOT

RATES = {test: f"{rate:g}" for test, rate in LEARNING_RATES.items()}
HALF = losses.REAL_TARGET / 2  # what D answers at best to images that it cannot tell apart
FOOLED = -2 * (HALF * np.log(HALF) + (1 - HALF) * np.log(1 - HALF))  # and what it pays, in nats
JUDGES = {"frechet_distance": "Fréchet distance ↓ (log axis)", "kernel_distance": "KID ↓ (log axis)",
          "coverage": "coverage ↑", "label_entropy": "label entropy (nats) ↑"}  # fmt: skip
MARKS = {"shuffled pixels": {"color": "black", "ls": "-."}, "Gaussian cloud": {"color": "black", "ls": ":"},
         "floor": {"color": plots.COLOURS["floor"], "ls": ":", "lw": 2}}  # fmt: skip

TERM_LINES = {**plots.LINES, "mean": ":", "variance": "-."}
TERM_LINES |= {"early": (0, (8, 2)), "late": (0, (3, 1, 1, 1, 1, 1))}
TERM_LABELS = {**plots.LABELS, "mean": "mean term only", "variance": "variance term only"}
TERM_LABELS |= {"early": "both terms up to step 100", "late": "both terms from step 100 on"}


@plots.styled
def arms_over_training(plain, moments, frames=6, latents=16):
    """Figure of both arms' samples over training, from the first look after step 0: the same latents in every grid.

    Args:
        plain, moments: `records.Record` of the two arms of a pair.
        frames: how many moments of training to show, evenly spaced, the last included.
        latents: how many of the fixed latents to show, a square number.
    """
    count = min(frames, *(max(1, len(record.images) - 1) for record in (plain, moments)))
    figure, axes = plots.subplots(2, count, figsize=(1.75 * count, 4.1), squeeze=False)
    for row, (arm, record) in zip(axes, {"plain": plain, "moments": moments}.items(), strict=True):
        last, by_epoch = len(record.images) - 1, record.config["frames_per_epoch"] == 1
        for axis, index in zip(row, np.linspace(min(1, last), last, count).round().astype(int), strict=True):
            title = f"epoch {index}" if by_epoch else f"step {record.frame_steps[index]:,}"
            plots.draw_grid(axis, record.images[index, :latents], int(latents**0.5), title)
        row[0].text(-0.12, 0.5, plots.LABELS[arm], color=plots.COLOURS[arm], weight="bold", rotation=90,
                    transform=row[0].transAxes, ha="center", va="center")  # fmt: skip
    rate = plain.config["learning_rate"]
    figure.suptitle(f"Learning rate {rate:g}, seed {plain.config['seed']}: the same noise over training")
    return figure


@plots.styled
def losses_over_training(plain, moments, floors=(None, None)):
    """Figure of losses and gaps of both arms: each step faint, its running mean over 25 steps bold.

    Args:
        plain, moments: `records.Record` of the two arms of a pair.
        floors: `(mean_gap, variance_gap)` between two batches of real images, drawn as a line.
    """
    weight = moments.moment_weight
    panels = {"discriminator_loss": "D's loss (nats)", "generator_loss": "G's adversarial loss (nats)"}
    panels |= {f"{gap}_gap": f"{weight:g} × {gap} gap (log axis)" for gap in ("mean", "variance")}
    figure, axes = plots.subplots(1, 4, figsize=(11, 3.2))
    for axis, (name, label) in zip(axes, panels.items(), strict=True):
        curves = {arm: panel_values(run, name, weight) for arm, run in (("plain", plain), ("moments", moments))}
        for arm, values in curves.items():
            smooth, style = plots.smooth(values), {"color": plots.COLOURS[arm], "label": plots.LABELS[arm]}
            axis.plot(np.arange(len(values) - len(smooth), len(values)) + 1, smooth, plots.LINES[arm], **style)
        if name.endswith("gap"):
            log_axis(axis)
        limits = axis.get_ylim()  # of the bold lines: single steps may leave the panel
        for arm, values in curves.items():
            axis.plot(np.arange(len(values)) + 1, values, color=plots.COLOURS[arm], lw=0.5, alpha=0.25)
        axis.set_ylim(limits)
        axis.set_title(label, fontsize=10)
        axis.set_xlabel("step")
    axes[0].axhline(FOOLED, color="black", ls=":", label=f"a fooled D at its best: {FOOLED:.3f}")
    for axis, floor in zip(axes[2:], floors, strict=True):
        if floor:
            axis.axhline(weight * floor, color=plots.COLOURS["floor"], ls=":", label="two real batches")
            axis.set_ylim(min(axis.get_ylim()[0], 0.9 * weight * floor))
    legend(figure, axes)
    return figure


@plots.styled
def animation(plain, moments, latents=16, milliseconds=600):
    """Return an animated PNG of both arms' samples over training, as bytes; it begins with the last, for print.

    It plays wherever a PNG is shown, without JavaScript or a video player.

    Args:
        plain, moments: `records.Record` of the two arms of a pair.
        latents: how many of the fixed latents to show, a square number.
        milliseconds: time each frame stays; the first one stays three times as long.
    """
    frames, last = [], min(len(plain.images), len(moments.images)) - 1
    for index in [last, *range(last)]:
        figure, axes = plots.subplots(1, 2, figsize=(4.4, 2.7))
        for axis, (arm, record) in zip(axes, {"plain": plain, "moments": moments}.items(), strict=True):
            plots.draw_grid(axis, record.images[index, :latents], int(latents**0.5), plots.LABELS[arm])
            axis.title.set(color=plots.COLOURS[arm], weight="bold")
        figure.suptitle(f"step {plain.frame_steps[index]:,}")
        frames.append(Picture.open(io.BytesIO(plots.png(figure))).convert("RGB"))
    colours = frames[0].quantize(64, Picture.Quantize.MAXCOVERAGE)  # the same for all frames, as the format wants
    first, *others = (frame.quantize(palette=colours, dither=Picture.Dither.NONE) for frame in frames)
    durations, buffer = [3 * milliseconds, *[milliseconds] * last], io.BytesIO()
    first.save(buffer, "PNG", save_all=True, append_images=others, duration=durations, loop=0)
    return buffer.getvalue()


def show_animation(plain, moments, alt):
    """Show `animation` in a notebook, with alt text."""
    plots.show_png(animation(plain, moments), alt)


@plots.styled
def evidence_over_training(bands, epochs, marks):
    """Figure of the Fréchet distance over training: both arms, three rates, early and full.

    Args:
        bands: DataFrame as `evidence.bands` returns it, for the early phase (upper row).
        epochs: DataFrame as `study.load_epochs` returns it, of the full protocol (lower row): each seed a
            line, and their geometric mean.
        marks: dict as `landmarks.load` returns it.
    """
    figure, axes = plots.subplots(2, 3, figsize=(10.5, 6.4), sharey="row")
    score = "frechet_distance"
    for (upper, lower), (test, rate) in zip(axes.T, RATES.items(), strict=True):
        for arm in plots.LINES:
            band, colour = bands.loc[test, arm], plots.COLOURS[arm]
            upper.fill_between(band.index, band["low"], band["high"], color=colour, alpha=0.2, lw=0)
            upper.plot(band.index, band["value"], color=colour, ls=plots.LINES[arm], lw=2, label=plots.LABELS[arm])
            draw_seeds(lower, epochs[(epochs["test"] == test) & (epochs["arm"] == arm)], score, arm, "epoch")
        for axis, values in ((upper, bands[["low", "high"]]), (lower, epochs[score])):
            _dress(axis, score, values, marks)
        upper.set(title=f"test {test}: learning rate {rate}", xlabel="step")
        lower.set(xlabel="epoch", xticks=range(0, 21, 5))
    first, count = int(bands["n"].max()), epochs["seed"].nunique()
    for axis, words in zip(axes[:, 0], (f"first epoch, {first} seeds", f"20 epochs, {count} seeds"), strict=True):
        axis.set_ylabel(f"Fréchet distance (log axis)\n{words}")
    legend(figure, axes[0], title=f"real digits: {marks['floor'][score]:.1f}, far below")
    return figure


@plots.styled
def seeds(runs, marks, tests=(1, 2, 3)):
    """Figure of every seed's last scores by four judges, the two arms of a seed joined.

    Args:
        runs: DataFrame as `study.load_runs` returns it, of one profile; all of it sets the axes.
        marks: dict as `landmarks.load` returns it.
        tests: which to show.
    """
    figure, axes = plots.subplots(1, 4, figsize=(11, 3.6))
    for axis, name in zip(axes, JUDGES, strict=True):
        for place, test in enumerate(tests):
            pairs = runs[runs["test"] == test].pivot(index="seed", columns="arm", values=name)
            at = {"plain": place - 0.2, "moments": place + 0.2}
            axis.plot([*at.values()], pairs[[*at]].T, color="#BBBBBB", lw=1)
            for arm, marker in {"plain": "s", "moments": "o"}.items():
                style = {"ms": 5, "alpha": 0.8, "label": plots.LABELS[arm] if place == 0 else None}
                axis.plot([at[arm]] * len(pairs), pairs[arm], marker, color=plots.COLOURS[arm], **style)
        _dress(axis, name, runs[name], marks)
        axis.set_title(JUDGES[name], fontsize=10)
        axis.set_xlim(-0.5, len(tests) - 0.5)
        ticks = [RATES[test] for test in tests] if len(tests) > 1 else ["plain", "moments"]
        axis.set_xticks(range(len(tests)) if len(tests) > 1 else [*at.values()], ticks)
        axis.set_xlabel("learning rate" if len(tests) > 1 else "")
    legend(figure, axes)
    return figure


@plots.styled
def full_protocol(epochs, marks):
    """Figure of four judges over the epochs of one test: each seed a faint line, and the mean of each arm.

    Args:
        epochs: DataFrame as `study.load_epochs` returns it, of one test at full length.
        marks: dict as `landmarks.load` returns it.
    """
    figure, axes = plots.subplots(1, 4, figsize=(11, 3.6))
    for axis, name in zip(axes, JUDGES, strict=True):
        for arm in plots.LINES:
            draw_seeds(axis, epochs[epochs["arm"] == arm], name, arm, "epoch")
        _dress(axis, name, epochs[name], marks)
        axis.set_title(JUDGES[name], fontsize=10)
        axis.set(xlabel="epoch", xticks=range(0, 21, 5))
    legend(figure, axes)
    return figure


@plots.styled
def forest(rows, labels):
    """Figure of ratios with their intervals, by FD and by KID: a line each, the verdict beside it, groups apart.

    Args:
        rows: of the verdict table (`claims.table`), of claims about quality that have runs.
        labels: one text a row.
    """
    groups = (rows["claim"] + rows["where"]).factorize()[0]
    places = np.arange(len(rows)) + 0.5 * groups
    figure, axis = plots.subplots(figsize=(9.5, 1.2 + 0.4 * (places[-1] + 1)))
    for column, marker, colour, offset in (("fd", "o", "#000000", -0.14), ("kid", "D", "#8C8C8C", 0.14)):
        values, low, high = np.array([(found.value, found.low, found.high) for found in rows[column]]).T
        style = {"fmt": marker, "color": colour, "ms": 5, "lw": 2}
        axis.errorbar(values, places + offset, xerr=[values - low, high - values], label=column.upper(), **style)
    for place, word in zip(places, rows["new"], strict=True):
        weight = "normal" if word.startswith("undecided") else "bold"
        axis.text(1.02, place, word, transform=axis.get_yaxis_transform(), va="center", weight=weight)
    axis.axvline(1, color=plots.COLOURS["author"], lw=1)
    axis.set(xscale="log", xlabel="ratio of distances, log axis (below 1: closer to real digits)")
    low, high = axis.get_xlim()
    few = (1, 2, 5) if high > 30 * low else (1, 2, 3, 5, 7)  # labels that leave room for one another
    axis.xaxis.set_major_locator(LogLocator(subs=few if high > 3 * low else (1, 1.1, 1.2, 1.4, 6, 7, 8, 9)))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.minorticks_off()
    axis.set_yticks(places, list(labels))
    axis.set_ylim(places[-1] + 0.6, -0.6)
    axis.grid(axis="y", visible=False)
    legend(figure, [axis], ncols=2)
    return figure


@plots.styled
def among_landmarks(runs, marks):
    """Figure of runs among the landmarks, on five judges: a row a landmark or a group of runs, a dot a run.

    Args:
        runs: DataFrame with arm, the five scores, and row: the words of the row that a run stands in, rows in order.
        marks: dict from a landmark to its scores, in order; the Gaussian cloud and the floor also get a line.
    """
    panels = {"frechet_distance": "Fréchet distance ↓", "kernel_distance": "KID ↓ (log axis)", "coverage": "coverage ↑",
              "recall": "recall ↑", "label_entropy": "label entropy ↑\n(nats)"}  # fmt: skip
    rows = [*marks, *dict.fromkeys(runs["row"])]
    figure, axes = plots.subplots(1, 5, figsize=(11, 1.5 + 0.36 * len(rows)), sharey=True)
    for axis, (name, title) in zip(axes, panels.items(), strict=True):
        axis.axvline(marks["Gaussian cloud"][name], color="black", ls=":", lw=1)
        axis.axvline(marks["floor"][name], color=plots.COLOURS["floor"], ls=":", lw=2)
        for row, mark in enumerate(marks):
            axis.plot(marks[mark][name], row, "D", color="black" if mark != "floor" else plots.COLOURS["floor"])
        for (arm, row), group in runs.groupby(["arm", "row"]):
            at = rows.index(row) + (-0.16 if arm == "plain" else 0.16)
            axis.plot(group[name], [at] * len(group), "s" if arm == "plain" else "o", ms=5, alpha=0.6,
                      color=plots.COLOURS[arm], label=plots.LABELS[arm])  # fmt: skip
        axis.axhline(len(marks) - 0.5, color="#888888", lw=0.8)
        axis.set(title=title, ylim=(len(rows) - 0.4, -0.6))
        axis.title.set_fontsize(10)
        axis.grid(axis="y", visible=False)
    axes[0].set_yticks(range(len(rows)), ["real digits" if row == "floor" else row for row in rows])
    axes[1].set_xscale("log")
    axes[1].set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1000"])
    legend(figure, axes[:1], ncols=2)
    return figure


def _dress(axis, name, values, marks):
    """Give the axis of a judge limits that hold `values`, the landmarks within them, and the limit of collapse."""
    low, high = np.min(values), np.max(values)
    if name.endswith("distance"):
        log_axis(axis)
        axis.set_ylim(low / 1.15, high * 1.15)
    else:
        axis.set_ylim(-0.04 * high, max(1.08 * high, 2.4 if name == "label_entropy" else 0))
    for mark, style in MARKS.items():
        if axis.get_ylim()[0] < marks[mark][name] < axis.get_ylim()[1]:
            axis.axhline(marks[mark][name], label="real digits" if mark == "floor" else mark, **style)
    if name == "label_entropy":
        limit = evidence.COLLAPSED_BELOW
        axis.axhline(limit, color=plots.COLOURS["author"], lw=1, label=f"collapsed below {limit}")


def log_axis(axis, subs=(1, 2, 3, 5)):
    """Give a figure's axis a logarithmic y axis with plain numbers on it, at `subs` times powers of ten."""
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=subs))
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_formatter(NullFormatter())


def legend(figure, axes, ncols=6, **settings):
    """Put one legend below a figure: each label of its axes once."""
    handles = {label: line for axis in axes for line, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=ncols, **settings)


def panel_values(record, name, weight):
    """One curve of `losses_over_training`: gaps times `weight`, the run's own penalty taken off its loss."""
    steps = record.steps
    if name.endswith("gap"):
        return weight * steps[name]
    if name == "generator_loss":
        penalty = record.moment_weight * (steps["mean_gap"] + steps["variance_gap"])
        return steps[name] - penalty
    return steps[name]


@plots.styled
def draw_numbers(axis, array, title="", limits=(-1, 1)):
    """Draw a small array on an axis as grey pixels with its numbers written on them.

    Args:
        axis: a Matplotlib axis.
        array: numbers (rows, columns).
        title: above it.
        limits: the numbers drawn black and white.
    """
    axis.imshow(array, vmin=limits[0], vmax=limits[1])
    for (row, column), value in np.ndenumerate(array):
        ink = "black" if value > sum(limits) / 2 else "white"
        axis.text(column, row, f"{value:g}".replace("-", "−"), color=ink, ha="center", va="center")
    axis.set(xticks=[], yticks=[])
    axis.set_title(title, fontsize=11)
    axis.grid(visible=False)
    axis.spines[:].set_visible(True)  # a white pixel on a white page


def draw_seeds(axis, runs, name, arm, at="step"):
    """Draw a column of the runs of an arm over another column: a faint line a seed, and their mean, of a distance the
    geometric one. Of what probes measured (see `gradients.load`), or of epochs.
    """
    for _, run in runs.groupby("seed"):
        axis.plot(run[at], run[name], color=plots.COLOURS[arm], lw=0.8, alpha=0.35)
    geometric = name.endswith("distance")
    mean = (np.log(runs[name]) if geometric else runs[name]).groupby(runs[at]).mean()
    mean = np.exp(mean) if geometric else mean
    axis.plot(mean.index, mean, ls=TERM_LINES[arm], color=plots.COLOURS[arm], lw=2, label=TERM_LABELS[arm])


def write(results=RECORDED, folder=ROOT / "figures"):
    """Write the figures of the README and of docs/see_it_move.md into a folder; return their paths."""
    bands, epochs = evidence.bands(tables.load_frames(results, ["lesson"])), tables.load_epochs(results, ["full"])
    pair = tables.load_pairs(results, tests=(3,))[3]
    figures = {
        "evidence": evidence_over_training(bands, epochs, landmarks.load()),
        "test_3": arms_over_training(*pair),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in figures.items():
        (folder / f"{name}.png").write_bytes(plots.png(figure))
    return [folder / f"{name}.png" for name in figures]
