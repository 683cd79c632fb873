"""What probes have recorded of the gradients inside runs; `probe` writes it. Read without TensorFlow."""

import io
import json
import math
from pathlib import Path
import warnings

import pandas as pd

from study import catalogue
from study.experiment import Experiment
from study.schema import RecordError, broken
from study.settings import RECORDED

SCHEMA_VERSION = 1  # of run.json and gradients.csv; records made before it was written down have it too
KEYS = ("config", "status", "reason", "metrics", "batches", "provenance")
MEASURED = (
    *("adversarial_norm", "penalty_norm", "mean_norm", "variance_norm"),
    *("penalty_cosine", "mean_cosine", "variance_cosine"),
    *("adversarial_pull", "variance_pull", "spread"),
)
COLUMNS = ("test", "arm", "seed", "step", *MEASURED)


def _read(folder):
    """What a probe recorded: the steps' table, and a row of what the run ended with.

    Raises:
        RecordError: naming the folder, what was expected, what was found, and how to mend it.
    """
    try:
        header = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        missing = [key for key in KEYS if key not in header]
        if missing or header.get("schema_version", SCHEMA_VERSION) != SCHEMA_VERSION:
            raise broken(folder, f"schema {SCHEMA_VERSION} with {', '.join(KEYS)} in run.json, found {sorted(header)}")
        experiment = Experiment.from_config(header["config"])
        text = (folder / "gradients.csv").read_text(encoding="utf-8")
        steps = pd.read_csv(io.StringIO(text))
        place = {"network": experiment.network, "learning_rate": experiment.learning_rate}
        labels = {**catalogue.labels(experiment), "seed": experiment.seed, **place}
        scores = {name: header["metrics"].get(name, math.nan) for name in ("frechet_distance", "variance_ratio")}
        run = {**labels, "status": header["status"], **header["batches"], **scores}
    except RecordError:
        raise
    except Exception as error:  # a damaged file raises one of many types
        raise broken(folder, f"files that can be read, found {type(error).__name__}: {error}") from error
    if experiment.name != folder.name or list(steps) != list(COLUMNS) or steps["step"].duplicated().any():
        raise broken(folder, f"the name {experiment.name} and the columns {', '.join(COLUMNS)}, found others")
    if not text.endswith("\n"):
        raise broken(folder, "whole lines in gradients.csv, found the last one cut")
    return steps.assign(**place), run


def load(results=RECORDED, profile="ablation"):
    """All that probes have recorded of one profile below a folder; damaged records are named and left out.

    Args:
        results: folder of records.
        profile: name of the profile of the probed runs.

    Returns:
        Two DataFrames. Steps: test, arm, seed, step, what `measure` returns, network and learning_rate.
        Runs, one row each: test, arm, seed, network, learning_rate, status, what `batch_gaps` returns,
        frechet_distance and variance_ratio.

    Raises:
        ValueError: there is no such record.
    """
    found = _found(results, profile)
    if not found:
        raise ValueError(
            f"Gradients in {results}: expected gradients/{profile}/<name>/run.json, found none. "
            f"Mend it with: python -m study probe --profile {profile} --results {results}"
        )
    steps, runs = zip(*found, strict=True)
    return pd.concat(steps, ignore_index=True), pd.DataFrame(runs)


def terms(results=RECORDED):
    """The steps of all probes inside runs that tell the terms apart; None if there are none yet.

    Those are the sets `terms-dense` and `terms-conv`, and the ablation, which trains the conv pair as they do.
    """
    profiles = ("terms-dense", "terms-conv", "ablation")
    found = [steps for profile in profiles for steps, _ in _found(results, profile)]
    return pd.concat(found, ignore_index=True) if found else None


def _found(results, profile):
    found = []
    for folder in sorted(Path(results).glob(f"gradients/{profile}/[!.]*")):  # no draft, no unfinished run
        try:
            found.append(_read(folder))
        except RecordError as error:
            warnings.warn(str(error), stacklevel=3)
    return found
