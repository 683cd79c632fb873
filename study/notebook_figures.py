"""Figures that one notebook each draws (07, 08, 10 and 12)."""

from helpers import plots
import matplotlib
import numpy as np
from scipy import ndimage

from study.figures import RATES

TERM_LINES = {**plots.LINES, "mean": ":", "variance": "-."}
TERM_LINES |= {"early": (0, (8, 2)), "late": (0, (3, 1, 1, 1, 1, 1))}
TERM_LABELS = {**plots.LABELS, "mean": "mean term only", "variance": "variance term only"}
TERM_LABELS |= {"early": "both terms up to step 100", "late": "both terms from step 100 on"}


@plots.styled
def floor_scaling(sizes, measured, errors, exact, gaussian):
    """Figure of both gaps of two real batches against the batch size.

    Args:
        sizes: batch sizes (k,).
        measured, errors: float arrays (k, 2), mean and variance gap and their standard errors.
        exact, gaussian: float arrays (k, 2), derived.
    """
    figure, axes = plots.subplots(1, 2, figsize=(9.5, 3.6), sharey=True)
    for column, (axis, name) in enumerate(zip(axes, ("mean", "variance"), strict=True)):
        axis.loglog(sizes, exact[:, column], color=plots.COLOURS["floor"], label="exact")
        axis.loglog(sizes, gaussian[:, column], ":", color="black", label="Gaussian approximation")
        axis.errorbar(sizes, measured[:, column], 2 * errors[:, column], fmt="o", ms=5, mfc="white",
                      color=plots.COLOURS["moments"], label="measured, ± 2 standard errors")  # fmt: skip
        axis.set(xlabel="batch size", title=f"{name} gap of two real batches")
    axes[0].set_ylabel("summed over 784 pixels")
    axes[0].legend(fontsize=9)
    return figure


@plots.styled
def gaps_beside_floor(pairs, floor, author):
    """Figure of the weighted gaps of all arms over the epochs, their floor and the author's points.

    Args:
        pairs: dict from test number to (plain, moments), each a `records.Record`.
        floor: the mean and the variance gap of two real batches, times the weight of the pairs.
        author: the rows with moments of `data.load_author_log`, drawn in the last column.
    """
    figure, axes = plots.subplots(2, len(pairs), figsize=(10.5, 5.6), sharex=True, sharey="row", squeeze=False)
    for row, name in enumerate(("mean_gap", "variance_gap")):
        for axis, (test, pair) in zip(axes[row], pairs.items(), strict=True):
            for arm, record in zip(plots.LINES, pair, strict=True):
                curve = pair[1].moment_weight * record.steps[name].reshape(len(record.epochs), -1).mean(axis=1)
                axis.plot(
                    record.epochs["epoch"], curve, plots.LINES[arm], color=plots.COLOURS[arm], label=plots.LABELS[arm]
                )
            axis.axhline(floor[row], color=plots.COLOURS["floor"], ls=":", label="floor (exact)")
            axis.set(yscale="log", title=f"test {test}" if row == 0 else "", xlabel="epoch" if row else "")
        axis.plot(author["epoch"], author[f"weighted_{name}"], "o", ms=4, mfc="white", color=plots.COLOURS["author"],
                  label="author (one batch an epoch)")  # fmt: skip
        axes[row, 0].set_ylabel(f"{pair[1].moment_weight:g} × {name.replace('_', ' ')}")
        axes[row, 0].set_yticks([3, 5, 10, 20], labels=["3", "5", "10", "20"])
        axes[row, 0].minorticks_off()
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


@plots.styled
def two_gradients(steps):
    """Figure of the penalty's gradient beside the adversarial one: angle and size, for each test and arm.

    Args:
        steps: DataFrame as the first of `gradients.load`, with the arms plain and moments.
    """
    steps = steps.assign(ratio=steps["penalty_norm"] / steps["adversarial_norm"])
    figure, axes = plots.subplots(2, 3, figsize=(10.5, 5.4), sharex=True, sharey="row")
    for (test, arm), runs in steps[steps["arm"].isin(["plain", "moments"])].groupby(["test", "arm"]):
        for axis, name in zip(axes[:, test - 1], ("penalty_cosine", "ratio"), strict=True):
            _draw_seeds(axis, runs, name, arm)
        axes[0, test - 1].set_title(f"test {test}, learning rate {RATES[test]}")
        axes[1, test - 1].set(xlabel="step", yscale="log")
    axes[0, 0].set_ylabel("cosine of the two gradients")
    axes[1, 0].set_ylabel("size: penalty / adversarial")
    for row, level in zip(axes, (0, 1), strict=True):
        for axis in row:
            axis.axhline(level, color=plots.COLOURS["author"], lw=1)
    figure.legend(*axes[0, 2].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def _draw_seeds(axis, runs, name, arm):
    """One faint line a seed, and their mean."""
    for _, run in runs.groupby("seed"):
        axis.plot(run["step"], run[name], color=plots.COLOURS[arm], lw=0.8, alpha=0.35)
    mean = runs.groupby("step")[name].mean()
    axis.plot(mean.index, mean, ls=TERM_LINES[arm], color=plots.COLOURS[arm], lw=2, label=TERM_LABELS[arm])


@plots.styled
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
    figure, axes = plots.subplots(1, 3, figsize=(11.5, 4.4), sharex=True)
    for axis, (name, title) in zip(axes, panels.items(), strict=True):
        for arm in arms:
            _draw_seeds(axis, steps[steps["arm"] == arm], name, arm)
        axis.set_title(title, fontsize=11)
        axis.set_xlabel("step")
        if name != "spread":
            axis.axhline(0, color=plots.COLOURS["author"], lw=1)
        if mark is not None:
            axis.axvline(mark, color=plots.COLOURS["author"], ls=":")
    axes[0].set_yscale("log")
    axes[0].set_yticks([0.02, 0.05, 0.1, 0.2, 0.4], labels=["0.02", "0.05", "0.1", "0.2", "0.4"])
    axes[0].minorticks_off()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


@plots.styled
def well_and_pull(fine, well, pull, shifts, seen):
    """Figure of what noise makes of an absolute gap: its mean value and its mean gradient.

    Args:
        fine: float array (k,), true differences in units of the noise's standard deviation.
        well, pull: float arrays (k,), derived: mean absolute gap, in the same units, and mean gradient.
        shifts, seen: float arrays (m,), differences that were tried and the mean gradients measured there.
    """
    figure, axes = plots.subplots(1, 2, figsize=(9.5, 3.4))
    axes[0].plot(fine, np.abs(fine), ":", color="black", label="without noise: |Δ|")
    axes[0].plot(fine, well, color=plots.COLOURS["floor"], label="mean of |Δ + sZ|")
    axes[0].set(ylabel="gap, in units of s", title="A corner becomes a well")
    axes[1].step(fine, np.sign(fine), ":", color="black", label="without noise: sign Δ")
    axes[1].plot(fine, pull, color=plots.COLOURS["floor"], label="erf(Δ / s√2)")
    axes[1].plot(shifts, seen, "o", mfc="white", color=plots.COLOURS["moments"], label="measured on one pixel")
    axes[1].set(ylabel="mean gradient", title="What is left of the pull")
    for axis in axes:
        axis.set(xlabel="true difference Δ, in units of s")
        axis.legend(fontsize=9)
    return figure


@plots.styled
def squeezed(simulated, fits, derived):
    """Figure of two penalties of real batches against others that are squeezed towards the mean image.

    Both axes are scaled by the batch size n as the derivation has it, so that batch sizes fall together.

    Args:
        simulated: dict from n to (ratios (k,), values (2, k)): variance ratios, and the absolute and
            the debiased penalty there.
        fits: dict from n to two smooth functions of the ratio, through the one and the other.
        derived: n (r - 1) at which the absolute penalty is smallest.
    """
    figure, axes = plots.subplots(1, 2, figsize=(9.5, 3.7))
    reach = 7  # of n (r - 1), to both sides
    shades = matplotlib.colormaps["viridis"](np.linspace(0.0, 0.85, len(simulated)))
    for shade, (n, (ratios, values)) in zip(shades, simulated.items(), strict=True):
        fine = np.linspace(max(ratios[0], 1 - reach / n), min(ratios[-1], 1 + reach / n), 101)
        for axis, points, curve, power in zip(axes, values, fits[n], (1.5, 2), strict=True):
            axis.plot(n * (fine - 1), n**power * (curve(fine) - curve(1)), color=shade, label=f"batch of {n}")
            near = np.abs(ratios - 1) < reach / n
            axis.plot(n * (ratios - 1)[near], n**power * (points - curve(1))[near], "o", ms=4, color=shade)
    axes[0].axvline(derived, color=plots.COLOURS["floor"], ls=":", label="derived minimum")
    axes[1].axvline(0, color=plots.COLOURS["floor"], ls=":", label="derived minimum")
    for axis, name, power in zip(axes, ("absolute", "debiased squared"), ("3/2", "2"), strict=True):
        axis.set(xlim=(-reach, reach), xlabel="n (r − 1)", title=f"{name} gaps")
        axis.set_ylabel(f"n$^{{{power}}}$ × (penalty − that at r = 1)")
    axes[0].legend(fontsize=9)
    return figure


@plots.styled
def ratios_by_batch(runs, estimates, derived):
    """Figure of the variance ratio of trained generators against the batch size, every run a point.

    Args:
        runs: DataFrame with batch_size, arm (moments or debiased) and variance_ratio.
        estimates: dict from (arm, batch_size) to the `statistics.Estimate` of the mean ratio.
        derived: function from a batch size to the ratio at which the absolute gap is smallest.
    """
    figure, axis = plots.subplots(figsize=(7.5, 4))
    sizes = np.array(sorted(runs["batch_size"].unique()))
    fine = np.geomspace(sizes[0], sizes[-1], 100)
    axis.plot(fine, [derived(n) for n in fine], color=plots.COLOURS["floor"], label="derived, absolute gap")
    axis.axhline(1, color=plots.COLOURS["author"], lw=1, label="derived, debiased gap")
    for arm, shift, marker in (("moments", 0.95, "o"), ("debiased", 1.05, "s")):
        chosen = runs[runs["arm"] == arm]
        axis.plot(
            shift * chosen["batch_size"], chosen["variance_ratio"], marker, ms=4, alpha=0.4, color=plots.COLOURS[arm]
        )
        found = [estimates[arm, n] for n in sizes]
        means = np.array([e.value for e in found])
        reach = np.abs(np.array([[e.low for e in found], [e.high for e in found]]) - means)
        axis.errorbar(shift * 1.02 * sizes, means, reach, fmt=marker, ms=7, mfc="white", color=plots.COLOURS[arm],
                      label=f"trained, {'absolute' if arm == 'moments' else arm} gap: mean, 95 % interval")  # fmt: skip
    axis.set(xscale="log", xlabel="batch size", ylabel="generated variance / real variance")
    axis.set_xticks(sizes, labels=[str(size) for size in sizes])
    axis.minorticks_off()
    axis.legend(fontsize=9)
    return figure


@plots.styled
def adam_map(rates, weights, distances):
    """Figure of where Adam ends in the Dirac-GAN, for each learning rate and weight.

    Args:
        rates, weights: float arrays (k,) of the grid.
        distances: float array (weights, rates), the distance from equilibrium at the end; the start is 1.
    """
    figure, axis = plots.subplots(figsize=(7.5, 4))
    mesh = axis.pcolormesh(weights, rates, np.log10(distances).T, cmap="cividis", vmin=-3, vmax=1, shading="nearest")
    smooth_distances = ndimage.median_filter(distances.T, 5)  # else each lone setting gets a ring of its own
    lines = axis.contour(weights, rates, smooth_distances, levels=[0.01, 0.1, 1.0], colors="white", linewidths=1.5)
    axis.clabel(lines, fmt="ends at %g", fontsize=9, manual=[(1.3, 0.006), (0.9, 0.02), (0.5, 0.1)])
    axis.set(yscale="log", xlabel="weight λ of the penalty", ylabel="learning rate h", ylim=(rates[0], rates[-1]),
             title="Adam, alternating updates: mean distance, last 500 of 30,000 steps")  # fmt: skip
    figure.colorbar(mesh, ax=axis, label="log10 of the distance")
    return figure
