"""Which hypothesis about the terms survived, by the rule of docs/hypotheses.md, from verdicts and probes."""

import numpy as np
import pandas as pd

from study import claims, evidence, verdicts

SIDE = "mean alone closer than variance alone"
WORDS = {verdicts.HELD: "mean", verdicts.FELL: "variance"}
FIRST_STEPS = 50
ONE_IMAGE = 0.1  # of the variance of real digits, chosen after the runs: below it a collapsed run draws one image

# What each network has to side with, if the hypothesis is true.
EXPECTED = {
    "H1 the generator decides, not the discriminator": {"dense-g-conv-d": "mean", "conv-g-dense-d": "variance"},
    "H2 batch normalisation in the generator decides": {"dcgan-no-bn-g": "mean"},
    "H3 batch normalisation in the discriminator decides": {"dcgan-no-bn-d": "mean"},
    "H4 batch normalisation in a dense generator changes nothing": {"dense-2-bn": "mean"},
}


def sides(rows):
    """Which term does more in each network, by rate.

    Args:
        rows: the verdict table, as `claims.table` returns it.

    Returns:
        A dict from a network to the verdicts of its rates: "mean", "variance" or "undecided".
    """
    found = rows[(rows["claim"] == SIDE) & rows["where"].str.contains("terms-") & (rows["n"] != 0)]
    networks = found["where"].str.split(",").str[0]
    words = found["new"].map(WORDS).fillna(verdicts.UNDECIDED)
    return {network: list(words[networks == network]) for network in dict.fromkeys(networks)}


def terms_table(rows, networks):
    """Each term alone beside none, network by network: the numbers that `claims.which_term` decides by.

    Args:
        rows: the verdict table, as `claims.table` returns it.
        networks: names of networks, in the order of the table.

    Returns:
        A DataFrame of text, indexed by network and rate: of "mean : none" and "variance : none" the ratios FD and KID
        with their intervals, then which term does the work and which does more. Where a network was trained in
        several sets, from the one with the most pairs.
    """
    says = {f"{term} alone closer than none": f"{term} : none" for term in ("mean", "variance")}
    found = rows[rows["claim"].isin(says) & (rows["n"] != 0)]
    found = found.assign(place=found["where"].str.split(":").str[0], term=found["claim"].map(says))
    text = claims.as_text(found).rename(columns={"fd": "FD", "kid": "KID"})
    table = text.pivot(index=["place", "rate"], columns="term", values=["FD", "KID"])
    table = table.swaplevel(axis=1).sort_index(axis=1)
    words = claims.which_term(rows)
    table["", "does the work"], table["", "does more"] = words["works"], words["more"]
    pairs = found.groupby("place")["n"].max().sort_values(kind="stable", ascending=False)
    largest = {place.split(",")[0]: place for place in reversed(pairs.index)}
    table = table.loc[[largest[name] for name in networks]]
    return table.rename(index=lambda name: name.split(",")[0], level=0).rename_axis(["network", "rate"])


def states(runs, networks):
    """How many runs of each network and arm are open, draw one image, or draw images of few labels.

    Args:
        runs: DataFrame as `claims.load` returns it, of the arms to show.
        networks: names of networks, in the order of the table.

    Returns:
        A DataFrame of text, such as "3 few, 2 open", indexed by network and rate, a column an arm. A run is "open" if
        it has not collapsed; else "one" if its pixels vary less than a tenth as much as those of real digits; else
        "few".
    """
    shut = [~evidence.collapsed(runs), runs["variance_ratio"] < ONE_IMAGE]
    runs = runs.assign(state=np.select(shut, ["open", "one"], "few"), rate=runs["learning_rate"].map("{:g}".format))
    cells = ["network", "rate", "arm"]
    # Not value_counts: which of two equal counts it puts first differs from one pandas to the next.
    counts = runs.groupby([*cells, "state"]).size().rename("count").reset_index()
    counts["runs"] = counts["count"].astype(str) + " " + counts["state"]
    return counts.groupby(cells)["runs"].agg(", ".join).unstack().reindex(networks, level=0)


def judge(rows, gradients=None):
    """The verdict on each hypothesis.

    Args:
        rows: the verdict table, as `claims.table` returns it.
        gradients: the steps that `gradients.terms` returns; None without probes.

    Returns:
        A DataFrame indexed by hypothesis: found (what each network sided with, rate by rate) and verdict. A part
        held if a network sided as expected at one rate or both and nowhere the other way, and fell if the other
        way round; a hypothesis held if all its parts did, and fell if one did.
    """
    known, table = sides(rows), {}
    for name, expected in EXPECTED.items():
        parts = [_part(known.get(network, []), term) for network, term in expected.items()]
        found = "; ".join(f"{network}: {', '.join(known.get(network, [])) or 'no runs'}" for network in expected)
        table[name] = {"found": found, "verdict": _together(parts)}
    table["H5 the term with the larger gradient at the weights does the work"] = _by_gradients(known, gradients)
    return pd.DataFrame.from_dict(table, orient="index").rename_axis("hypothesis")


def _part(words, expected):
    if not words:
        return verdicts.NO_RUNS
    other = {"mean": "variance", "variance": "mean"}[expected]
    for_it, against = expected in words, other in words
    return verdicts.UNDECIDED if for_it == against else verdicts.HELD if for_it else verdicts.FELL


def _together(parts):
    if verdicts.FELL in parts:
        return verdicts.FELL
    if verdicts.NO_RUNS in parts:
        return verdicts.NO_RUNS
    return verdicts.HELD if set(parts) == {verdicts.HELD} else verdicts.UNDECIDED


def ratios(gradients):
    """How much larger the mean term's gradient at the generator's weights is than the variance term's.

    Args:
        gradients: the steps that `gradients.terms` returns, of plain runs among others.

    Returns:
        A DataFrame indexed by network and learning_rate: at_start and first_steps, the geometric mean over seeds of
        the ratio of norms before training and (the median) over the first 50 steps of the plain runs, and n.
    """
    plain = gradients[gradients["arm"] == "plain"]
    plain = plain.assign(log=np.log(plain["mean_norm"] / plain["variance_norm"]))
    places = ["network", "learning_rate"]
    start = plain[plain["step"] == 0].groupby([*places, "seed"])["log"].mean()
    first = plain[plain["step"].between(1, FIRST_STEPS)].groupby([*places, "seed"])["log"].median()
    table = pd.DataFrame({"at_start": start, "first_steps": first})
    means = np.exp(table.groupby(places).mean())
    return means.assign(n=table.groupby(places).size())


def _by_gradients(known, gradients):
    if gradients is None:
        return {"found": "no probes", "verdict": verdicts.NO_RUNS}
    table = ratios(gradients)
    parts, found = [], []
    for network in dict.fromkeys(table.index.get_level_values("network")):
        larger = set(
            np.where(table.loc[network, ["at_start", "first_steps"]].to_numpy().ravel() > 1, "mean", "variance")
        )
        values = ", ".join(f"{value:.2f}" for value in table.loc[network, "first_steps"])
        found.append(f"{network}: {values}, {', '.join(known.get(network, [])) or 'no runs'}")
        parts.append(_part(known.get(network, []), larger.pop()) if len(larger) == 1 else verdicts.UNDECIDED)
    return {"found": "; ".join(found), "verdict": _together(parts)}
