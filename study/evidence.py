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
THRESHOLDS = (300, 250, 200)  # Fréchet distances to fall below; images of noise are beyond 300


def collapsed(runs):
    """Whether each run has collapsed: it failed, or its last label entropy is below 1.0 nats.

    Args:
        runs: DataFrame as `tables.load_runs` returns it.

    Returns:
        A boolean Series, one entry a run.
    """
    return (runs["status"] == "failed") | (runs["label_entropy"] < COLLAPSED_BELOW)


def arms(runs, score="frechet_distance"):
    """What each arm reached in each test.

    Args:
        runs: DataFrame as `tables.load_runs` returns it, of one profile, two seeds or more an arm.
        score: column where lower is better; a failed run has the worst score of its test.

    Returns:
        A DataFrame indexed by test and arm: n, failed (a count), mean (`Estimate` of the score's
        geometric mean, with its interval), iqm and median (`Estimate` of the score, without one:
        none covers at n = 10), collapsed (`Estimate` of the rate, its interval exact), digits (the
        same as iqm, of the digits covered, 0 for a failed run).
    """
    runs = _with_filled(runs, score)
    rows = {}
    for key, group in runs.groupby(["test", "arm"]):
        rows[key] = {
            "n": len(group),
            "failed": int((group["status"] == "failed").sum()),
            "mean": intervals.geometric_mean(group["filled"]),
            "iqm": intervals.alone(intervals.iqm(group["filled"]), len(group)),
            "median": intervals.alone(group["filled"].median(), len(group)),
            "collapsed": intervals.rate(collapsed(group).sum(), len(group)),
            "digits": intervals.alone(intervals.iqm(group["digits_covered"].fillna(0)), len(group)),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["test", "arm"]).sort_index()


def contrasts(runs, better="moments", worse="plain", score="frechet_distance"):
    """How two arms compare in each test, seed by seed.

    Args:
        runs: as for `arms`; each seed of one arm must be there in the other.
        better, worse: the two arms.
        score: column of numbers > 0 where lower is better.

    Returns:
        A DataFrame indexed by test: pairs (a count), lower (pairs in which `better` scores lower),
        ratio (`Estimate` of better / worse, the geometric mean over pairs), p (two-sided sign-flip
        test of the log-ratios), p_holm (the same, adjusted for looking at all tests), improvement
        (`Estimate`: the probability that a run of `better` scores below one of `worse`).

    Raises:
        ValueError: a seed without its partner.
    """
    rows = {}
    for test, pairs in _pairs(runs, better, worse, score).items():
        logs = np.log(pairs[better] / pairs[worse]).to_numpy()
        rows[test] = {
            "pairs": len(pairs),
            "lower": int((logs < 0).sum()),
            "ratio": intervals.ratio(pairs[better], pairs[worse]),
            "p": intervals.sign_flip(logs),
            "improvement": intervals.probability_of_improvement(pairs[better], pairs[worse]),
        }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("test").sort_index()
    table.insert(4, "p_holm", intervals.holm(table["p"]))
    return table


def variants(runs, score="frechet_distance"):
    """What each penalty reached in each test, beside the plain arm and the study's own, seed by seed.

    Args:
        runs: DataFrame as `tables.load_runs` returns it, with the same seeds, two or more, in the
            arms of a test; plain and moments must be among them.
        score: column of numbers > 0 where lower is better; a failed run has the worst of its test.

    Returns:
        A DataFrame indexed by test and arm: n, failed (a count), collapsed (how many of them, as
        "2/5"), rate (`Estimate` of that share, exact interval), entropy (`Estimate` of the mean
        label entropy, 0 for a failed run), score (`Estimate` of the geometric mean), to_plain and
        to_moments (`Estimate` of the ratio of scores, the geometric mean over pairs).

    Raises:
        ValueError: a seed without its partner.
    """
    rows = {}
    for (test, arm), group in _with_filled(runs, score).groupby(["test", "arm"]):
        count = int(collapsed(group).sum())
        rows[test, arm] = {
            "n": len(group),
            "failed": int((group["status"] == "failed").sum()),
            "collapsed": f"{count}/{len(group)}",
            "rate": intervals.rate(count, len(group)),
            "entropy": intervals.estimate([group["label_entropy"].fillna(0)]),
            "score": intervals.geometric_mean(group["filled"]),
        }
        for other in ("plain", "moments"):
            rows[test, arm][f"to_{other}"] = _ratio(runs[runs["test"] == test], arm, other, score)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["test", "arm"]).sort_index()


def _ratio(runs, arm, other, score):
    """`Estimate` of the score of an arm over another's, the geometric mean over the seeds of one test."""
    if arm == other:
        return intervals.alone(1.0, (runs["arm"] == arm).sum())
    (pairs,) = _pairs(runs, arm, other, score).values()
    return intervals.ratio(pairs[arm], pairs[other])


def overall(runs, better="moments", worse="plain", score="frechet_distance"):
    """The ratio of two arms over all tests together, the tests as strata.

    Args:
        runs, better, worse, score: as for `contrasts`.

    Returns:
        An `Estimate`: the geometric mean of the ratios of all pairs, its spread taken within the tests.

    Raises:
        ValueError: a seed without its partner.
    """
    tests = _pairs(runs, better, worse, score).values()
    return intervals.exponential(
        intervals.estimate([np.log(pairs[better] / pairs[worse]).to_numpy() for pairs in tests])
    )


def _pairs(runs, better, worse, score):
    """For each test the scores of both arms side by side, one row a seed; a missing partner is an error."""
    tests = {}
    for test, group in _with_filled(runs[runs["arm"].isin([better, worse])], score).groupby("test"):
        pairs = group.pivot(index="seed", columns="arm", values="filled").reindex(columns=[better, worse])
        if pairs.isna().any(axis=None):
            lonely = ", ".join(str(seed) for seed in pairs.index[pairs.isna().any(axis=1)])
            raise ValueError(f"Test {test}: expected both arms of every seed, found only one of seed {lonely}.")
        tests[test] = pairs
    return tests


def steps_to(frames, runs, thresholds=THRESHOLDS, score="frechet_distance"):
    """When each run first fell below each threshold: what did not is censored, not dropped.

    Args:
        frames: DataFrame as `tables.load_frames` returns it, of one profile.
        runs: its runs, as `tables.load_runs` returns them; a failed run never reaches a threshold
            after it failed, and is followed, as never reaching it, to the last step of the others.
        thresholds: scores to fall below.
        score: column of `frames` where lower is better.

    Returns:
        A DataFrame, one row a run and threshold: name, test, arm, seed, threshold, step, reached.
    """
    last = frames["step"].max()
    curves = dict(list(frames.groupby("name")))
    rows = []
    for run in runs.itertuples():
        curve = curves[run.name].sort_values("step")
        for threshold in thresholds:
            step, reached = intervals.first_below(curve["step"].to_numpy(), curve[score].to_numpy(), threshold)
            rows.append((run.name, run.test, run.arm, run.seed, threshold, int(step if reached else last), reached))
    return pd.DataFrame(rows, columns=["name", "test", "arm", "seed", "threshold", "step", "reached"])


def times_compared(times):
    """Which arm reaches a score sooner, in each test and for each threshold.

    Args:
        times: DataFrame as `steps_to` returns it, with the arms plain and moments.

    Returns:
        A DataFrame indexed by threshold and test: plain and moments, how many runs of the arm
        reached it and the median step ("9/10 at 350", or "3/10 at > 550" where fewer than half
        did), p (log-rank test) and p_holm (adjusted over the tests of a threshold); NaN where no run
        reached the threshold: there is nothing to compare.
    """
    rows = {}
    for key, group in times.groupby(["threshold", "test"]):
        both = {arm: group[group["arm"] == arm] for arm in ("plain", "moments")}
        samples = [(part["step"], part["reached"]) for part in both.values()]
        row = {}
        for arm, part in both.items():
            row[arm] = f"{part['reached'].sum()}/{len(part)} at {_median_step(part)}"
        rows[key] = {**row, "p": intervals.log_rank(*samples[0], *samples[1])}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis(["threshold", "test"])
    table["p_holm"] = table.groupby("threshold")["p"].transform(_holm_of_known)
    return table.sort_index(ascending=[False, True])


def _median_step(part):
    """The step by which half of the runs had reached the threshold, as text."""
    known = np.sort(part["step"].astype(float).where(part["reached"], np.inf))
    middle = known[(len(known) - 1) // 2]
    return f"{middle:.0f}" if np.isfinite(middle) else f"> {part['step'].max()}"


def _holm_of_known(p_values):
    known = p_values.notna()
    adjusted = p_values.copy()
    adjusted[known] = intervals.holm(p_values[known])
    return adjusted


def bands(frames, score="frechet_distance"):
    """The course of each arm over training: geometric mean over seeds, with its interval.

    Args:
        frames: as for `steps_to`.
        score: column of numbers > 0. A run that has failed by a step counts with the worst score
            of that test, where lower is better.

    Returns:
        A DataFrame indexed by test, arm and step, with value, low, high and n.
    """
    table = frames.pivot(index=["test", "arm", "seed"], columns="step", values=score)
    table = table.groupby("test").transform(lambda column: column.fillna(column.max()))
    rows = {}
    for (test, arm), group in table.groupby(["test", "arm"]):
        for step in group:
            found = intervals.geometric_mean(group[step])
            rows[test, arm, step] = {"value": found.value, "low": found.low, "high": found.high, "n": found.n}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["test", "arm", "step"])


def author_within_bands(author, record, level=0.95):
    """Do the author's logged losses lie where our run's batches of the same epoch lie?

    Args:
        author: rows of one arm of `data.load_author_log`.
        record: `records.Record` of the same arm, as many epochs.
        level: share of an epoch's batches that its band holds.

    Returns:
        A DataFrame, one row an epoch and quantity: epoch, name, author, low, high, inside. The
        quantities are the two losses and the two gaps with the author's weight.
    """
    gap_weight = author["moment_weight"].iloc[0]
    weights = {"discriminator_loss": 1, "generator_loss": 1, "mean_gap": gap_weight, "variance_gap": gap_weight}
    tails = [(1 - level) / 2, (1 + level) / 2]
    rows = []
    for name, weight in weights.items():
        column = f"weighted_{name}" if name.endswith("gap") else name
        batches = weight * record.steps[name].reshape(record.config["epochs"], -1)
        for epoch, value in zip(author["epoch"], author[column], strict=True):
            low, high = np.quantile(batches[epoch - 1], tails)
            rows.append((epoch, name, value, low, high, bool(low <= value <= high)))
    return pd.DataFrame(rows, columns=["epoch", "name", "author", "low", "high", "inside"]).dropna()


def first_post_table(results=RECORDED, path=FIRST_POST_LOG):
    """`first_post_levels` of each arm that the author logged: a DataFrame indexed by network, arm and quantity."""
    log, epochs = pd.read_csv(path), tables.load_epochs(results, ["first-post"])
    found = {}
    for (generator, weight), rows in log.groupby(["generator", "moment_weight"], sort=False):
        network = "dense-2-bn" if "normalisation" in generator else "dense-2"
        ours = epochs[(epochs["network"] == network) & (epochs["moment_weight"] == weight)]
        found[network, ours["arm"].iloc[0]] = first_post_levels(rows, ours)
    return pd.concat(found, names=["network", "arm"]).sort_index(level=[0, 1], sort_remaining=False)


def first_post_levels(log, epochs, first=50):
    """Do the losses and gaps of the first post's author lie where ours do, over the later epochs?

    Args:
        log: rows of one of his arms, from data/author_feed_forward.csv, each of an epoch's last batch.
        epochs: rows of `tables.load_epochs` of the same network and arm, several seeds.
        first: the epoch from which on the levels are means.

    Returns:
        A DataFrame indexed by quantity: author, ours (`Estimate` of the mean over seeds) and ratio (ours to his). The
        generator's loss is without the penalty, and the gaps have their weight, as he logged them.
    """
    ours = epochs[epochs["epoch"] >= first]
    weight = ours["moment_weight"]
    gaps = {f"weighted_{name}": weight * ours[name] for name in ("mean_gap", "variance_gap")}
    ours = ours.assign(**gaps, generator_loss_without_penalty=ours["generator_loss"] - sum(gaps.values()))
    rows = {}
    for name in ("discriminator_loss", "generator_loss_without_penalty", *gaps):
        level = log.loc[log["epoch"] >= first, name].mean()
        if np.isfinite(level):  # he logged no gaps of plain arms
            found = intervals.estimate([ours.groupby("seed")[name].mean()])
            rows[name] = {"author": level, "ours": found, "ratio": found.value / level}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("quantity")


def as_text(table, form=".1f", **forms):
    """A table ready to print: estimates with their intervals, p-values with three digits.

    Args:
        table: DataFrame as `arms`, `contrasts` or `times_compared` return it.
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


def _with_filled(runs, score):
    """The runs with a column "filled": the score, and for a failed run the worst of its test."""
    filled = runs.groupby("test")[score].transform(intervals.fill_failures)
    return runs.assign(filled=filled)
