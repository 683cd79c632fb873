"""Figures of recorded runs, and those of the README and of slides. Weights and rates are those of the records.

python -m study figures    # writes figures/, the same bytes every time
"""

import io

from helpers import metrics, plots
from matplotlib.ticker import LogLocator, NullFormatter
import numpy as np
from PIL import Image as Picture

from study import evidence, tables
from study.settings import LEARNING_RATES, RECORDED, ROOT

RATES = {test: f"{rate:g}" for test, rate in LEARNING_RATES.items()}


TERM_LINES = {**plots.LINES, "mean": ":", "variance": "-."}
TERM_LINES |= {"early": (0, (8, 2)), "late": (0, (3, 1, 1, 1, 1, 1))}
TERM_LABELS = {**plots.LABELS, "mean": "mean term only", "variance": "variance term only"}
TERM_LABELS |= {"early": "both terms up to step 100", "late": "both terms from step 100 on"}


@plots.styled
def arms_over_training(plain, moments, frames=6, latents=16):
    """Figure of both arms' samples over training: the same latents in every grid.

    Args:
        plain, moments: `records.Record` of the two arms of a pair.
        frames: how many moments of training to show, evenly spaced, first and last included.
        latents: how many of the fixed latents to show, a square number.
    """
    count = min(frames, *(len(record.images) for record in (plain, moments)))
    figure, axes = plots.subplots(2, count, figsize=(1.75 * count, 4.1), squeeze=False)
    for row, (arm, record) in zip(axes, {"plain": plain, "moments": moments}.items(), strict=True):
        for axis, index in zip(row, np.linspace(0, len(record.images) - 1, count).round().astype(int), strict=True):
            title = f"step {record.frame_steps[index]:,}"
            plots.draw_grid(axis, record.images[index, :latents], int(latents**0.5), title)
        row[0].text(-0.12, 0.5, plots.LABELS[arm], color=plots.COLOURS[arm], weight="bold", rotation=90,
                    transform=row[0].transAxes, ha="center", va="center")  # fmt: skip
    rate = plain.config["learning_rate"]
    figure.suptitle(f"Learning rate {rate:g}, seed {plain.config['seed']}: the same noise over training")
    return figure


@plots.styled
def losses_over_training(plain, moments, floors=None):
    """Figure of losses and gaps of both arms, step by step, smoothed over 25 steps.

    Args:
        plain, moments: `records.Record` of the two arms of a pair.
        floors: `(mean_gap, variance_gap)` between two batches of real images, drawn as a line.
    """
    weight = moments.moment_weight
    panels = {
        "discriminator_loss": "discriminator loss (nats)",
        "generator_loss": "generator's adversarial loss (nats)",
        "mean_gap": f"{weight:g} × mean gap",
        "variance_gap": f"{weight:g} × variance gap",
    }
    figure, axes = plots.subplots(1, 4, figsize=(11, 2.9))
    for arm, record in {"plain": plain, "moments": moments}.items():
        for axis, (name, label) in zip(axes, panels.items(), strict=True):
            values = plots.smooth(panel_values(record, name, weight))
            steps = np.arange(len(values)) + len(record.steps[name]) - len(values) + 1
            axis.plot(steps, values, plots.LINES[arm], color=plots.COLOURS[arm], label=plots.LABELS[arm])
            axis.set(xlabel="step", title=label)
            axis.title.set_fontsize(10)
    for axis, floor in zip(axes[2:], floors or (None, None), strict=True):
        if floor:
            axis.axhline(weight * floor, color=plots.COLOURS["floor"], linestyle=":", label="two real batches")
        axis.set_yscale("log")
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter("{x:g}")
        axis.yaxis.set_minor_formatter(NullFormatter())
    figure.legend(*axes[2].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


@plots.styled
def animation(plain, moments, latents=16, milliseconds=600):
    """Return an animated PNG of both arms' samples over training, as bytes.

    It plays wherever a PNG is shown, without JavaScript or a video player.

    Args:
        plain, moments: `records.Record` of the two arms of a pair.
        latents: how many of the fixed latents to show, a square number.
        milliseconds: time each frame stays.
    """
    frames = []
    for index in range(min(len(plain.images), len(moments.images))):
        figure, axes = plots.subplots(1, 2, figsize=(4.4, 2.7))
        for axis, (arm, record) in zip(axes, {"plain": plain, "moments": moments}.items(), strict=True):
            plots.draw_grid(axis, record.images[index, :latents], int(latents**0.5), plots.LABELS[arm])
            axis.title.set_color(plots.COLOURS[arm])
        figure.suptitle(f"step {plain.frame_steps[index]:,}")
        frames.append(Picture.open(io.BytesIO(plots.png(figure))).convert("L").quantize(16))
    buffer = io.BytesIO()
    frames[0].save(buffer, "PNG", save_all=True, append_images=frames[1:], duration=milliseconds, loop=0)
    return buffer.getvalue()


def show_animation(plain, moments, alt):
    """Show `animation` in a notebook, with alt text."""
    plots.show_png(animation(plain, moments), alt)


@plots.styled
def live_pair(images, spreads, level):
    """Figure of two arms while they train: what both draw now, and how much their images differ so far.

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
def three_tests(pairs):
    """Figure of the last samples of all six arms: one column a test, one row an arm.

    Args:
        pairs: dict from test number to (plain, moments), each a `records.Record`.
    """
    figure, axes = plots.subplots(2, len(pairs), figsize=(3.3 * len(pairs), 4.6), squeeze=False)
    for column, (test, pair) in enumerate(pairs.items()):
        for row, (arm, record) in enumerate(zip(("plain", "moments"), pair, strict=True)):
            title = f"test {test}: learning rate {record.config['learning_rate']:g}" if row == 0 else ""
            plots.draw_grid(axes[row, column], record.images[-1, :40], 8, title)
            if column == 0:
                axes[row, 0].text(-0.06, 0.5, plots.LABELS[arm], color=plots.COLOURS[arm], weight="bold", rotation=90,
                                  transform=axes[row, 0].transAxes, ha="center", va="center")  # fmt: skip
    return figure


@plots.styled
def evidence_over_training(bands, epochs, floor):
    """Figure of the Fréchet distance over training: both arms, three rates, early and full.

    Args:
        bands: DataFrame as `evidence.bands` returns it, for the early phase (upper row).
        epochs: DataFrame as `study.load_epochs` returns it, of the full protocol (lower row): each seed a
            line, and of several the geometric mean.
        floor: the distance of real training images.
    """
    figure, axes = plots.subplots(2, 3, figsize=(10.5, 6.4), sharey="row")
    for column, (test, rate) in enumerate(RATES.items()):
        upper, lower = axes[:, column]
        for arm in plots.LINES:
            band = bands.loc[test, arm]
            style = {"color": plots.COLOURS[arm], "ls": plots.LINES[arm], "lw": 2}
            upper.fill_between(band.index, band["low"], band["high"], color=plots.COLOURS[arm], alpha=0.2, lw=0)
            upper.plot(band.index, band["value"], label=plots.LABELS[arm], **style)
            runs = epochs[(epochs["test"] == test) & (epochs["arm"] == arm)]
            scores = runs.pivot(index="epoch", columns="seed", values="frechet_distance")
            if scores.shape[1] > 1:
                lower.plot(scores, color=plots.COLOURS[arm], lw=0.8, alpha=0.5)
            lower.plot(np.exp(np.log(scores).mean(axis=1)), marker=".", **style)
        lower.axhline(floor, color=plots.COLOURS["floor"], ls=":", lw=2, label="real training images")
        upper.set(title=f"test {test}: learning rate {rate}", xlabel="step", ylim=(0, None))
        lower.set(xlabel="epoch", yscale="log", xticks=range(0, 21, 5))
        lower.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        lower.yaxis.set_major_formatter("{x:g}")
        lower.yaxis.set_minor_formatter(NullFormatter())
    axes[0, 0].set_ylabel(f"Fréchet distance\nfirst epoch, {int(bands['n'].max())} seeds")
    count = epochs["seed"].nunique()
    axes[1, 0].set_ylabel(f"Fréchet distance\nfull protocol, {count} seed{'s' if count > 1 else ''}")
    handles = [*axes[0, 0].get_legend_handles_labels(), *axes[1, 0].get_legend_handles_labels()]
    figure.legend(handles[0] + handles[2], handles[1] + handles[3], loc="outside lower center", ncols=3)
    return figure


@plots.styled
def seeds(runs, collapsed_below, tests=(1, 2, 3)):
    """Figure of every seed's last Fréchet distance and label entropy, the two arms of a seed joined.

    Args:
        runs: DataFrame as `study.load_runs` returns it, of one profile.
        collapsed_below: the label entropy below which a run counts as collapsed.
        tests: which to show.
    """
    panels = {"frechet_distance": "Fréchet distance (lower is better)", "label_entropy": "label entropy (nats)"}
    figure, axes = plots.subplots(1, 2, figsize=(9.5, 3.8))
    for axis, (name, title) in zip(axes, panels.items(), strict=True):
        for place, test in enumerate(tests):
            pairs = runs[runs["test"] == test].pivot(index="seed", columns="arm", values=name)
            at = (place - 0.2, place + 0.2)
            axis.plot(at, pairs[["plain", "moments"]].T, color="#BBBBBB", lw=1)
            for x, (arm, marker) in zip(at, {"plain": "s", "moments": "o"}.items(), strict=True):
                label = plots.LABELS[arm] if place == 0 else None
                axis.plot([x] * len(pairs), pairs[arm], marker, color=plots.COLOURS[arm], ms=5, alpha=0.8, label=label)
        axis.set(title=title, xlim=(-0.6, len(tests) - 0.4))
        axis.set_xticks(range(len(tests)), [f"test {test}\n{RATES[test]}" for test in tests])
        axis.grid(axis="x", visible=False)
    axes[0].set_ylim(0, None)
    axes[1].axhline(collapsed_below, color=plots.COLOURS["author"], ls=":", label="collapsed below")
    figure.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


@plots.styled
def variants(runs, table, arms, collapsed_below, title):
    """Figure of the penalties of one test: every seed's Fréchet distance and label entropy, with means.

    Their intervals are cut at what the score can be: 0, and of the entropy the logarithm of 10.

    Args:
        runs: DataFrame as `study.load_runs` returns it, of one test.
        table: the same test's rows of `evidence.variants`, indexed by arm.
        arms: which to show, from top to bottom.
        collapsed_below: the label entropy below which a run counts as collapsed.
        title: above both panels, such as the learning rate.
    """
    panels = {"frechet_distance": ("score", "Fréchet distance (lower is better)"),
              "label_entropy": ("entropy", "label entropy (nats; collapsed below the dotted line)")}  # fmt: skip
    most = {"frechet_distance": np.inf, "label_entropy": np.log(10)}  # of ten digits in equal shares
    figure, axes = plots.subplots(1, 2, figsize=(9.5, 1.4 + 0.42 * len(arms)), sharey=True)
    for axis, (name, (column, label)) in zip(axes, panels.items(), strict=True):
        for row, arm in enumerate(arms):
            colour = plots.COLOURS.get(arm, plots.COLOURS["author"])
            values = runs.loc[runs["arm"] == arm, name]
            axis.plot(values, [row] * len(values), "o", color=colour, ms=5, alpha=0.4)
            found = table.loc[arm, column]
            axis.plot(np.clip([found.low, found.high], 0, most[name]), [row - 0.25] * 2, color=colour, lw=2)
            axis.plot(found.value, row - 0.25, "|", color=colour, ms=11, mew=2)
        axis.set(xlabel=label, ylim=(len(arms) - 0.4, -0.7))
        axis.grid(axis="y", visible=False)
    axes[0].set_yticks(range(len(arms)), [plots.LABELS.get(arm, arm) for arm in arms])
    axes[0].set_xlim(0, None)
    axes[1].set_xlim(-0.1, 2.4)
    axes[1].axvline(collapsed_below, color=plots.COLOURS["author"], ls=":")
    figure.suptitle(title)
    return figure


@plots.styled
def full_protocol(epochs, floors):
    """Figure of three metrics over the epochs of one pair, and what real images reach.

    Args:
        epochs: dict from arm to a record's `epochs`.
        floors: dict as `metrics.floor` returns it.
    """
    panels = {
        "frechet_distance": "Fréchet distance ↓",
        "label_entropy": "label entropy (nats) ↑",
        "recall": "recall ↑",
    }
    figure, axes = plots.subplots(1, 3, figsize=(10.5, 3.3))
    for axis, (name, title) in zip(axes, panels.items(), strict=True):
        for arm, table in epochs.items():
            axis.plot(
                table["epoch"],
                table[name],
                plots.LINES[arm],
                color=plots.COLOURS[arm],
                marker=".",
                lw=2,
                label=plots.LABELS[arm],
            )
        axis.axhline(floors[name], color=plots.COLOURS["floor"], ls=":", lw=2, label="real training images")
        axis.set(title=title, xlabel="epoch", ylim=(0, None), xticks=range(0, 21, 5))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
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
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7)))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.minorticks_off()
    axis.set_yticks(places, list(labels))
    axis.set_ylim(places[-1] + 0.6, -0.6)
    axis.grid(axis="y", visible=False)
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=2)
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
    handles = dict(zip(*reversed(axes[0].get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=2)
    return figure


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
        axis.text(column, row, f"{value:g}", color=ink, ha="center", va="center")
    axis.set_title(title, fontsize=11)
    axis.set_axis_off()


def draw_seeds(axis, runs, name, arm):
    """Draw a column of what probes measured (see `probe.load`) on an axis: one faint line a seed, and their mean."""
    for _, run in runs.groupby("seed"):
        axis.plot(run["step"], run[name], color=plots.COLOURS[arm], lw=0.8, alpha=0.35)
    mean = runs.groupby("step")[name].mean()
    axis.plot(mean.index, mean, ls=TERM_LINES[arm], color=plots.COLOURS[arm], lw=2, label=TERM_LABELS[arm])


def write(results=RECORDED, folder=ROOT / "figures"):
    """Write the figures of the README and of slides into a folder; return their paths."""
    pairs = tables.load_pairs(results)
    figures = {f"test_{test}": arms_over_training(*pair) for test, pair in pairs.items()}
    figures["three_tests"] = three_tests(pairs)
    runs, frames, epochs = tables.load_runs(results), tables.load_frames(results), tables.load_epochs(results)
    early_runs, early_frames = (table[table["profile"] == "lesson"] for table in (runs, frames))
    full = epochs[epochs["profile"] == "full"]
    floor = metrics.floor()["frechet_distance"]
    figures["evidence"] = evidence_over_training(evidence.bands(early_frames), full, floor)
    figures["seeds"] = seeds(early_runs, evidence.COLLAPSED_BELOW)
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {name: plots.png(figure) for name, figure in figures.items()}
    pictures["test_3_animation"] = animation(*pairs[3])
    for name, picture in pictures.items():
        (folder / f"{name}.png").write_bytes(picture)
    return [folder / f"{name}.png" for name in pictures]
