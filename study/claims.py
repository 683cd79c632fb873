"""The verdict table of the whole series: each claim, the numbers that decide it, and what the first edition said.

CLAIMS names what is measured, of which runs; `verdicts` has the rules. What is not recorded yet says "no runs".
"""

from collections.abc import Callable
import csv
from dataclasses import dataclass
from pathlib import Path
import textwrap

import numpy as np
import pandas as pd

from study import landmarks, plans, schema, tables, verdicts
from study.first_edition import SAID
from study.intervals import Estimate
from study.plans import CONV_RATES, DENSE_RATES, STUDIED
from study.settings import RECORDED

REACHED = 100.0  # the Fréchet distance that epochs are counted to
LAST = 5  # epochs that the end is the mean of, where each was judged

SMALLEST = STUDIED[2]
# The same training, recorded apart. The other optimizers were run by JAX: beside them stands the first epoch of longer
# runs, where JAX made those.
ONE_EPOCH = ("lesson", "ablation")
FIRST_EPOCHS = {"full": "first epoch of full", "map-conv": "first epoch of map-conv"}
OTHER_OPTIMIZERS = (*FIRST_EPOCHS.values(), "optimizers")
COLUMNS = ("claim", "where", "rate", "n", "fd", "kid", "coverage", "other", "old", "new", "why")
WIDTH = 120
FORMS = {"fd": ".2f", "kid": ".2f", "coverage": "+.3f"}


@dataclass(frozen=True)
class Claim:
    """What is claimed, and where it is looked for.

    `says` in words; `measure` is the function that judges it; `better` and `worse` are the sides (`verdicts`);
    `profiles` hold the runs; `rates` are one family of Holm's correction; `note` tells why a verdict changed,
    where the runs do not.
    """

    says: str
    measure: Callable | None
    better: str = "moments"
    worse: str = "plain"
    profiles: tuple[str, ...] = ("lesson",)
    network: str = "dcgan"
    rates: tuple = STUDIED
    note: str = ""

    @property
    def where(self):
        """Network, profiles and sides in words."""
        sides = self.better if self.measure is kept_open else f"{self.better} to {self.worse}"
        return f"{self.network}, {' + '.join(self.profiles)}: {sides}"


def closer(runs, claim):
    """`verdicts.closer`, KID from real digits' own upwards."""
    return verdicts.closer(runs, *_sides(claim), floor=_real_kernel_distance(claim))


def alike(runs, claim):
    """`verdicts.closer` by the rule of "as well as"."""
    return verdicts.closer(runs, *_sides(claim), floor=_real_kernel_distance(claim), rule=verdicts.verdict_alike)


def between(runs, claim):
    """`verdicts.between`."""
    return verdicts.between(runs, *_sides(claim), floor=_real_kernel_distance(claim))


def collapse(runs, claim):
    """`verdicts.collapse`."""
    return verdicts.collapse(runs, *_sides(claim))


def kept_open(runs, claim):
    """`verdicts.kept_open`."""
    return verdicts.kept_open(runs, claim.better, claim.network, claim.rates)


def sooner(runs, claim):
    """`verdicts.sooner`."""
    return verdicts.sooner(runs, *_sides(claim))


def wider(runs, claim):
    """`verdicts.wider`, capped by the untrained generator of the claim's network.

    One seed's grid may be of two engines, rate by rate: what is compared is the whole grid of each side.
    """
    runs = runs.assign(seed=runs["seed"].astype(str).str.split().str[0])
    cap = landmarks.load()[landmarks.UNTRAINED.format(claim.network)]["frechet_distance"]
    return verdicts.wider(runs, *_sides(claim), cap=cap)


def _sides(claim):
    return claim.better, claim.worse, claim.network, claim.rates


def _real_kernel_distance(claim):
    path = landmarks.FACES_PATH if claim.profiles == ("faces",) else landmarks.PATH
    return landmarks.load(path)["floor"]["kernel_distance"]


def _terms(profile, networks):
    sides = [("mean", "plain"), ("variance", "plain"), ("mean", "variance")]
    names = {"plain": "none", "variance": "variance alone"}
    return [
        Claim(f"{better} alone closer than {names[worse]}", closer, better, worse, (profile,), network, (1e-3, 1e-4))
        for network in networks
        for better, worse in sides
    ]


def _first_post(networks):
    place = {"profiles": ("first-post",), "rates": (1e-3,)}
    claims = []
    for network in networks:
        claims.append(Claim("closer at epoch 100", closer, network=network, **place))
        claims.append(Claim(f"epochs to FD < {REACHED:g}: fewer", sooner, network=network, **place))
        claims.append(Claim("collapse rarer at epoch 100", collapse, network=network, **place))
    return claims


def _small():
    networks = ("dcgan-w2", "dcgan-w4", "dcgan-w8", "dcgan-g2", "dcgan-g4", "dcgan-g8", "dcgan-no-bn-g")
    place = {"profiles": ("small", "map-conv")}
    claims = [Claim("closer after three epochs", closer, network=network, **place) for network in networks]
    half = Claim("half the width with moments closer than the full width without", closer,
                 "dcgan-w2/moments", "dcgan/plain", **place)  # fmt: skip
    return [*claims, half]


def _optimizers():
    place = {"profiles": OTHER_OPTIMIZERS}
    claims = []
    for name, arm in {"beta_1 0.5": "plain+beta0.5", "two time scales": "plain+rates1:4"}.items():
        claims.append(Claim(f"moments closer than plain with {name}", closer, "moments", arm, **place))
        claims.append(Claim(f"collapse rarer with {name} than plain", collapse, arm, "plain", **place))
    return claims


def _maps():
    dense = {"profiles": ("map-dense",), "network": "dense-2", "rates": DENSE_RATES}
    conv = {"profiles": ("map-conv",), "rates": CONV_RATES}
    claims = [Claim("wider range of rates", wider, **place) for place in (conv, dense)]
    claims.append(Claim("variance alone: wider range of rates than both", wider, "variance", "moments", **conv))
    rivals = {
        "its published setting": ("map-dense", "map-dense-rivals"),
        "a third of its published strength": ("map-dense-third",),
        "three times its published strength": ("map-dense-triple",),
    }
    for setting, sets in rivals.items():
        says = f"wider range of rates than a rival, at {setting}"
        arms = dict.fromkeys(run.arm for name in sets for run in plans.SETS[name].make(0))
        claims += [Claim(says, wider, "moments", arm, **dense) for arm in arms if arm not in ("plain", "moments")]
    return claims


def _weights():
    place = {"profiles": ("weights",), "network": "dense-2"}
    lighter = {"mean": "mean(0.01)+variance(0.1)", "variance": "mean(0.1)+variance(0.01)"}
    says = "both weights 0.1 closer than 0.01 for the {}"
    return [Claim(says.format(name), closer, "moments", arm, **place) for name, arm in lighter.items()]


def faces():
    """The claims about drawn faces (notebook 17)."""
    place = {"profiles": ("faces",), "network": "dcgan-w4"}
    return [
        Claim("faces: closer after 1,000 steps", closer, **place),
        Claim("faces: collapse rarer", collapse, **place),
    ]


def _ablations():
    place = {"profiles": ONE_EPOCH}
    third, lower = {**place, "rates": (SMALLEST,)}, {**place, "rates": (1e-3, SMALLEST)}
    claims = [Claim("variance alone closer than both", closer, "variance", "moments", **third)]
    claims += [Claim(f"{arm} alone closer than none", closer, arm, **place) for arm in ("mean", "variance")]
    claims.append(Claim("mean alone closer than variance alone", closer, "mean", "variance", **place))
    names = {"mean": "mean alone", "placebo": "placebo", "rescaled": "rescaled"}
    claims += [Claim(f"{name} as well as none", alike, arm, **third) for arm, name in names.items()]
    claims += [Claim(f"{arm} alone keeps collapse away", kept_open, arm, **third) for arm in ("early", "late")]
    better = ("debiased", "dataset", "averaged", "features")
    return claims + [Claim(f"{arm} closer than the original", closer, arm, "moments", **lower) for arm in better]


def _three_tests():
    end, largest = {"profiles": ("full",)}, ((SMALLEST, 1e-2), (SMALLEST, 1e-3))
    smallest = ((1e-2, 1e-3), (SMALLEST, 1e-3))
    by_chance = (
        "it rests on the threshold, chosen after the runs: from 220 to 280 it holds, at 180 to 210 and 290 it does not"
    )
    grey = "no measure of crispness: at 0.01 eight of ten pairs are greyer with moments, and nine closer to real digits"
    return [
        Claim("closer after one epoch", closer),
        Claim("FD below 250 in fewer steps", None, note=by_chance),
        Claim(f"epochs to FD < {REACHED:g}: fewer", sooner, **end),
        Claim("closer at the end", closer, **end),
        Claim("effect after one epoch largest at 0.0001", between, rates=largest),
        Claim("effect after one epoch smallest at 0.001", between, rates=smallest),
        Claim("effect at the end largest at 0.0001", between, rates=largest, **end),
        Claim("effect at the end smallest at 0.001", between, rates=smallest, **end),
        Claim("collapse rarer after one epoch", collapse),
        Claim("collapse rarer at the end", collapse, **end),
        Claim("crisper images", None, note=grey),
    ]


CLAIMS = (
    *_three_tests(),
    *_ablations(),
    *_optimizers(),
    *_maps(),
    *_first_post(("dense-2", "dense-2-bn", "dense-4", "dense-4-bn")),
    *_terms("terms-dense", ("dense-2", "dense-2-bn")),
    *_terms("terms-conv", ("dcgan", "dcgan-no-bn-d", "dcgan-no-bn-g", "dense-g-conv-d", "conv-g-dense-d")),
    *_small(),
    *_weights(),
    *faces(),
)


def load(results=RECORDED):
    """All runs, judged at their end, and the epoch in which each reached a Fréchet distance of 100.

    Args:
        results: folder with records in <profile>/<name>/.

    Returns:
        `tables.load_runs`, where the metrics of a run that was judged after each of five epochs or more are the
        means of the last five, with two more columns: reached_at, the first judged epoch below 100 (the last one if
        there is none), and reached, a boolean. The seed is text that names the engine too. Runs of `FIRST_EPOCHS`
        by JAX have another row, of a profile named there, with the metrics after their first epoch.
    """
    rows = tables.load_runs(results).to_dict("records")
    firsts = []
    for row in rows:
        # From one seed TensorFlow and JAX draw other weights: no pair is made across them.
        row["seed"] = f"{row['seed']} {row['engine']}"
        row |= {"reached_at": row["epochs"], "reached": False}
        if row["epochs"] > 1:
            epochs = _epochs(Path(results) / row["profile"] / row["name"])
            if row["profile"] in FIRST_EPOCHS and row["engine"] == "jax" and epochs and int(epochs[0]["epoch"]) == 1:
                first = {name: float(epochs[0][name]) for name in schema.METRICS if name in epochs[0]}
                firsts.append({**row, **first, "profile": FIRST_EPOCHS[row["profile"]], "status": "finished"})
            row |= _over_training(epochs, row)
    return pd.DataFrame(rows + firsts)


def _epochs(folder):
    """The judged epochs of one run. Read without pandas, which takes a second for 300 runs."""
    with (folder / "epochs.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["frechet_distance"]]


def _over_training(epochs, run):
    """What its epochs change in the row of a run."""
    below = [int(row["epoch"]) for row in epochs if float(row["frechet_distance"]) < REACHED]
    found = {"reached_at": below[0], "reached": True} if below else {}
    if run["status"] == "finished" and len(epochs) == run["epochs"] >= LAST:
        names = [name for name in schema.METRICS if name in epochs[0]]
        found |= {name: float(np.mean([float(row[name]) for row in epochs[-LAST:]])) for name in names}
    return found


def pool(runs, profiles):
    """The runs of some profiles; of one recorded in several, the first of them."""
    runs = runs[runs["profile"].isin(profiles)]
    order = runs["profile"].map({name: place for place, name in enumerate(profiles)})
    runs = runs.loc[order.sort_values(kind="stable").index]
    return runs.drop_duplicates(["network", "learning_rate", "arm", "seed"])


def table(results=RECORDED, claims=CLAIMS):
    """The verdict table.

    Args:
        results: folder with records, or a DataFrame as `load` returns it.
        claims: what to judge.

    Returns:
        A DataFrame with the columns of `COLUMNS`, one row a claim and rate (one a claim where nothing is recorded):
        the claim in words, where (network, profile, sides), rate, n (pairs), fd and kid (`Estimate`s of the ratio,
        below 1 is closer), coverage (`Estimate` of the difference, above 0 is closer), other (what decides a claim
        that is not about quality), old and new (verdicts), why.
    """
    runs = results if isinstance(results, pd.DataFrame) else load(results)
    rows = [row for claim in claims for row in rows_of(claim, runs)]
    return pd.DataFrame(rows).reindex(columns=COLUMNS)


def rows_of(claim, runs):
    """One claim's rows of the table, as dicts."""
    old, source = SAID.get(claim.says, ("", "")) if claim.profiles[0] in ("lesson", "full") else ("", "")
    common = {"claim": claim.says, "where": claim.where, "old": f"{old} ({source})" if old else ""}
    if claim.measure is None:
        return [{**common, "rate": "", "n": "", "new": "withdrawn", "why": claim.note}]
    found = claim.measure(pool(runs, claim.profiles), claim)
    if not any(row["n"] for row in found):
        return [{**common, "rate": "", "n": 0, "new": verdicts.NO_RUNS, "why": ""}]
    for row in found:
        if row["waiting"]:
            row["why"] += f"; {row['waiting']} seeds wait for their partner"
    return [{**common, **row} for row in found]


def which_term(rows):
    """Which term does the work, and which of the two does more, by network and rate.

    Args:
        rows: the verdict table, as `table` returns it.

    Returns:
        A DataFrame indexed by place (network and profiles) and rate, with works ("mean", "variance", "mean, variance"
        or "neither shown": the terms that alone are closer than none, by the rule) and more (the term that is closer
        than the other, or "undecided").
    """
    says = {f"{name} alone closer than none": name for name in ("mean", "variance")}
    says["mean alone closer than variance alone"] = "more"
    found = rows[rows["claim"].isin(says) & (rows["n"] != 0)]
    places = found["where"].str.split(":").str[0]
    words = found.assign(place=places, claim=found["claim"].map(says)).pivot(
        index=["place", "rate"], columns="claim", values="new"
    )
    words = words.reindex(columns=["mean", "variance", "more"])
    works = [
        ", ".join(name for name in ("mean", "variance") if row[name] == verdicts.HELD) for _, row in words.iterrows()
    ]
    more = words["more"].map({verdicts.HELD: "mean", verdicts.FELL: "variance"}).fillna(verdicts.UNDECIDED)
    return pd.DataFrame({"works": [names or "neither shown" for names in works], "more": more}, index=words.index)


def as_text(rows):
    """The table with its estimates as text, ready to be shown."""

    def cell(value, column):
        if isinstance(value, Estimate):
            return value.text(FORMS[column])
        return "" if value is None or isinstance(value, float) and np.isnan(value) else str(value)

    return pd.DataFrame({name: [cell(value, name) for value in rows[name]] for name in rows}, index=rows.index)


def of_the_tests(results=RECORDED):
    """What the table says of the three tests, ready to be shown in 07 to 09.

    Returns:
        A DataFrame of text indexed by claim: rate, pairs, FD, KID, plain → moments (what decides the others), verdict.
    """
    words = {"n": "pairs", "fd": "FD", "kid": "KID", "other": "plain → moments", "new": "verdict"}
    told = as_text(table(results, _three_tests())).rename(columns=words).set_index("claim")
    return told[["rate", *words.values()]]


def text(rows):
    """The table for a terminal: a claim, what the first edition said, and a line a rate."""
    lines, indent = [], {"initial_indent": "    ", "subsequent_indent": " " * 8}
    for (says, where), part in as_text(rows).groupby(["claim", "where"], sort=False):
        if (part["new"] == verdicts.NO_RUNS).all():
            lines.append(f"{says} ({where}): {verdicts.NO_RUNS}")
            continue
        lines.append(f"{says} ({where})")
        if part["old"].iloc[0]:
            lines += textwrap.wrap(f"first edition: {part['old'].iloc[0]}", WIDTH, **indent)
        for row in part.to_dict("records"):
            lines += textwrap.wrap(_line(row), WIDTH, drop_whitespace=True, **indent)
    return "\n".join(lines)


def _line(row):
    titles = {"rate": "", "n": "n ", "fd": "FD ", "kid": "KID ", "coverage": "coverage ", "other": ""}
    numbers = ", ".join(f"{title}{row[name]}" for name, title in titles.items() if row[name])
    why = f" ({row['why']})" if row["why"] else ""
    return f"{numbers}{': ' if numbers else ''}{row['new']}{why}"
