"""Figures that one page of the course draws and that are too long for a cell of it."""

from helpers import plots
from matplotlib.ticker import NullLocator
import numpy as np

from study import figures


@plots.styled
def live_pair(images, spreads, level):
    """Figure of two arms while they train: what both draw now, and how much their images differ so far. For 00.

    Args:
        images: dict from arm to images of the same noise, a square number of them.
        spreads: DataFrame indexed by step, one column an arm, in grey levels.
        level: the spread of real digits.
    """
    figure, axes = plots.subplots(1, 3, figsize=(9.5, 2.9), width_ratios=(1, 1, 1.5))
    for axis, (arm, drawn) in zip(axes, images.items(), strict=False):
        plots.draw_grid(axis, drawn, round(len(drawn) ** 0.5), plots.LABELS[arm])
        axis.title.set(color=plots.COLOURS[arm], weight="bold")
        axes[2].plot(spreads[arm], plots.LINES[arm], color=plots.COLOURS[arm], lw=2, label=plots.LABELS[arm])
    axes[2].axhline(level, color=plots.COLOURS["floor"], ls=":", label="real digits")
    axes[2].set(xlabel="step", ylabel="spread (grey levels)", ylim=(0, 1.5 * level))
    axes[2].legend(loc="upper left", ncols=2, fontsize=9)
    return figure


@plots.styled
def over_epochs(epochs, titles, levels):
    """Figure of the Fréchet distance over the judged epochs: a line a seed, and their geometric mean. For 06.

    Args:
        epochs: DataFrame as `study.load_epochs` returns it, of two arms; both axes are logarithmic.
        titles: dict from a network to the title of its panel.
        levels: dict from a landmark's name to its distance.
    """
    judged = epochs.dropna(subset=["frechet_distance"])
    figure, axes = plots.subplots(1, len(titles), figsize=(9.5, 3.9), sharey=True, squeeze=False)
    for axis, (network, title) in zip(axes[0], titles.items(), strict=True):
        for arm, line in plots.LINES.items():
            runs = judged[(judged["network"] == network) & (judged["arm"] == arm)]
            scores = runs.pivot(index="epoch", columns="seed", values="frechet_distance")
            style = {"color": plots.COLOURS[arm], "ls": line}
            axis.plot(scores, lw=0.7, alpha=0.45, **style)
            axis.plot(np.exp(np.log(scores).mean(axis=1)), marker=".", lw=2.4, label=plots.LABELS[arm], **style)
        for name, level in levels.items():
            axis.axhline(level, color=plots.COLOURS["floor"], ls=":")
            if axis is axes[0, -1]:
                axis.annotate(name, (1.02, level), xycoords=axis.get_yaxis_transform(), color=plots.COLOURS["floor"],
                              fontsize=9, va="center")  # fmt: skip
        axis.set(title=title, xlabel="epoch", xscale="log")
        axis.set_xticks(scores.index, map(str, scores.index))
        axis.xaxis.set_minor_locator(NullLocator())
        figures.log_axis(axis, (1, 2, 5))
    axes[0, 0].set_ylabel("Fréchet distance")
    figures.legend(figure, axes[0, :1], ncols=2, handlelength=3)
    return figure


@plots.styled
def last_grids(records, titles, columns=5):
    """Figure of the last sample grids of some runs, side by side, with the arm's colour. For 06.

    Args:
        records: list of `records.Record`.
        titles: list of texts, one a run; each is followed by the arm.
        columns: images a row, a divisor of the images of a grid.
    """
    figure, axes = plots.subplots(1, len(records), figsize=(2.5 * len(records), 2.6), squeeze=False)
    for axis, record, title in zip(axes[0], records, titles, strict=True):
        arm = "moments" if record.moment_weight else "plain"
        plots.draw_grid(axis, record.images[-1], columns, f"{title}\n{plots.LABELS[arm]}")
        axis.title.set_color(plots.COLOURS[arm])
    return figure


@plots.styled
def openings(courses, ends, threshold, titles):
    """Figure of how a batch opens: its spread step by step, and where it ends over the variance term's weight. For 11.

    Args:
        courses: dict from "Adam" and "descent" to a dict from the spread at the start to an array, one spread a step.
        ends: DataFrame indexed by weight, columns as above: the last spread over the first.
        threshold: the weight above which a batch opens.
        titles: texts of both panels.
    """
    figure, axes = plots.subplots(1, 2, figsize=(9.5, 3.6))
    colours, lines = {"Adam": "black", "descent": plots.COLOURS["floor"]}, ("-", "--", ":")
    for name, paths in courses.items():
        for (start, path), line in zip(paths.items(), lines, strict=True):
            axes[0].plot(path, ls=line, color=colours[name], label=f"{name} from {start:g}")
        axes[1].plot(ends[name], "o-", color=colours[name], label=name)
    axes[1].axhline(1, color=plots.COLOURS["author"], lw=1)
    axes[1].axvline(threshold, color=plots.COLOURS["author"], ls=":", label=f"threshold, {threshold:g}")
    axes[0].set(title=titles[0], xlabel="step", yscale="log", ylabel="spread (log scale)", ylim=(5e-7, 3))
    axes[1].set(title=titles[1], xlabel="weight λ of the variance term", ylabel="spread, end / start")
    axes[1].legend()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=2)
    return figure


@plots.styled
def spread_inside(steps, titles, level):
    """Figure of the spread of a batch inside runs: a faint line a seed, and the mean of each arm. For 11.

    Args:
        steps: DataFrame as `gradients.terms` returns it, of one learning rate.
        titles: dict from a network to the title of its panel; step 100 is marked in the first.
        level: the spread of real digits.
    """
    figure, axes = plots.subplots(1, len(titles), figsize=(9.5, 4.2), sharey=True, squeeze=False)
    for axis, (network, title) in zip(axes[0], titles.items(), strict=True):
        here = steps[steps["network"] == network]
        for arm in [arm for arm in figures.TERM_LABELS if arm in set(here["arm"])]:
            figures.draw_seeds(axis, here[here["arm"] == arm], "spread", arm)
        axis.axhline(level, color=plots.COLOURS["floor"], label="real digits")
        axis.set(title=title, xlabel="step", yscale="log", ylim=(0.01, 0.6))
        axis.set_yticks([0.02, 0.05, 0.1, 0.2, 0.4], ["0.02", "0.05", "0.1", "0.2", "0.4"])
        axis.minorticks_off()
    axes[0, 0].set_ylabel("spread of a pixel over the batch\n(log scale)")
    axes[0, 0].axvline(100, color=plots.COLOURS["author"], ls=":", label="step 100")
    figures.legend(figure, axes[0, :1], ncols=3)
    return figure
