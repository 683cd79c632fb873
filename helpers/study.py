"""Sets of runs: which there are, what they say, and the command line that makes them.

python -m helpers.study run --profile lesson --seeds 0    # the six arms, what is missing of them
python -m helpers.study run --seeds 0 1 2 --workers 2     # two runs at a time
KERAS_BACKEND=jax python -m helpers.study run --fleet --seeds 0 1 2    # all at once, for a GPU (helpers/fleet.py)
python -m helpers.study run --set ablations --seeds 0 1 2 3 4 --profile ablation    # the penalty's variants
python -m helpers.study status                            # what is recorded, and what is damaged
python -m helpers.study table                             # the three tests side by side
"""

import argparse
import dataclasses
import json
import sys
import warnings
from pathlib import Path

import pandas as pd

from helpers import metrics, penalties, records
from helpers.campaign import run
from helpers.experiment import LEARNING_RATES, PROFILES, RECORDED, Experiment, current_profile

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


def experiments(tests=(1, 2, 3), arms=tuple(ARMS), seeds=(0,), profile=None):
    """The experiments of a study, pair by pair.

    Args:
        tests: numbers out of 1, 2, 3.
        arms: names out of "plain", "moments".
        seeds: integers >= 0, each shared by the arms of a pair.
        profile: a name from `PROFILES`; without one, the profile in force.

    Returns:
        A list of `Experiment`, both arms of a pair side by side.

    Raises:
        ValueError: there is no such test, arm or profile.
    """
    unknown = set(arms) - set(ARMS)
    if unknown:
        raise ValueError(f"Arm: expected one of {', '.join(ARMS)}, found {sorted(unknown)}.")
    return [Experiment.of_test(test, ARMS[arm], seed, profile) for seed in seeds for test in tests for arm in arms]


def variants(choice, seeds=(0,), profile="ablation"):
    """The experiments of a set of penalties, learning rate by learning rate and seed by seed.

    Args:
        choice: pairs of a test and names from `penalties.NAMES`, such as an entry of `SETS`.
        seeds: integers >= 0, as those of the arms to compare with.
        profile: a name from `PROFILES`; without one, the profile in force.

    Returns:
        A list of `Experiment`.

    Raises:
        ValueError: there is no such test, penalty or profile.
    """
    return [
        Experiment.of_test(test, True, seed, profile, penalty)
        for test, names in choice
        for seed in seeds
        for penalty in names
    ]


def load_records(results=RECORDED):
    """Read all records below a folder; damaged ones are named in a warning and left out.

    Args:
        results: folder with records in <profile>/<name>/.

    Returns:
        A list of `records.Record`, in order of profile and name.
    """
    return _read_or_warn(records.find(results, PROFILES))


def _read_or_warn(folders):
    """The records in some folders; the damaged ones are named in a warning to the caller's caller."""
    loaded, damaged = _read_all(folders)
    for error in damaged:
        warnings.warn(str(error), stacklevel=3)
    return loaded


def _read_all(folders):
    loaded, damaged = [], []
    for folder in folders:
        try:
            loaded.append(records.read(folder))
        except records.RecordError as error:
            damaged.append(error)
    return loaded, damaged


def load_pairs(results=RECORDED, profile="lesson", seed=0, tests=(1, 2, 3)):
    """Read the recorded pairs of one profile and seed.

    Returns:
        A dict from test to (plain, moments), each a `records.Record`.

    Raises:
        ValueError: a pair is not complete.
    """
    planned = experiments(tests, seeds=[seed], profile=profile)
    folders = [experiment.folder(results) for experiment in planned]
    found = {record.name: record for record in _read_or_warn(folder for folder in folders if folder.is_dir())}
    missing = [experiment.name for experiment in planned if experiment.name not in found]
    if missing:
        raise ValueError(
            f"Records of profile {profile} in {results}: expected {len(planned)}, found no "
            f"{', '.join(missing)}. Mend it with: python -m helpers.study run --profile {profile}"
        )
    runs = iter([found[experiment.name] for experiment in planned])
    return {test: (next(runs), next(runs)) for test in tests}


def load_runs(results=RECORDED):
    """Tidy table of all recorded runs below a folder, one row a run.

    Returns:
        A DataFrame with test (0 if the rate is none of the study's), arm, the experiment's
        fields, status, reason, every final metric (NaN for a failed run, and where an older record
        lacks it) and wall_seconds.
    """
    rows = [
        {
            "name": record.name,
            **_identity(record),
            **_settings(record),
            "status": record.status,
            "reason": record.reason,
            **{name: record.metrics.get(name, float("nan")) for name in metrics.RECORDED},
            "wall_seconds": record.provenance["wall_seconds"],
        }
        for record in load_records(results)
    ]
    return pd.DataFrame(rows)


def load_epochs(results=RECORDED):
    """Tidy table of all recorded epochs below a folder, one row a run and epoch.

    Returns:
        A DataFrame with test, arm, learning_rate, moment_weight, penalty, seed, profile, epoch,
        the losses and unweighted gaps of the epoch's last batch, and every metric.
    """
    return _joined(record.epochs.assign(**_labels(record)) for record in load_records(results))


def load_frames(results=RECORDED):
    """Tidy table of all recorded frames below a folder, one row a run and frame; finer than epochs.

    Returns:
        A DataFrame with name, test, arm, learning_rate, moment_weight, penalty, seed, profile, step, and where
        frames were judged `metrics.QUICK_NAMES` (on fewer images than after an epoch).
    """
    return _joined(record.frames.assign(name=record.name, **_labels(record)) for record in load_records(results))


def _joined(tables):
    """Tables one below the other; an empty one if there are none."""
    tables = list(tables)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _labels(record):
    """What tells a record's rows from those of others."""
    settings = _settings(record)
    fields = ("learning_rate", "moment_weight", "penalty", "seed", "profile")
    return {**_identity(record), **{field: settings[field] for field in fields}}


def _settings(record):
    """The fields of a record's experiment, also those that older records do not name."""
    return dataclasses.asdict(Experiment.from_config(record.config))


def _identity(record):
    """Test and arm; an arm with moments is named by its penalty."""
    experiment = Experiment.from_config(record.config)
    return {"test": experiment.test, "arm": experiment.arm}


def table(runs):
    """The tests side by side, ready to print.

    Args:
        runs: a DataFrame as `load_runs` returns it, of one profile.

    Returns:
        A DataFrame of text, one row a run: what was run, and the metrics that tell most.
    """
    columns = {
        "Fréchet ↓": ("frechet_distance", "{:.1f}"),
        "precision ↑": ("precision", "{:.2f}"),
        "recall ↑": ("recall", "{:.2f}"),
        "coverage ↑": ("coverage", "{:.2f}"),
        "digits ↑": ("digits_covered", "{:.0f}"),
        "entropy ↑": ("label_entropy", "{:.2f}"),
    }
    runs = runs.sort_values(["test", "moment_weight", "penalty", "seed"])
    text = {
        "test": runs["test"].astype(str),
        "rate": runs["learning_rate"].map("{:g}".format),
        "arm": runs["arm"],
        "seed": runs["seed"].astype(str),
    }
    for title, (name, form) in columns.items():
        text[title] = runs[name].map(form.format, na_action="ignore").fillna("failed")
    return pd.DataFrame(text).set_index("test")


def scorecard(columns):
    """Metrics side by side, ready to print.

    Args:
        columns: dict from a title to metrics as `metrics.judge` returns them; empty for a failed run.

    Returns:
        A DataFrame of text, one row a metric.
    """
    form = {name: "{:.1f}" if "distance" in name else "{:.2f}" for name in metrics.NAMES}
    text = {
        title: [form[name].format(scores[name]) if name in scores else "failed" for name in metrics.NAMES]
        for title, scores in columns.items()
    }
    return pd.DataFrame(text, index=list(metrics.NAMES))


def status(results=RECORDED):
    """Count the records below a folder.

    Returns:
        A dict: "valid", how many records could be read; "runs", a list of {profile, test, arm,
        finished, failed}, which add up to it; and "damaged", the messages about the others.
    """
    loaded, damaged = _read_all(records.find(results, PROFILES))
    counts = {}
    for record in loaded:
        key = (record.config["profile"], *_identity(record).values())
        counts.setdefault(key, {"finished": 0, "failed": 0})[record.status] += 1
    runs = [
        {"profile": profile, "test": test, "arm": arm, **count}
        for (profile, test, arm), count in sorted(counts.items())
    ]
    return {"valid": len(loaded), "runs": runs, "damaged": [str(error) for error in damaged]}


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m helpers.study", description="Run and read the study's experiments."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    run_parser = commands.add_parser("run", help="run what is not yet recorded")
    run_parser.add_argument("--tests", type=int, nargs="+", default=[1, 2, 3], choices=list(LEARNING_RATES))
    run_parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    chosen = run_parser.add_mutually_exclusive_group()
    chosen.add_argument("--penalties", nargs="+", choices=penalties.NAMES, help="variants to run instead of the arms")
    chosen.add_argument("--set", choices=list(SETS), help="a set of variants, of tests and penalties of its own")
    run_parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    run_parser.add_argument("--workers", type=int, default=1, help="runs at a time on this machine (needs Dask)")
    run_parser.add_argument("--cluster", metavar="ADDRESS", help="scheduler of a Dask cluster to use instead")
    run_parser.add_argument("--fleet", action="store_true", help="train all at once on JAX (set KERAS_BACKEND=jax)")
    run_parser.add_argument("--precision", help="of a fleet's matrix products: float32, tensorfloat32 or bfloat16")
    run_parser.add_argument("--keep-every", type=int, default=1, help="epochs between two states of a fleet on disk")
    run_parser.add_argument("--quiet", action="store_true", help="no progress bar")
    status_parser = commands.add_parser("status", help="count the records")
    status_parser.add_argument("--json", action="store_true", help="for programs")
    table_parser = commands.add_parser("table", help="print the tests side by side")
    for command in (run_parser, table_parser):
        command.add_argument("--profile", choices=list(PROFILES), help="default: the one in force")
    for command in (run_parser, status_parser, table_parser):
        command.add_argument("--results", type=Path, default=RECORDED, help="folder of the records")
    return parser


def main(arguments=None):
    """The command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "run":
            planned = _planned(options)
            if options.fleet:
                _run_fleet(planned, options)
            else:
                verbose = 0 if options.quiet else "auto"
                run(planned, options.results, verbose, options.workers, options.cluster)
        elif options.command == "status":
            _print_status(status(options.results), options.json)
        else:
            _print_table(options.results, options.profile or current_profile())
    except (ValueError, OSError, ImportError, MemoryError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped. The same command continues after the last finished epoch.", file=sys.stderr)
        return 130
    return 0


def _planned(options):
    if options.set or options.penalties:
        choice = SETS[options.set] if options.set else [(test, options.penalties) for test in options.tests]
        return variants(choice, options.seeds, options.profile)
    return experiments(options.tests, options.arms, options.seeds, options.profile)


def _run_fleet(planned, options):
    from helpers import fleet_runs  # JAX, which all else does without

    precision = {"precision": options.precision} if options.precision else {}
    fleet_runs.run(planned, options.results, keep_every=options.keep_every, verbose=not options.quiet, **precision)


def _print_status(counts, as_json):
    if as_json:
        print(json.dumps(counts, indent=2))
        return
    print(pd.DataFrame(counts["runs"]).to_string(index=False) if counts["runs"] else "No records.")
    for message in counts["damaged"]:
        print(message)


def _print_table(results, profile):
    runs = load_runs(results)
    chosen = runs[runs["profile"] == profile] if len(runs) else runs
    if not len(chosen):
        raise ValueError(
            f"Records: expected some of profile {profile} in {results}, found none. "
            f"Mend it with: python -m helpers.study run --profile {profile}"
        )
    print(f"The three tests, profile {profile}:")
    print(table(chosen).to_string())


if __name__ == "__main__":
    sys.exit(main())
