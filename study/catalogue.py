"""What is recorded, from the scalars alone: quick, without NumPy. Sets of runs, their counts and the table."""

import dataclasses
import math
from pathlib import Path

from study import schema
from study.experiment import Experiment
from study.settings import PROFILES, RECORDED

ARMS = {"plain": False, "moments": True}

# Sets of the penalty's variants, as (test, penalties): what tells most comes first. The plain arm
# and the study's own are in the lesson's records; "moments" is repeated where their variance ratio is missing.
SETS = {
    "ablations": (
        (3, ("mean", "variance", "early", "late", "placebo", "rescaled")),
        (2, ("mean", "variance")),
        (1, ("mean", "variance")),
    ),
    "better": (
        (3, ("debiased", "dataset", "averaged", "features")),
        (2, ("debiased", "dataset", "averaged", "features")),
        (3, ("moments",)),
        (2, ("moments",)),
    ),
}

# Columns of the table: the metric behind each title, and its form.
COLUMNS = {
    "Fréchet ↓": ("frechet_distance", ".1f"),
    "precision ↑": ("precision", ".2f"),
    "recall ↑": ("recall", ".2f"),
    "coverage ↑": ("coverage", ".2f"),
    "digits ↑": ("digits_covered", ".0f"),
    "entropy ↑": ("label_entropy", ".2f"),
}


def experiments(tests=(1, 2, 3), arms=tuple(ARMS), seeds=(0,), profile=None, **settings):
    """The experiments of a study, pair by pair.

    Args:
        tests: numbers out of 1, 2, 3.
        arms: names out of "plain", "moments".
        seeds: integers >= 0, each shared by the arms of a pair.
        profile: a name from `PROFILES`; without one, the profile in force.
        settings: `moment_weight` of the stabilised arm.

    Returns:
        A list of `Experiment`, both arms of a pair side by side.

    Raises:
        ValueError: there is no such test, arm or profile.
    """
    unknown = set(arms) - set(ARMS)
    if unknown:
        raise ValueError(f"Arm: expected one of {', '.join(ARMS)}, found {sorted(unknown)}.")
    return [
        Experiment.of_test(test, ARMS[arm], seed, profile, **settings)
        for seed in seeds
        for test in tests
        for arm in arms
    ]


def variants(choice, seeds=(0,), profile="ablation", **settings):
    """The experiments of a set of penalties, learning rate by learning rate and seed by seed.

    Args:
        choice: pairs of a test and names from `experiment.PENALTIES`, such as an entry of `SETS`.
        seeds: integers >= 0, as those of the arms to compare with.
        profile: a name from `PROFILES`; without one, the profile in force.
        settings: `moment_weight`.

    Returns:
        A list of `Experiment`.

    Raises:
        ValueError: there is no such test, penalty or profile.
    """
    return [
        Experiment.of_test(test, True, seed, profile, penalty, **settings)
        for test, names in choice
        for seed in seeds
        for penalty in names
    ]


def read_all(results, read):
    """What `read` returns of each record below a folder, and the errors about the damaged ones.

    Args:
        results: folder with records in <profile>/<name>/.
        read: function of a record's folder that raises a `schema.RecordError` about a damaged one.

    Returns:
        Two lists, in order of profile and name.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    results = Path(results)
    if not results.is_dir():
        raise FileNotFoundError(f"Results folder {results}: expected a folder of records, found none there.")
    read_ones, damaged = [], []
    for folder in schema.find(results, PROFILES):
        try:
            read_ones.append(read(folder))
        except schema.RecordError as error:
            damaged.append(error)
    return read_ones, damaged


def row(header, experiment):
    """One row of the table of runs, as a dict of scalars.

    Its keys: name, test (0 if the rate is none of the study's), arm (one with moments is named by its
    penalty), the experiment's fields, status, reason, every final metric (NaN for a failed run, and
    where an older record lacks it) and wall_seconds.
    """
    return {
        "name": experiment.name,
        **labels(experiment),
        **dataclasses.asdict(experiment),
        "status": header["status"],
        "reason": header["reason"],
        **{name: header["metrics"].get(name, math.nan) for name in schema.METRICS},
        "wall_seconds": header["provenance"]["wall_seconds"],
    }


def labels(experiment):
    """Test and arm of an experiment."""
    return {"test": experiment.test, "arm": experiment.arm}


def rows(results=RECORDED):
    """`row` of every record below a folder, and the errors about the damaged ones."""
    return read_all(results, lambda folder: row(*schema.read_header(folder)))


def order(run):
    """What the rows of the table are sorted by."""
    return run["test"], run["moment_weight"], run["penalty"], run["seed"]


def cells(run):
    """One run in words: a dict from the table's titles to text."""
    scores = {title: "failed" if math.isnan(run[name]) else format(run[name], form)
              for title, (name, form) in COLUMNS.items()}  # fmt: skip
    rate = f"{run['learning_rate']:g}"
    return {"test": str(run["test"]), "rate": rate, "arm": run["arm"], "seed": str(run["seed"]), **scores}


def table_text(runs):
    """The table of some runs (dicts as `row` makes them), ready to print."""
    lines = [cells(run) for run in sorted(runs, key=order)]
    widths = {title: max(len(line[title]) for line in [dict(zip(lines[0], lines[0], strict=True)), *lines])
              for title in lines[0]}  # fmt: skip
    shown = [widths.keys(), *(line.values() for line in lines)]
    return "\n".join("  ".join(map(str.rjust, line, widths.values())) for line in shown)


def status(results=RECORDED, read=schema.read_header):
    """Count the records below a folder.

    Args:
        results: folder with records in <profile>/<name>/.
        read: `schema.read_header`, which checks what is in record.json.

    Returns:
        A dict: "valid", how many records could be read; "runs", a list of {profile, test, arm,
        finished, failed}, which add up to it; and "damaged", the messages about the others.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    found, damaged = read_all(results, read)
    counts = {}
    for header, experiment in found:
        key = (experiment.profile, *labels(experiment).values())
        counts.setdefault(key, {"finished": 0, "failed": 0})[header["status"]] += 1
    runs = [
        {"profile": profile, "test": test, "arm": arm, **count}
        for (profile, test, arm), count in sorted(counts.items())
    ]
    return {"valid": len(found), "runs": runs, "damaged": [str(error) for error in damaged]}
