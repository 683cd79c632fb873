"""Every figure style, once: greyscale images, one colour an arm, alt text on every picture."""

import io

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image, display
from matplotlib.ticker import LogLocator, NullFormatter
from PIL import Image as Picture
from scipy import ndimage

# Okabe and Ito's colour-blind safe palette (and an olive of Tol's); the line style tells the arms apart without colour.
COLOURS = {"plain": "#D55E00", "moments": "#0072B2", "author": "#595959", "floor": "#009E73"}
COLOURS |= {"mean": "#CC79A7", "variance": "#56B4E9", "debiased": "#E69F00", "early": "#999933", "late": "#000000"}
LINES = {"plain": "--", "moments": "-"}
LABELS = {"plain": "plain GAN", "moments": "with moments"}
TERM_LINES = {**LINES, "mean": ":", "variance": "-."}
TERM_LINES |= {"early": (0, (8, 2)), "late": (0, (3, 1, 1, 1, 1, 1))}
TERM_LABELS = {**LABELS, "mean": "mean term only", "variance": "variance term only"}
TERM_LABELS |= {"early": "both terms up to step 100", "late": "both terms from step 100 on"}

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
plt.rcParams.update(STYLE)


def show(figure, alt):
    """Show a figure in a notebook, with alt text, and close it.

    Args:
        figure: a Matplotlib figure.
        alt: what a reader who cannot see it should know, one sentence or two.
    """
    display(Image(png(figure), format="png", alt=alt))


def png(figure):
    """Return a figure as PNG bytes, the same for the same figure, and close it."""
    drawn, buffer = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png")
    plt.close(figure)
    # 256 colours are half the size, and nobody sees the difference.
    picture = Picture.open(drawn).convert("RGB").quantize(256, Picture.Quantize.MAXCOVERAGE, dither=Picture.Dither.NONE)
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def tile(images, columns):
    """Lay images out in rows: (n, height, width[, 1]) to one (rows * height, columns * width).

    Args:
        images: n images, n a multiple of `columns`; floats in [-1, 1] or uint8.
        columns: images a row.

    Raises:
        ValueError: the images do not fill the rows.
    """
    images = np.asarray(images)
    images = images[..., 0] if images.ndim == 4 else images
    if len(images) % columns:
        raise ValueError(f"Images: expected a multiple of {columns}, found {len(images)}.")
    rows, height, width = len(images) // columns, *images.shape[1:]
    grid = images.reshape(rows, columns, height, width).transpose(0, 2, 1, 3)
    return grid.reshape(rows * height, columns * width)


def draw_grid(axis, images, columns, title=""):
    """Draw images as one greyscale grid on an axis, black background to white ink."""
    low, high = (0, 255) if np.asarray(images).dtype == np.uint8 else (-1, 1)
    axis.imshow(tile(images, columns), vmin=low, vmax=high)
    axis.set_title(title, fontsize=11)
    axis.set_axis_off()


def image_row(images, titles, colour_map="gray", limits=(-1, 1), unit=None):
    """Figure of single images side by side, each with its title.

    Args:
        images: list of arrays (height, width) or (height, width, 1).
        titles: one a picture.
        colour_map: a Matplotlib colour map.
        limits: values drawn darkest and brightest.
        unit: text beside a colour bar; without it there is none.
    """
    rows, columns = np.shape(images[0])[:2]
    wide = 2.4 * columns / rows
    figure, axes = plt.subplots(1, len(images), figsize=(min(10, wide * len(images)), 2.6), squeeze=False)
    for axis, image, title in zip(axes[0], images, titles, strict=True):
        drawn = axis.imshow(np.squeeze(image), cmap=colour_map, vmin=limits[0], vmax=limits[1])
        axis.set_title(title, fontsize=10)
        axis.set_axis_off()
    if unit:
        figure.colorbar(drawn, ax=list(axes[0]), label=unit, shrink=0.9)
    return figure


def arms_over_training(plain, moments, frames=6, latents=16):
    """Figure of both arms' samples over training: the same latents in every grid.

    Args:
        plain, moments: `records.Record` of the two arms of a pair.
        frames: how many moments of training to show, evenly spaced, first and last included.
        latents: how many of the fixed latents to show, a square number.
    """
    count = min(frames, *(len(record.images) for record in (plain, moments)))
    figure, axes = plt.subplots(2, count, figsize=(1.75 * count, 4.1), squeeze=False)
    for row, (arm, record) in zip(axes, {"plain": plain, "moments": moments}.items(), strict=True):
        for axis, index in zip(row, np.linspace(0, len(record.images) - 1, count).round().astype(int), strict=True):
            title = f"step {record.frame_steps[index]:,}"
            draw_grid(axis, record.images[index, :latents], int(latents**0.5), title)
        row[0].text(-0.12, 0.5, LABELS[arm], color=COLOURS[arm], weight="bold", rotation=90,
                    transform=row[0].transAxes, ha="center", va="center")  # fmt: skip
    rate = plain.config["learning_rate"]
    figure.suptitle(f"Learning rate {rate:g}, seed {plain.config['seed']}: the same noise over training")
    return figure


def losses_over_training(plain, moments, floors=None):
    """Figure of losses and gaps of both arms, step by step, smoothed over 25 steps.

    Args:
        plain, moments: `records.Record` of the two arms of a pair.
        floors: `(mean_gap, variance_gap)` between two batches of real images, drawn as a line.
    """
    panels = {
        "discriminator_loss": "discriminator loss (nats)",
        "generator_loss": "generator's adversarial loss (nats)",
        "mean_gap": "0.1 × mean gap",
        "variance_gap": "0.1 × variance gap",
    }
    figure, axes = plt.subplots(1, 4, figsize=(11, 2.9))
    for arm, record in {"plain": plain, "moments": moments}.items():
        for axis, (name, label) in zip(axes, panels.items(), strict=True):
            values = smooth(panel_values(record, name))
            steps = np.arange(len(values)) + len(record.steps[name]) - len(values) + 1
            axis.plot(steps, values, LINES[arm], color=COLOURS[arm], label=LABELS[arm])
            axis.set(xlabel="step", title=label)
            axis.title.set_fontsize(10)
    for axis, floor in zip(axes[2:], floors or (None, None), strict=True):
        if floor:
            axis.axhline(0.1 * floor, color=COLOURS["floor"], linestyle=":", label="two real batches")
        axis.set_yscale("log")
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter("{x:g}")
        axis.yaxis.set_minor_formatter(NullFormatter())
    figure.legend(*axes[2].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def arms_as_lines(steps, values, level, level_label, **settings):
    """Figure of one curve an arm over training, and a level to compare with.

    Args:
        steps: steps at which the values were taken.
        values: dict from arm to values.
        level, level_label: a horizontal line and its name.
        settings: of the axis, such as title and ylabel.
    """
    figure, axis = plt.subplots(figsize=(8, 3.2))
    for arm, curve in values.items():
        axis.plot(steps, curve, LINES[arm], marker="o", color=COLOURS[arm], label=LABELS[arm])
    axis.axhline(level, color=COLOURS["floor"], ls=":", label=level_label)
    axis.set(xlabel="step", **settings)
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def arms_as_bars(counts, **settings):
    """Figure of bars over the ten digits, both arms side by side.

    Args:
        counts: dict from arm to ten numbers.
        settings: of the axis, such as title and ylabel.
    """
    figure, axis = plt.subplots(figsize=(8, 2.8))
    for offset, (arm, count) in zip((-0.2, 0.2), counts.items(), strict=True):
        axis.bar(np.arange(10) + offset, count, 0.38, color=COLOURS[arm], label=LABELS[arm])
    axis.set(xticks=range(10), **settings)
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def panel_values(record, name):
    """One curve of `losses_over_training`: gaps weighted by 0.1, the penalty taken off the loss."""
    steps = record.steps
    if name.endswith("gap"):
        return 0.1 * steps[name]
    if name == "generator_loss":
        penalty = record.config["moment_weight"] * (steps["mean_gap"] + steps["variance_gap"])
        return steps[name] - penalty
    return steps[name]


def smooth(values, width=25):
    """Running mean over `width` steps (fewer where there are fewer); shorter by width - 1."""
    width = min(width, len(values))
    return np.convolve(values, np.full(width, 1.0 / width), mode="valid")


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
        figure, axes = plt.subplots(1, 2, figsize=(4.4, 2.7))
        for axis, (arm, record) in zip(axes, {"plain": plain, "moments": moments}.items(), strict=True):
            draw_grid(axis, record.images[index, :latents], int(latents**0.5), LABELS[arm])
            axis.title.set_color(COLOURS[arm])
        figure.suptitle(f"step {plain.frame_steps[index]:,}")
        frames.append(Picture.open(io.BytesIO(png(figure))).convert("L").quantize(16))
    buffer = io.BytesIO()
    frames[0].save(buffer, "PNG", save_all=True, append_images=frames[1:], duration=milliseconds, loop=0)
    return buffer.getvalue()


def show_animation(plain, moments, alt):
    """Show `animation` in a notebook, with alt text."""
    display(Image(animation(plain, moments), format="png", alt=alt))


def three_tests(pairs):
    """Figure of the last samples of all six arms: one column a test, one row an arm.

    Args:
        pairs: dict from test number to (plain, moments), each a `records.Record`.
    """
    figure, axes = plt.subplots(2, len(pairs), figsize=(3.3 * len(pairs), 4.6), squeeze=False)
    for column, (test, pair) in enumerate(pairs.items()):
        for row, (arm, record) in enumerate(zip(("plain", "moments"), pair, strict=True)):
            title = f"test {test}: learning rate {record.config['learning_rate']:g}" if row == 0 else ""
            draw_grid(axes[row, column], record.images[-1, :40], 8, title)
            if column == 0:
                axes[row, 0].text(-0.06, 0.5, LABELS[arm], color=COLOURS[arm], weight="bold", rotation=90,
                                  transform=axes[row, 0].transAxes, ha="center", va="center")  # fmt: skip
    return figure


def evidence(bands, epochs, floor):
    """Figure of the Fréchet distance over training: both arms, three rates, early and full.

    Args:
        bands: DataFrame as `evidence.bands` returns it, for the early phase (upper row).
        epochs: DataFrame as `study.load_epochs` returns it, of the full protocol, one seed (lower row).
        floor: the distance of real training images.
    """
    figure, axes = plt.subplots(2, 3, figsize=(10.5, 6.4), sharey="row")
    rates = {1: "0.01", 2: "0.001", 3: "0.0001"}
    for column, (test, rate) in enumerate(rates.items()):
        upper, lower = axes[:, column]
        for arm in LINES:
            band = bands.loc[test, arm]
            style = {"color": COLOURS[arm], "ls": LINES[arm], "lw": 2}
            upper.fill_between(band.index, band["low"], band["high"], color=COLOURS[arm], alpha=0.2, lw=0)
            upper.plot(band.index, band["value"], label=LABELS[arm], **style)
            run = epochs[(epochs["test"] == test) & (epochs["arm"] == arm)]
            lower.plot(run["epoch"], run["frechet_distance"], marker=".", **style)
        lower.axhline(floor, color=COLOURS["floor"], ls=":", lw=2, label="real training images")
        upper.set(title=f"test {test}: learning rate {rate}", xlabel="step", ylim=(0, None))
        lower.set(xlabel="epoch", yscale="log", xticks=range(0, 21, 5))
        lower.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        lower.yaxis.set_major_formatter("{x:g}")
        lower.yaxis.set_minor_formatter(NullFormatter())
    axes[0, 0].set_ylabel(f"Fréchet distance\nfirst epoch, {int(bands['n'].max())} seeds")
    axes[1, 0].set_ylabel("Fréchet distance\nfull protocol, 1 seed")
    handles = [*axes[0, 0].get_legend_handles_labels(), *axes[1, 0].get_legend_handles_labels()]
    figure.legend(handles[0] + handles[2], handles[1] + handles[3], loc="outside lower center", ncols=3)
    return figure


def seeds(runs, collapsed_below, tests=(1, 2, 3)):
    """Figure of every seed's last Fréchet distance and label entropy, the two arms of a seed joined.

    Args:
        runs: DataFrame as `study.load_runs` returns it, of one profile.
        collapsed_below: the label entropy below which a run counts as collapsed.
        tests: which to show.
    """
    panels = {"frechet_distance": "Fréchet distance (lower is better)", "label_entropy": "label entropy (nats)"}
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.8))
    for axis, (name, title) in zip(axes, panels.items(), strict=True):
        for place, test in enumerate(tests):
            pairs = runs[runs["test"] == test].pivot(index="seed", columns="arm", values=name)
            at = (place - 0.2, place + 0.2)
            axis.plot(at, pairs[["plain", "moments"]].T, color="#BBBBBB", lw=1)
            for x, (arm, marker) in zip(at, {"plain": "s", "moments": "o"}.items(), strict=True):
                label = LABELS[arm] if place == 0 else None
                axis.plot([x] * len(pairs), pairs[arm], marker, color=COLOURS[arm], ms=5, alpha=0.8, label=label)
        axis.set(title=title, xlim=(-0.6, len(tests) - 0.4))
        rates = {1: "0.01", 2: "0.001", 3: "0.0001"}
        axis.set_xticks(range(len(tests)), [f"test {test}\n{rates[test]}" for test in tests])
        axis.grid(axis="x", visible=False)
    axes[0].set_ylim(0, None)
    axes[1].axhline(collapsed_below, color=COLOURS["author"], ls=":", label="collapsed below")
    figure.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def variants(runs, table, arms, collapsed_below, title):
    """Figure of the penalties of one test: every seed's Fréchet distance and label entropy, with means.

    Args:
        runs: DataFrame as `study.load_runs` returns it, of one test.
        table: the same test's rows of `evidence.variants`, indexed by arm.
        arms: which to show, from top to bottom.
        collapsed_below: the label entropy below which a run counts as collapsed.
        title: above both panels, such as the learning rate.
    """
    panels = {"frechet_distance": ("score", "Fréchet distance (lower is better)"),
              "label_entropy": ("entropy", "label entropy (nats; collapsed below the dotted line)")}  # fmt: skip
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 1.4 + 0.42 * len(arms)), sharey=True)
    for axis, (name, (column, label)) in zip(axes, panels.items(), strict=True):
        for row, arm in enumerate(arms):
            colour = COLOURS.get(arm, COLOURS["author"])
            values = runs.loc[runs["arm"] == arm, name]
            axis.plot(values, [row] * len(values), "o", color=colour, ms=5, alpha=0.4)
            found = table.loc[arm, column]
            axis.plot([found.low, found.high], [row - 0.25] * 2, color=colour, lw=2)
            axis.plot(found.value, row - 0.25, "|", color=colour, ms=11, mew=2)
        axis.set(xlabel=label, ylim=(len(arms) - 0.4, -0.7))
        axis.grid(axis="y", visible=False)
    axes[0].set_yticks(range(len(arms)), [LABELS.get(arm, arm) for arm in arms])
    axes[0].set_xlim(0, None)
    axes[1].set_xlim(-0.1, 2.4)
    axes[1].axvline(collapsed_below, color=COLOURS["author"], ls=":")
    figure.suptitle(title)
    return figure


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
    figure, axes = plt.subplots(1, 3, figsize=(10.5, 3.3))
    for axis, (name, title) in zip(axes, panels.items(), strict=True):
        for arm, table in epochs.items():
            axis.plot(table["epoch"], table[name], LINES[arm], color=COLOURS[arm], marker=".", lw=2, label=LABELS[arm])
        axis.axhline(floors[name], color=COLOURS["floor"], ls=":", lw=2, label="real training images")
        axis.set(title=title, xlabel="epoch", ylim=(0, None), xticks=range(0, 21, 5))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def beside_author(author, pair, bands=None):
    """Figure of test 3's losses at the end of each epoch, the author's beside ours.

    Args:
        author: DataFrame as `data.load_author_log` returns it.
        pair: (plain, moments), each a `records.Record` of test 3.
        bands: dict from arm to a DataFrame as `evidence.inside` returns it, to draw as bands.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.8))
    titles = {"discriminator_loss": "discriminator loss (nats)", "generator_loss": "generator loss (penalty included)"}
    for axis, (name, title) in zip(axes, titles.items(), strict=True):
        for arm, record in zip(("plain", "moments"), pair, strict=True):
            log = author[author["moment_weight"] == record.config["moment_weight"]]
            axis.plot(log["epoch"], log[name], "o:", color=COLOURS[arm], mfc="white", ms=5,
                      label=f"{LABELS[arm]}, author")  # fmt: skip
            axis.plot(record.epochs["epoch"], record.epochs[name], "-", color=COLOURS[arm], lw=2,
                      label=f"{LABELS[arm]}, ours")  # fmt: skip
            if bands:
                band = bands[arm][bands[arm]["name"] == name]
                axis.fill_between(band["epoch"], band["low"], band["high"], color=COLOURS[arm], alpha=0.2, lw=0)
        axis.set(xlabel="epoch", title=title)
        axis.set_xticks(range(0, 21, 5))
    axes[0].set_ylim(0, 2)
    axes[1].set_yscale("log")
    axes[1].set_ylim(2, 40)
    axes[1].set_yticks([2, 4, 6, 10, 20, 40], labels=["2", "4", "6", "10", "20", "40"])
    axes[1].minorticks_off()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=10)
    return figure


def floor_scaling(sizes, measured, errors, exact, gaussian):
    """Figure of both gaps of two real batches against the batch size.

    Args:
        sizes: batch sizes (k,).
        measured, errors: float arrays (k, 2), mean and variance gap and their standard errors.
        exact, gaussian: float arrays (k, 2), derived.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.6), sharey=True)
    for column, (axis, name) in enumerate(zip(axes, ("mean", "variance"), strict=True)):
        axis.loglog(sizes, exact[:, column], color=COLOURS["floor"], label="exact")
        axis.loglog(sizes, gaussian[:, column], ":", color="black", label="Gaussian approximation")
        axis.errorbar(sizes, measured[:, column], 2 * errors[:, column], fmt="o", ms=5, mfc="white",
                      color=COLOURS["moments"], label="measured, ± 2 standard errors")  # fmt: skip
        axis.set(xlabel="batch size", title=f"{name} gap of two real batches")
    axes[0].set_ylabel("summed over 784 pixels")
    axes[0].legend(fontsize=9)
    return figure


def gaps_beside_floor(pairs, floor, author):
    """Figure of the weighted gaps of all arms over the epochs, their floor and the author's points.

    Args:
        pairs: dict from test number to (plain, moments), each a `records.Record`.
        floor: the mean and the variance gap of two real batches, times 0.1.
        author: the rows with moments of `data.load_author_log`, drawn in the last column.
    """
    figure, axes = plt.subplots(2, len(pairs), figsize=(10.5, 5.6), sharex=True, sharey="row", squeeze=False)
    for row, name in enumerate(("mean_gap", "variance_gap")):
        for axis, (test, pair) in zip(axes[row], pairs.items(), strict=True):
            for arm, record in zip(LINES, pair, strict=True):
                curve = 0.1 * record.steps[name].reshape(len(record.epochs), -1).mean(axis=1)
                axis.plot(record.epochs["epoch"], curve, LINES[arm], color=COLOURS[arm], label=LABELS[arm])
            axis.axhline(floor[row], color=COLOURS["floor"], ls=":", label="floor (exact)")
            axis.set(yscale="log", title=f"test {test}" if row == 0 else "", xlabel="epoch" if row else "")
        axis.plot(author["epoch"], author[f"weighted_{name}"], "o", ms=4, mfc="white", color=COLOURS["author"],
                  label="author (one batch an epoch)")  # fmt: skip
        axes[row, 0].set_ylabel(f"0.1 × {name.replace('_', ' ')}")
        axes[row, 0].set_yticks([3, 5, 10, 20], labels=["3", "5", "10", "20"])
        axes[row, 0].minorticks_off()
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def two_gradients(steps):
    """Figure of the penalty's gradient beside the adversarial one: angle and size, for each test and arm.

    Args:
        steps: DataFrame as the first of `gradients.load`, with the arms plain and moments.
    """
    steps = steps.assign(ratio=steps["penalty_norm"] / steps["adversarial_norm"])
    rates = {1: "0.01", 2: "0.001", 3: "0.0001"}
    figure, axes = plt.subplots(2, 3, figsize=(10.5, 5.4), sharex=True, sharey="row")
    for (test, arm), runs in steps[steps["arm"].isin(["plain", "moments"])].groupby(["test", "arm"]):
        for axis, name in zip(axes[:, test - 1], ("penalty_cosine", "ratio"), strict=True):
            _draw_seeds(axis, runs, name, arm)
        axes[0, test - 1].set_title(f"test {test}, learning rate {rates[test]}")
        axes[1, test - 1].set(xlabel="step", yscale="log")
    axes[0, 0].set_ylabel("cosine of the two gradients")
    axes[1, 0].set_ylabel("size: penalty / adversarial")
    for row, level in zip(axes, (0, 1), strict=True):
        for axis in row:
            axis.axhline(level, color=COLOURS["author"], lw=1)
    figure.legend(*axes[0, 2].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def _draw_seeds(axis, runs, name, arm):
    """One faint line a seed, and their mean."""
    for _, run in runs.groupby("seed"):
        axis.plot(run["step"], run[name], color=COLOURS[arm], lw=0.8, alpha=0.35)
    mean = runs.groupby("step")[name].mean()
    axis.plot(mean.index, mean, ls=TERM_LINES[arm], color=COLOURS[arm], lw=2, label=TERM_LABELS[arm])


def pulls(steps, arms, mark=None):
    """Figure of a batch's spread at one rate, and of what drives it apart or together, arm by arm.

    Args:
        steps: DataFrame as the first of `gradients.load`, of one test, and with the column `together`:
            adversarial_pull and variance_pull, added.
        arms: which to show.
        mark: a step to mark; without it there is none.
    """
    panels = {
        "spread": "spread of a pixel over the batch\n(log scale)",
        "adversarial_pull": "push apart by the\ndiscriminator",
        "together": "the same plus the variance term's\n(also where it is not used)",
    }
    figure, axes = plt.subplots(1, 3, figsize=(11.5, 4.4), sharex=True)
    for axis, (name, title) in zip(axes, panels.items(), strict=True):
        for arm in arms:
            _draw_seeds(axis, steps[steps["arm"] == arm], name, arm)
        axis.set_title(title, fontsize=11)
        axis.set_xlabel("step")
        if name != "spread":
            axis.axhline(0, color=COLOURS["author"], lw=1)
        if mark is not None:
            axis.axvline(mark, color=COLOURS["author"], ls=":")
    axes[0].set_yscale("log")
    axes[0].set_yticks([0.02, 0.05, 0.1, 0.2, 0.4], labels=["0.02", "0.05", "0.1", "0.2", "0.4"])
    axes[0].minorticks_off()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def well_and_pull(fine, well, pull, shifts, seen):
    """Figure of what noise makes of an absolute gap: its mean value and its mean gradient.

    Args:
        fine: float array (k,), true differences in units of the noise's standard deviation.
        well, pull: float arrays (k,), derived: mean absolute gap, in the same units, and mean gradient.
        shifts, seen: float arrays (m,), differences that were tried and the mean gradients measured there.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.4))
    axes[0].plot(fine, np.abs(fine), ":", color="black", label="without noise: |Δ|")
    axes[0].plot(fine, well, color=COLOURS["floor"], label="mean of |Δ + sZ|")
    axes[0].set(ylabel="gap, in units of s", title="A corner becomes a well")
    axes[1].step(fine, np.sign(fine), ":", color="black", label="without noise: sign Δ")
    axes[1].plot(fine, pull, color=COLOURS["floor"], label="erf(Δ / s√2)")
    axes[1].plot(shifts, seen, "o", mfc="white", color=COLOURS["moments"], label="measured on one pixel")
    axes[1].set(ylabel="mean gradient", title="What is left of the pull")
    for axis in axes:
        axis.set(xlabel="true difference Δ, in units of s")
        axis.legend(fontsize=9)
    return figure


def squeezed(simulated, fits, derived):
    """Figure of two penalties of real batches against others that are squeezed towards the mean image.

    Both axes are scaled by the batch size n as the derivation has it, so that batch sizes fall together.

    Args:
        simulated: dict from n to (ratios (k,), values (2, k)): variance ratios, and the absolute and
            the debiased penalty there.
        fits: dict from n to two smooth functions of the ratio, through the one and the other.
        derived: n (r - 1) at which the absolute penalty is smallest.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.7))
    reach = 7  # of n (r - 1), to both sides
    shades = plt.get_cmap("viridis")(np.linspace(0.0, 0.85, len(simulated)))
    for shade, (n, (ratios, values)) in zip(shades, simulated.items(), strict=True):
        fine = np.linspace(max(ratios[0], 1 - reach / n), min(ratios[-1], 1 + reach / n), 101)
        for axis, points, curve, power in zip(axes, values, fits[n], (1.5, 2), strict=True):
            axis.plot(n * (fine - 1), n**power * (curve(fine) - curve(1)), color=shade, label=f"batch of {n}")
            near = np.abs(ratios - 1) < reach / n
            axis.plot(n * (ratios - 1)[near], n**power * (points - curve(1))[near], "o", ms=4, color=shade)
    axes[0].axvline(derived, color=COLOURS["floor"], ls=":", label="derived minimum")
    axes[1].axvline(0, color=COLOURS["floor"], ls=":", label="derived minimum")
    for axis, name, power in zip(axes, ("absolute", "debiased squared"), ("3/2", "2"), strict=True):
        axis.set(xlim=(-reach, reach), xlabel="n (r − 1)", title=f"{name} gaps")
        axis.set_ylabel(f"n$^{{{power}}}$ × (penalty − that at r = 1)")
    axes[0].legend(fontsize=9)
    return figure


def ratios_by_batch(runs, estimates, derived):
    """Figure of the variance ratio of trained generators against the batch size, every run a point.

    Args:
        runs: DataFrame with batch_size, arm (moments or debiased) and variance_ratio.
        estimates: dict from (arm, batch_size) to the `statistics.Estimate` of the mean ratio.
        derived: function from a batch size to the ratio at which the absolute gap is smallest.
    """
    figure, axis = plt.subplots(figsize=(7.5, 4))
    sizes = np.array(sorted(runs["batch_size"].unique()))
    fine = np.geomspace(sizes[0], sizes[-1], 100)
    axis.plot(fine, [derived(n) for n in fine], color=COLOURS["floor"], label="derived, absolute gap")
    axis.axhline(1, color=COLOURS["author"], lw=1, label="derived, debiased gap")
    for arm, shift, marker in (("moments", 0.95, "o"), ("debiased", 1.05, "s")):
        chosen = runs[runs["arm"] == arm]
        axis.plot(shift * chosen["batch_size"], chosen["variance_ratio"], marker, ms=4, alpha=0.4, color=COLOURS[arm])
        found = [estimates[arm, n] for n in sizes]
        means = np.array([e.value for e in found])
        reach = np.abs(np.array([[e.low for e in found], [e.high for e in found]]) - means)
        axis.errorbar(shift * 1.02 * sizes, means, reach, fmt=marker, ms=7, mfc="white", color=COLOURS[arm],
                      label=f"trained, {'absolute' if arm == 'moments' else arm} gap: mean, 95 % interval")  # fmt: skip
    axis.set(xscale="log", xlabel="batch size", ylabel="generated variance / real variance")
    axis.set_xticks(sizes, labels=[str(size) for size in sizes])
    axis.minorticks_off()
    axis.legend(fontsize=9)
    return figure


def adam_map(rates, weights, distances):
    """Figure of where Adam ends in the Dirac-GAN, for each learning rate and weight.

    Args:
        rates, weights: float arrays (k,) of the grid.
        distances: float array (weights, rates), the distance from equilibrium at the end; the start is 1.
    """
    figure, axis = plt.subplots(figsize=(7.5, 4))
    mesh = axis.pcolormesh(weights, rates, np.log10(distances).T, cmap="cividis", vmin=-3, vmax=1, shading="nearest")
    smooth_distances = ndimage.median_filter(distances.T, 5)  # else each lone setting gets a ring of its own
    lines = axis.contour(weights, rates, smooth_distances, levels=[0.01, 0.1, 1.0], colors="white", linewidths=1.5)
    axis.clabel(lines, fmt="ends at %g", fontsize=9, manual=[(1.3, 0.006), (0.9, 0.02), (0.5, 0.1)])
    axis.set(yscale="log", xlabel="weight λ of the penalty", ylabel="learning rate h", ylim=(rates[0], rates[-1]),
             title="Adam, alternating updates: mean distance, last 500 of 30,000 steps")  # fmt: skip
    figure.colorbar(mesh, ax=axis, label="log10 of the distance")
    return figure


def scores(runs, floor):
    """Figure of two metrics of the last generator, both arms in each test, and their floor.

    Args:
        runs: DataFrame as `study.load_runs` returns it, one run a test and arm.
        floor: dict as `metrics.floor` returns it.
    """
    panels = {"frechet_distance": "Fréchet distance (lower is better)", "label_entropy": "label entropy (nats)"}
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.4))
    for axis, (name, title) in zip(axes, panels.items(), strict=True):
        for offset, (arm, hatch) in zip((-0.2, 0.2), {"plain": "//", "moments": None}.items(), strict=True):
            chosen = runs[runs["arm"] == arm].sort_values("test")
            bars = axis.bar(chosen["test"] + offset, chosen[name], 0.38, color=COLOURS[arm], label=LABELS[arm],
                            hatch=hatch, edgecolor="white")  # fmt: skip
            axis.bar_label(bars, fmt="{:.0f}" if name == "frechet_distance" else "{:.2f}", fontsize=9)
        axis.axhline(floor[name], color=COLOURS["floor"], ls=":", lw=2, label="real training images")
        ticks = {1: "test 1\n0.01", 2: "test 2\n0.001", 3: "test 3\n0.0001"}
        axis.set_xticks(list(ticks), ticks.values())
        axis.set_title(title)
        axis.grid(axis="x", visible=False)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


# Parts of a whole, in the order of Okabe and Ito; the hatch tells them apart without colour.
PARTS = ("#0072B2", "#56B4E9", "#009E73", "#F0E442", "#E69F00", "#BBBBBB")
HATCHES = ("", "//", "", "\\\\", "", "..")


def bench(found):
    """Figure of a measurement: time per step in each way, where ours goes, and batch sizes.

    Args:
        found: dict as `bench.bench` returns it.
    """
    figure, axes = plt.subplots(1, 3, figsize=(13.5, 3.8), width_ratios=(1.4, 1.25, 1))
    _draw_ways(axes[0], found)
    _draw_parts(axes[1], found["parts_ms"])
    rows = found["scaling"]
    axes[2].plot([row["batch_size"] for row in rows], [row["images_per_second"] for row in rows], "o-",
                 color=COLOURS["moments"], lw=2)  # fmt: skip
    axes[2].set(xscale="log", xlabel="batch size", title="ours: images per second", ylim=(0, None))
    axes[2].set_xticks([row["batch_size"] for row in rows], labels=[str(row["batch_size"]) for row in rows])
    axes[2].minorticks_off()
    return figure


def _draw_ways(axis, found):
    ways = found["step_ms"]
    medians = np.array([ms["median"] for ms in ways.values()])
    ends = np.array([[ms["low"] for ms in ways.values()], [ms["high"] for ms in ways.values()]])
    colours = [COLOURS["moments"], *[COLOURS["author"]] * (len(ways) - 1)]
    bars = axis.bar(
        [way.replace(" ", "\n") for way in ways], medians, 0.6, yerr=np.abs(ends - medians), capsize=4, color=colours
    )
    axis.bar_label(bars, fmt="{:.0f}", padding=2, weight="bold")
    axis.axhline(found["limit_ms"], color=COLOURS["floor"], ls=":", lw=2, label=f"limit: {found['limit_ms']:.0f} ms")
    axis.set_title(f"ms per step, batch {found['batch_size']}")
    axis.legend(loc="upper left")
    axis.set_ylim(0, 1.25 * ends.max())
    axis.grid(axis="x", visible=False)


def _draw_parts(axis, parts):
    """Stacked bar of the parts of a step; what is below zero is named but not drawn."""
    left = 0.0
    for (name, ms), colour, hatch in zip(parts.items(), PARTS, HATCHES, strict=True):
        width = max(ms, 0.0)
        axis.barh(0, width, 0.5, left=left, color=colour, hatch=hatch, edgecolor="white", label=f"{name}: {ms:.0f}")
        left += width
    axis.set(ylim=(-0.4, 2.2), xlabel="ms", title="where ours goes, parts timed alone (ms)", yticks=[])
    axis.legend(loc="upper left", fontsize=9)
    axis.grid(axis="y", visible=False)
