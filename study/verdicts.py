"""What the runs say of one claim: its effects by three judges, each with an interval, and a verdict by a fixed rule.

Every function takes a tidy table of runs, one row a run, of networks trained alike: network, learning_rate,
arm, seed, status, frechet_distance (FD), kernel_distance (KID), coverage, label_entropy. A side that is
compared is an arm, or "network/arm" where both are not of the same network. Pairs are of one seed; a seed that
one side lacks so far is waited for. A failed run has the worst scores of its cell (network and rate).

Intervals are 95 % t-intervals, of log ratios for FD and KID, of differences for the rest. An interval
"excludes no effect after Holm" if the p-value of the same t, adjusted over the claim's rates, is below 0.05.
Sources of the rule: docs/hypotheses.md.
"""

import math

import numpy as np
import pandas as pd
from scipy import stats

from study import intervals
from study.evidence import collapsed

CLEAR = 0.05
AS_WELL = (0.9, 1.1)  # ratios within count as none, as in the first edition
HALF_DECADE, AT_MOST = 0.5, 2.0  # what a rate of the grid stands for; times the best median that is still in range

# The scores that decide, by log ratios: of KID these cover better than differences do, which one far-off run rules.
# A KID below real digits' own has no ratio of use, may have no logarithm, and counts as theirs.
DISTANCES = {"FD": "frechet_distance", "KID": "kernel_distance"}
HELD, FELL, UNDECIDED, NO_RUNS = "held", "fell", "undecided", "no runs"


def fill(runs):
    """Give every failed run the worst scores of its cell, or of its rate where nobody of the cell has one.

    NaN is left where nobody has one at that rate.
    """
    filled, rate = runs.copy(), runs["learning_rate"]
    for name in (*DISTANCES.values(), "coverage", "label_entropy"):
        worst = "max" if name in DISTANCES.values() else "min"
        of_cell, of_rate = (runs[name].groupby(by).transform(worst) for by in ([runs["network"], rate], rate))
        filled[name] = runs[name].where(runs["status"] != "failed", of_cell.fillna(of_rate))
    return filled


def side(runs, name, network):
    """The runs of one side, indexed by rate and seed."""
    network, arm = name.split("/") if "/" in name else (network, name)
    found = runs[(runs["network"] == network) & (runs["arm"] == arm)]
    return found.set_index(["learning_rate", "seed"]).sort_index()


def at_rate(runs, name, network, rate):
    """The runs of one side at a learning rate, indexed by seed; none where none is recorded."""
    found = side(runs, name, network)
    return found.loc[rate] if rate in found.index.get_level_values(0) else found.iloc[:0]


def pairs(runs, better, worse, network, rate):
    """Both sides at a rate, seed by seed: two tables with the same index, the seeds that both have."""
    sides = [at_rate(runs, name, network, rate) for name in (better, worse)]
    seeds = sides[0].index.intersection(sides[1].index)
    return [found.loc[seeds] for found in sides]


def verdict(effects):
    """The rule: held if FD and KID both lie clearly below no effect, fell if both lie clearly above.

    Args:
        effects: dict from a judge, "FD" and "KID", to `(Estimate, p)`: a ratio (1 is no effect, below 1 is as
            claimed), and its p-value after Holm; NaN for none.

    Returns:
        `(word, reason)`: the word is held, fell, undecided, or "undecided: n = 1".
    """
    found = [estimate for estimate, _ in effects.values()]
    if found[0].n == 1:
        return f"{UNDECIDED}: n = 1", "one pair decides nothing"
    if any(math.isnan(estimate.value) for estimate in found):
        return UNDECIDED, "every run of the cell failed"
    below = [estimate.value < 1 for estimate in found]
    clear = [p < CLEAR for _, p in effects.values()]  # NaN is not
    if all(clear) and len(set(below)) == 1:
        return (HELD if below[0] else FELL), "FD and KID agree"
    if len(set(below)) > 1:
        return UNDECIDED, "FD and KID disagree in sign" + (", both clearly" if all(clear) else "")
    names = list(effects)
    if any(clear):
        return UNDECIDED, f"{names[clear.index(True)]} excludes no effect, {names[clear.index(False)]} does not"
    return UNDECIDED, "neither FD nor KID excludes no effect"


def verdict_alike(effects):
    """The rule of "as well as": held if both intervals lie within 0.9 and 1.1, fell if both exclude 1 on one side.

    Args and returns: as of `verdict`.
    """
    word, reason = verdict(effects)
    if word.endswith("n = 1") or reason.startswith("every"):
        return word, reason
    within = [AS_WELL[0] <= found.low and found.high <= AS_WELL[1] for found, _ in effects.values()]
    if all(within):
        return HELD, "both within 0.9 and 1.1"
    if word != UNDECIDED:
        return FELL, f"FD and KID agree that it is {'better' if word == HELD else 'worse'}"
    beyond = [name for name, inside in zip(effects, within, strict=True) if not inside]
    return UNDECIDED, f"not within 0.9 and 1.1 by {' and '.join(beyond)}"


def closer(runs, better, worse, network, rates, floor=0.0, rule=verdict):
    """Is one side closer to real digits than another, at each rate?

    Args:
        runs: as the module says.
        better, worse: the sides.
        network: of sides that name none.
        rates: learning rates, the family of Holm's correction.
        floor: KID that real digits have; a lower one counts as it.
        rule: `verdict` or `verdict_alike`.

    Returns:
        A list of dicts, one a rate: rate, n (pairs), waiting (seeds that one side lacks), fd, kid, coverage
        (`Estimate`s, None without pairs), new (the verdict) and why.
    """
    runs = fill(runs)
    logs, rows = {name: {} for name in DISTANCES}, []
    for rate in rates:
        one, other = pairs(runs, better, worse, network, rate)
        for name in DISTANCES:
            logs[name][rate] = _logs(one, other, name, floor)
        rows.append({"rate": f"{rate:g}", **_counted(runs, better, worse, network, rate)})
        if len(one):
            rows[-1]["coverage"] = _mean((one["coverage"] - other["coverage"]).to_numpy())
    return _decided(rows, logs, rule)


def between(runs, better, worse, network, rates, floor=0.0):
    """Is the ratio of two sides lower at one rate than at another? `rates` are pairs of them; else as `closer`."""
    runs = fill(runs)
    logs, rows = {name: {} for name in DISTANCES}, []
    for here, there in rates:
        both = [pairs(runs, better, worse, network, rate) for rate in (here, there)]
        seeds = both[0][0].index.intersection(both[1][0].index)
        for name in DISTANCES:
            first, second = (_logs(one.loc[seeds], other.loc[seeds], name, floor) for one, other in both)
            logs[name][here, there] = first - second
        rows.append({"rate": f"{here:g} against {there:g}", "n": len(seeds), "waiting": 0})
    return _decided(rows, logs, verdict)


def _counted(runs, better, worse, network, rate):
    """n and waiting of a row."""
    seeds = [set(at_rate(runs, name, network, rate).index) for name in (better, worse)]
    return {"n": len(seeds[0] & seeds[1]), "waiting": len(seeds[0] ^ seeds[1])}


def _logs(one, other, name, floor):
    floor = floor if name == "KID" else 0.0
    scores = (found[DISTANCES[name]].clip(lower=floor).to_numpy() for found in (one, other))
    return np.log(next(scores)) - np.log(next(scores))


def _decided(rows, logs, rule):
    """Rows with their distances and verdicts, from log ratios by judge and rate."""
    adjusted = {name: holm_of_known([p_value(x) for x in by_rate.values()]) for name, by_rate in logs.items()}
    for place, row in enumerate(rows):
        if not row["n"]:
            row |= {"new": NO_RUNS, "why": ""}
            continue
        found = {name: intervals.exponential(_mean(list(logs[name].values())[place])) for name in logs}
        effects = {name: (found[name], adjusted[name][place]) for name in found}
        word, reason = rule(effects)
        row |= {**{name.lower(): estimate for name, estimate in found.items()}, "new": word, "why": reason}
        if row["n"] > 1:
            row["why"] += f"; {' and '.join(_p_text(p) for _, p in effects.values())} after Holm"
    return rows


def _p_text(p):
    return "no p" if math.isnan(p) else f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"


def _mean(differences):
    """`intervals.estimate`, and for one pair, or none that is finite, the mean alone."""
    if len(differences) < 2 or not np.isfinite(differences).all():
        return intervals.alone(np.mean(differences), len(differences))
    return intervals.estimate(differences)


def p_value(differences):
    """`intervals.t_test`; NaN where there is none: fewer than two pairs, or one without a score."""
    known = len(differences) > 1 and np.isfinite(differences).all()
    return intervals.t_test(differences) if known else math.nan


def holm_of_known(p_values):
    """`intervals.holm` of the p-values that there are: float array (k,), NaN where none was."""
    adjusted = np.array(p_values, dtype=float)
    known = ~np.isnan(adjusted)
    adjusted[known] = intervals.holm(adjusted[known])
    return adjusted


def collapse(runs, better, worse, network, rates):
    """Do fewer runs of one side collapse? At each rate, and over all rates together.

    Returns:
        A list of dicts as of `closer`, with other (both shares with exact intervals) and p in place of the judges.
        A rate is decided by McNemar's exact test of its pairs, after Holm; all rates together by the sign flips
        of the seeds, each of which is one cluster: its runs at several rates are one number.
    """
    flagged = runs.assign(collapsed=collapsed(runs).astype(int))
    rows, changes, p_values = [], [], []
    for rate in rates:
        one, other = pairs(flagged, better, worse, network, rate)
        change = one["collapsed"] - other["collapsed"]
        changes.append(change)
        fewer, more = int((change < 0).sum()), int((change > 0).sum())
        p_values.append(stats.binomtest(fewer, fewer + more).pvalue if fewer + more else 1.0 if len(one) else math.nan)
        text = _both(*(_share(found["collapsed"]) for found in (other, one)))
        counted = _counted(runs, better, worse, network, rate)
        rows.append({"rate": f"{rate:g}", **counted, "other": text, "change": change.sum()})
    for row, p in zip(rows, holm_of_known(p_values), strict=True):
        _by_p(row, p)
    every = len(rates) > 1 and all(map(len, changes))  # a class may have runs at some rates alone
    together = pd.concat(changes, axis=1).dropna() if every else ()
    if len(together) > 1:
        sums = together.sum(axis=1).to_numpy()
        row = {"rate": "all rates, by seed", "n": len(together), "waiting": 0, "change": sums.sum()}
        fewer, more = (int((sign * together > 0).sum().sum()) for sign in (-1, 1))
        row["other"] = f"of {together.size} pairs {fewer} escape and {more} fall"
        rows.append(_by_p(row, intervals.sign_flip(sums)))
    return rows


def _both(worse, better):
    """Two texts with an arrow between; empty where there are no pairs."""
    return f"{worse} → {better}" if worse else ""


def _share(flags):
    return f"{intervals.rate(flags.sum(), len(flags)).text()}" if len(flags) else ""


def _by_p(row, p):
    """Write the verdict of a single p-value into a row and return it; `change` below 0 is as claimed."""
    change, n = row.pop("change"), row["n"]
    if not n:
        return _write(row, NO_RUNS, "")
    word = UNDECIDED if not p < CLEAR else HELD if change < 0 else FELL
    if n == 1:
        return _write(row, f"{UNDECIDED}: n = 1", "one pair decides nothing")
    return _write(row, word, "nothing to compare" if math.isnan(p) else _p_text(p))


def _write(row, word, reason):
    row |= {"new": word, "why": reason}
    return row


def kept_open(runs, better, network, rates):
    """Do most runs of a side escape collapse? Held if the exact interval of the share lies below 1/2, fell if above."""
    rows = []
    for rate in rates:
        found = at_rate(runs, better, network, rate)
        row = {"rate": f"{rate:g}", "n": len(found), "waiting": 0, "new": NO_RUNS, "why": ""}
        if len(found):
            share = intervals.rate(collapsed(found).sum(), len(found))
            row["other"] = f"collapsed {share.text()}"
            row["new"] = HELD if share.high < 0.5 else FELL if share.low > 0.5 else UNDECIDED
            row["why"] = "the interval of the share " + ("holds 1/2" if row["new"] == UNDECIDED else "excludes 1/2")
        rows.append(row)
    return rows


def sooner(runs, better, worse, network, rates):
    """Does one side need fewer epochs to a score? What has not reached it is right-censored.

    Args:
        runs: with the columns reached_at (the epoch; the last one where not reached) and reached; else as of
            `closer`.

    Returns:
        A list of dicts as of `closer`, with other (the median epoch of each side, and the range) in place of the
        judges. A rate is decided by the log-rank test, after Holm.
    """
    rows, p_values = [], []
    for rate in rates:
        one, other = pairs(runs, better, worse, network, rate)
        samples = [(found["reached_at"].to_numpy(), found["reached"].to_numpy(bool)) for found in (one, other)]
        p_values.append(intervals.log_rank(*samples[0], *samples[1]) if len(one) > 1 else math.nan)
        epochs = [np.where(reached, at, np.inf) for at, reached in samples]
        change = np.sum(epochs[0] > epochs[1]) - np.sum(epochs[0] < epochs[1])  # pairs that are later, less earlier
        text = _both(*(_epochs(*sample) for sample in reversed(samples)))
        rows.append({"rate": f"{rate:g}", **_counted(runs, better, worse, network, rate), "other": text})
        rows[-1]["change"] = change
    return [_by_p(row, p) for row, p in zip(rows, holm_of_known(p_values), strict=True)]


def _epochs(at, reached):
    """The median epoch and the range, such as "13 (12 to > 20)"; an empty text without runs."""
    order = np.argsort(np.where(reached, at, np.inf))
    text = [f"{at[k]:.0f}" if reached[k] else f"> {at[k]:.0f}" for k in order]
    if len(text) < 2:
        return "".join(text)
    return f"{text[(len(text) - 1) // 2]} ({text[0]} to {text[-1]})"


def span(runs, better, worse, network, rates, cap):
    """Over how wide a range of rates does each side learn, seed by seed?

    Args:
        runs, better, worse, network: as of `closer`.
        rates: the grid, half a decade from one to the next; a seed counts once it has both sides at all of them.
        cap: FD of the untrained generator: a higher one counts as it, as does a failed run.

    Returns:
        A DataFrame indexed by seed: columns (decades, better), (decades, worse), (area, better), (area, worse).
        Decades: half the number of rates at which FD is at most twice the best median over both sides and
        all rates. Area: the mean over the grid of log FD.
    """
    runs, tables = fill(runs), []
    for name in (better, worse):
        found = side(runs, name, network)
        lost = found["status"] == "failed"
        scores = found["frechet_distance"].where(~lost, np.fmax(found["frechet_distance"], cap))
        tables.append(scores.unstack("learning_rate").reindex(columns=list(rates)).dropna())
    seeds = tables[0].index.intersection(tables[1].index)
    tables = [table.loc[seeds] for table in tables]
    best = min(table.median().min() for table in tables)
    measured = {}
    for name, table in zip(("better", "worse"), tables, strict=True):
        measured["decades", name] = HALF_DECADE * (table <= AT_MOST * best).sum(axis=1)
        measured["area", name] = np.log(table.clip(upper=cap)).mean(axis=1)
    return pd.DataFrame(measured).sort_index(axis=1, ascending=False)


def wider(runs, better, worse, network, rates, cap):
    """Is the range of rates of one side the wider, by the decades and by the area of `span`?

    Returns:
        One dict in a list, as of `closer`, with other (both differences) in place of the judges. Held if the
        area's interval lies below 0, and that of the decades above it or every seed gains the same number of
        them (a count of steps: alike in all seeds it has no interval); fell the other way round.
    """
    measured = span(runs, better, worse, network, rates, cap)
    seeds = {seed for name in (better, worse) for _, seed in side(runs, name, network).index}
    row = {"rate": f"{min(rates):g} to {max(rates):g}", "n": len(measured), "waiting": len(seeds) - len(measured)}
    if not len(measured):
        return [_write(row, NO_RUNS, "")]
    found = [_mean((measured[name, "better"] - measured[name, "worse"]).to_numpy()) for name in ("decades", "area")]
    row["other"] = f"decades {found[0].text('+.2f')}, area {found[1].text('+.2f')}"
    if len(measured) == 1:
        return [_write(row, f"{UNDECIDED}: n = 1", "one pair decides nothing")]
    gain, area = map(_sign, found)
    if not area or math.isnan(found[1].low):
        return [_write(row, UNDECIDED, "the area does not exclude no effect")]
    if gain != -area:
        return [_write(row, UNDECIDED, "the area excludes no effect, the decades do not")]
    return [_write(row, HELD if area < 0 else FELL, "decades and area agree; FD alone, by definition")]


def _sign(found):
    """Where an estimate lies beside 0, with all its interval if it has one: -1, 0 or 1."""
    low, high = (found.value, found.value) if math.isnan(found.low) else (found.low, found.high)
    return int(low > 0) - int(high < 0)
