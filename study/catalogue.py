"""What is recorded, from the scalars alone: quick, without NumPy. Counts and the table."""

import dataclasses
import math
from pathlib import Path

from study import plans, schema
from study.experiment import DEFAULT_NETWORK
from study.settings import PROFILES, RECORDED

# Columns of the table: the metric behind each title, and its form.
COLUMNS = {
    "Fréchet ↓": ("frechet_distance", ".1f"),
    "precision ↑": ("precision", ".2f"),
    "recall ↑": ("recall", ".2f"),
    "coverage ↑": ("coverage", ".2f"),
    "digits ↑": ("digits_covered", ".0f"),
    "entropy ↑": ("label_entropy", ".2f"),
}


def read_all(results, read, profiles=tuple(PROFILES)):
    """What `read` returns of each record below a folder, and the errors about the damaged ones.

    Args:
        results: folder with records in <profile>/<name>/.
        read: function of a record's folder that raises a `schema.RecordError` about a damaged one.
        profiles: whose records are read.

    Returns:
        Two lists, in order of profile and name.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    results = Path(results)
    if not results.is_dir():
        raise FileNotFoundError(f"Results folder {results}: expected a folder of records, found none there.")
    read_ones, damaged = [], []
    for folder in schema.find(results, profiles):
        try:
            read_ones.append(read(folder))
        except schema.RecordError as error:
            damaged.append(error)
    return read_ones, damaged


def row(header, experiment):
    """One row of the table of runs, as a dict of scalars.

    Its keys: name, test (0 if the rate is none of the study's), arm (one with moments is named by its
    penalty), the experiment's fields, status, reason, every final metric (NaN for a failed run, and
    where an older record lacks it), wall_seconds and engine, which draws the weights from the seed.
    """
    return {
        "name": experiment.name,
        **labels(experiment),
        **dataclasses.asdict(experiment),
        "status": header["status"],
        "reason": header["reason"],
        **{name: header["metrics"].get(name, math.nan) for name in schema.METRICS},
        "wall_seconds": header["provenance"]["wall_seconds"],
        "engine": header["provenance"].get("backend", "tensorflow"),
    }


def labels(experiment):
    """Test and arm of an experiment."""
    return {"test": experiment.test, "arm": experiment.arm}


def rows(results=RECORDED):
    """`row` of every record below a folder, and the errors about the damaged ones."""
    return read_all(results, lambda folder: row(*schema.read_header(folder)))


def pooled(folders, profile):
    """The runs of one profile below several folders, each run once.

    Args:
        folders: folders with records in <profile>/<name>/, for instance one a student.
        profile: whose runs are wanted.

    Returns:
        Two lists: rows as `row` makes them, and what is wrong: damaged records, which are left out; a run that is in
        two folders, of which the first counts; and, of several folders, those that hold none.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    found, troubles = {}, []
    for folder in folders:
        runs, damaged = rows(folder)
        troubles += map(str, damaged)
        chosen = [run for run in runs if run["profile"] == profile]
        if not chosen and len(folders) > 1:
            troubles.append(f"Results folder {folder}: expected runs of profile {profile}, found none.")
        for run in chosen:
            first, _ = found.setdefault((run["name"], run["engine"]), (folder, run))
            if first != folder:
                mend = "The first counts, since a seed counts once."
                troubles.append(f"Run {run['name']}: expected in one folder, found in {first} and {folder}. {mend}")
    return [run for _, run in found.values()], troubles


def order(run):
    """What the rows of the table are sorted by."""
    return run["test"], run["moment_weight"], run["penalty"], run["seed"]


def cells(run):
    """One run in words: a dict from the table's titles to text."""
    scores = {title: "failed" if math.isnan(run[name]) else format(run[name], form)
              for title, (name, form) in COLUMNS.items()}  # fmt: skip
    rate = f"{run['learning_rate']:g}"
    arm = run["arm"] if run["network"] == DEFAULT_NETWORK else f"{run['network']} {run['arm']}"
    return {"test": str(run["test"]), "rate": rate, "arm": arm, "seed": str(run["seed"]), **scores}


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
        A dict: "valid", how many records could be read; "runs", a list of {profile, network, learning_rate,
        arm, seeds, finished, failed}, which add up to it; "plans", a list of {set, question, planned, recorded,
        missing} for each of `plans.SETS`; and "damaged", the messages about the others.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    found, damaged = read_all(results, read)
    counts = {}
    for header, experiment in found:
        key = (experiment.profile, experiment.network, experiment.learning_rate, experiment.arm)
        count = counts.setdefault(key, {"seeds": set(), "finished": 0, "failed": 0})
        count["seeds"].add(experiment.seed)
        count[header["status"]] += 1
    names = ("profile", "network", "learning_rate", "arm")
    runs = [
        {**dict(zip(names, key, strict=True)), **count, "seeds": ranges(count["seeds"])}
        for key, count in sorted(counts.items())
    ]
    recorded = {experiment for _, experiment in found}
    return {
        "valid": len(found),
        "runs": runs,
        "plans": [_progress(name, plan, recorded) for name, plan in plans.SETS.items()],
        "damaged": [str(error) for error in damaged],
    }


def _progress(name, plan, recorded):
    """How much of a planned set is recorded, with its settings."""
    planned = plan.experiments()
    missing = sorted({run.seed for run in planned if run not in recorded})
    return {
        "set": name,
        "question": plan.question,
        "planned": len(planned),
        "recorded": sum(run in recorded for run in planned),
        "missing": f"seeds {ranges(missing)}" if missing else "",
    }


def ranges(numbers):
    """Whole numbers in short: "0-4, 7" for 0, 1, 2, 3, 4 and 7."""
    parts = []
    for number in sorted(numbers):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in parts)


def status_text(counts):
    """What `status` found, ready to print."""
    lines = [f"{counts['valid']} records, {len(counts['damaged'])} damaged", ""]
    for run in counts["runs"]:
        line = "{profile:12s} {network:24s} {learning_rate:<7g} {arm:24s} seeds {seeds:6s} {finished:4d} finished"
        lines.append(line.format(**run) + (f" {run['failed']:3d} failed" if run["failed"] else ""))
    lines += ["", "Planned sets (python -m study run --set NAME):"]
    for plan in counts["plans"]:
        state = f"missing: {plan['missing']}" if plan["missing"] else "complete"
        lines.append(f"{plan['set']:18s} {plan['recorded']:4d} of {plan['planned']:4d}  {state}")
    return "\n".join([*lines, *counts["damaged"]])
