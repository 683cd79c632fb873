"""Recorded runs as tidy tables, for notebooks: one row a run, an epoch or a frame."""

import dataclasses
import warnings

import pandas as pd

from study import catalogue, plans, records
from study.experiment import Experiment
from study.settings import PROFILES, RECORDED


def load_records(results=RECORDED, profiles=tuple(PROFILES)):
    """Read all records below a folder; damaged ones are named in a warning and left out.

    Args:
        results: folder with records in <profile>/<name>/.
        profiles: whose records are read.

    Returns:
        A list of `records.Record`, in order of profile and name.
    """
    return _or_warn(*catalogue.read_all(results, records.read, profiles))


def _or_warn(loaded, damaged):
    """What could be read; the damaged ones are named in a warning to the caller's caller."""
    for error in damaged:
        warnings.warn(str(error), stacklevel=3)
    return loaded


def load_pairs(results=RECORDED, profile="lesson", seed=0, tests=(1, 2, 3)):
    """Read the recorded pairs of one profile and seed.

    Returns:
        A dict from test to (plain, moments), each a `records.Record`.

    Raises:
        ValueError: a pair is not complete.
        records.RecordError: one of its records is damaged.
    """
    planned = plans.experiments(tests, seeds=[seed], profile=profile)
    missing = [experiment.name for experiment in planned if not experiment.folder(results).is_dir()]
    if missing:
        raise ValueError(
            f"Records of profile {profile} in {results}: expected {len(planned)}, found no "
            f"{', '.join(missing)}. Mend it with: python -m study run --profile {profile} --results {results}"
        )
    runs = iter([records.read(experiment.folder(results)) for experiment in planned])
    return {test: (next(runs), next(runs)) for test in tests}


def load_runs(results=RECORDED):
    """Tidy table of all recorded runs below a folder, one row a run; reads their scalars only.

    Returns:
        A DataFrame with the columns of `catalogue.row`.
    """
    return pd.DataFrame(_or_warn(*catalogue.rows(results)))


def load_epochs(results=RECORDED, profiles=tuple(PROFILES)):
    """Tidy table of all recorded epochs below a folder, one row a run and epoch; of some profiles, if named.

    Returns:
        A DataFrame with test, arm, learning_rate, moment_weight, penalty, seed, profile, network, epoch,
        the losses and unweighted gaps of the epoch's last batch, and every metric.
    """
    return _joined(record.epochs.assign(**_labels(record)) for record in load_records(results, profiles))


def load_frames(results=RECORDED, profiles=tuple(PROFILES)):
    """Tidy table of all recorded frames below a folder, one row a run and frame; finer than epochs; of some profiles.

    Returns:
        A DataFrame with name, test, arm, learning_rate, moment_weight, penalty, seed, profile, network, step, and where
        frames were judged `schema.QUICK_METRICS` (on fewer images than after an epoch).
    """
    found = load_records(results, profiles)
    return _joined(record.frames.assign(name=record.name, **_labels(record)) for record in found)


def _joined(tables):
    """Tables one below the other; an empty one if there are none."""
    tables = list(tables)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _labels(record):
    """What tells a record's rows from those of others."""
    experiment = Experiment.from_config(record.config)
    settings = dataclasses.asdict(experiment)
    fields = ("learning_rate", "moment_weight", "penalty", "seed", "profile", "network")
    return {**catalogue.labels(experiment), **{field: settings[field] for field in fields}}
