"""What the recorded runs say together: each number with its interval and its n, no run dropped.

The tables take what `tables` loads. Cells that rest on several runs are `intervals.Estimate`; `as_text`
makes a table ready to print.
"""

import numpy as np
import pandas as pd

from study import intervals, tables
from study.intervals import Estimate
from study.settings import RECORDED, ROOT

FIRST_POST_LOG = ROOT / "data" / "author_feed_forward.csv"
COLLAPSED_BELOW = 1.0  # nats of label entropy, fixed before the runs; ten digits in equal shares have 2.30


def collapsed(runs):
    """Whether each run has collapsed: it failed, or its last label entropy is below 1.0 nats.

    Args:
        runs: DataFrame as `tables.load_runs` returns it.

    Returns:
        A boolean Series, one entry a run.
    """
    return (runs["status"] == "failed") | (runs["label_entropy"] < COLLAPSED_BELOW)


def bands(frames):
    """The course of each arm's Fréchet distance over training: geometric mean over seeds, with its interval.

    Args:
        frames: DataFrame as `tables.load_frames` returns it, of one profile. A run that has failed by a step
            counts with the worst distance of that test.

    Returns:
        A DataFrame indexed by test, arm and step, with value, low, high and n.
    """
    table = frames.pivot(index=["test", "arm", "seed"], columns="step", values="frechet_distance")
    table = table.groupby("test").transform(lambda column: column.fillna(column.max()))
    rows = {}
    for (test, arm), group in table.groupby(["test", "arm"]):
        for step in group:
            found = intervals.geometric_mean(group[step])
            rows[test, arm, step] = {"value": found.value, "low": found.low, "high": found.high, "n": found.n}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["test", "arm", "step"])


def author_within_bands(author, record):
    """Do the author's logged losses lie where our run's batches of the same epoch lie?

    Args:
        author: rows of one arm of `data.load_author_log`.
        record: `records.Record` of the same arm, as many epochs.

    Returns:
        A DataFrame, one row an epoch and quantity: epoch, name, author, low and high (they hold 95 % of our
        batches of the epoch), inside. The quantities are the two losses and the two gaps with the author's weight.
    """
    gap_weight = author["moment_weight"].iloc[0]
    weights = {"discriminator_loss": 1, "generator_loss": 1, "mean_gap": gap_weight, "variance_gap": gap_weight}
    rows = []
    for name, weight in weights.items():
        column = f"weighted_{name}" if name.endswith("gap") else name
        batches = weight * record.steps[name].reshape(record.config["epochs"], -1)
        for epoch, value in zip(author["epoch"], author[column], strict=True):
            low, high = np.quantile(batches[epoch - 1], [0.025, 0.975])
            rows.append((epoch, name, value, low, high, bool(low <= value <= high)))
    return pd.DataFrame(rows, columns=["epoch", "name", "author", "low", "high", "inside"]).dropna()


def first_post_table(results=RECORDED):
    """`first_post_levels` of each arm that the author logged: a DataFrame indexed by network, arm and quantity."""
    log, epochs = pd.read_csv(FIRST_POST_LOG), tables.load_epochs(results, ["first-post"])
    found = {}
    for (generator, weight), rows in log.groupby(["generator", "moment_weight"], sort=False):
        network = "dense-2-bn" if "normalisation" in generator else "dense-2"
        ours = epochs[(epochs["network"] == network) & (epochs["moment_weight"] == weight)]
        found[network, ours["arm"].iloc[0]] = first_post_levels(rows, ours)
    return pd.concat(found, names=["network", "arm"]).sort_index(level=[0, 1], sort_remaining=False)


def first_post_levels(log, epochs):
    """Do the losses and gaps of the first post's author lie where ours do, from epoch 50 on?

    Args:
        log: rows of one of his arms, from data/author_feed_forward.csv, each of an epoch's last batch.
        epochs: rows of `tables.load_epochs` of the same network and arm, several seeds.

    Returns:
        A DataFrame indexed by quantity: author, ours (`Estimate` of the mean over seeds) and ratio (ours to his). The
        generator's loss is without the penalty, and the gaps have their weight, as he logged them.
    """
    ours = epochs[epochs["epoch"] >= 50]
    weight = ours["moment_weight"]
    gaps = {f"weighted_{name}": weight * ours[name] for name in ("mean_gap", "variance_gap")}
    ours = ours.assign(**gaps, generator_loss_without_penalty=ours["generator_loss"] - sum(gaps.values()))
    rows = {}
    for name in ("discriminator_loss", "generator_loss_without_penalty", *gaps):
        level = log.loc[log["epoch"] >= 50, name].mean()
        if np.isfinite(level):  # he logged no gaps of plain arms
            found = intervals.estimate(ours.groupby("seed")[name].mean())
            rows[name] = {"author": level, "ours": found, "ratio": found.value / level}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("quantity")


def as_text(table, form=".1f", **forms):
    """A table ready to print: estimates with their intervals, p-values with three digits.

    Args:
        table: DataFrame of numbers, texts and `Estimate`s, such as of `first_post_table`.
        form: of an estimate's numbers.
        forms: of the numbers of a column.
    """

    def cell(value, column):
        if isinstance(value, Estimate):
            return value.text(forms.get(column, form))
        if isinstance(value, float):
            return "–" if np.isnan(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"
        return str(value)

    return pd.DataFrame({name: [cell(value, name) for value in table[name]] for name in table}, index=table.index)
