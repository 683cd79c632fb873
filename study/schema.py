"""What a record must hold: its keys, columns, types and ranges, declared once. No NumPy, so that reading is quick."""

import json
import math
import reprlib

from study.experiment import Experiment
from study.settings import PROFILES

SCHEMA_VERSION = 2
FILES = ("record.json", "epochs.csv", "frames.csv", "steps.npz", "samples.npz")
STATUSES = ("finished", "failed")

STEP_NAMES = ("discriminator_loss", "generator_loss", "mean_gap", "variance_gap")
QUICK_METRICS = ("frechet_distance", "digits_covered", "label_entropy")
# Lowest and highest value of each metric of a record, in the order of its columns.
METRICS = {
    "frechet_distance": (0.0, math.inf),
    "kernel_distance": (-math.inf, math.inf),
    "kernel_distance_error": (0.0, math.inf),
    "precision": (0.0, 1.0),
    "recall": (0.0, 1.0),
    "density": (0.0, math.inf),
    "coverage": (0.0, 1.0),
    "digits_covered": (0.0, 10.0),
    "label_entropy": (0.0, math.log(10) + 1e-6),
    "variance_ratio": (0.0, math.inf),
}
OPTIONAL_METRICS = {"variance_ratio"}  # records made before it was measured lack it

# Keys of record.json and of its provenance, with their types; further ones of a provenance are welcome.
HEADER = {
    "schema_version": int,
    "name": str,
    "config": dict,
    "status": str,
    "metrics": dict,
    "provenance": dict,
    "reason": str,
}
PROVENANCE = {
    **dict.fromkeys(("python", "keras", "tensorflow", "numpy", "device", "commit", "started"), str),
    **{"threads": int, "wall_seconds": (int, float)},
}


class RecordError(ValueError):
    """A record that is incomplete, damaged or of another schema."""


class NewerSchemaError(RecordError):
    """A record that a newer version of the code has written: nothing is wrong with it."""


def broken(folder, expected, mend="Mend it by moving that folder away and running its experiment again."):
    """The error about a record: what was expected, and what to do."""
    return RecordError(f"Record {folder}: expected {expected}. {mend}")


def unreadable(folder, error):
    """The error about a record that this user may not read."""
    mend = "Mend it by allowing this user to read it."
    return broken(folder, f"files that can be read, found: {error.strerror}", mend)


def read_header(folder):
    """Read and check record.json, which holds the settings and every final number of a run.

    Args:
        folder: `pathlib.Path` of a record.

    Returns:
        `(header, experiment)`: the dict, and the `Experiment` of its settings.

    Raises:
        RecordError: naming the folder, what was expected, what was found, and how to mend it.
    """
    try:
        missing = [name for name in FILES if not (folder / name).is_file()]
        if missing:
            raise broken(folder, f"{', '.join(FILES)}, found no {', '.join(missing)}")
        header = json.loads((folder / "record.json").read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise unreadable(folder, error) from error
    except RecordError:
        raise
    except (ValueError, RecursionError) as error:
        raise broken(folder, f"record.json as JSON in UTF-8, found {type(error).__name__}: {error}") from error
    experiment = check_header(header, folder)
    if folder.parent.name in PROFILES and folder.parent.name != experiment.profile:
        raise broken(folder, f"a record of profile {folder.parent.name}, found one of {experiment.profile}")
    return header, experiment


def check_header(header, folder):
    """Check what is, or will be, in record.json; return the `Experiment` of its settings.

    Raises:
        RecordError: naming the folder, what was expected, what was found, and how to mend it.
    """
    version = header.get("schema_version") if isinstance(header, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise NewerSchemaError(
            f"Record {folder}: expected schema {SCHEMA_VERSION}, found {version}: a newer version of the code wrote "
            "it. Mend it by reading it with that version."
        )
    if version != SCHEMA_VERSION:
        raise broken(folder, f"schema {SCHEMA_VERSION}, found {version}")
    _check_keys(header, HEADER, "record.json", folder)
    unknown = sorted(set(header) - set(HEADER))
    if unknown:
        raise broken(folder, f"the keys {', '.join(HEADER)} in record.json, found also {', '.join(unknown)}")
    if header["status"] not in STATUSES:
        raise broken(folder, f"a status of {' or '.join(STATUSES)}, found {header['status']!r}")
    _check_keys(header["provenance"], PROVENANCE, "provenance", folder)
    _check_metrics(header, folder)
    try:
        experiment = Experiment.from_config(header["config"])
    except (TypeError, ValueError) as error:
        raise broken(folder, f"the settings of an experiment, found: {error}") from error
    if not header["name"] == experiment.name == folder.name:
        raise broken(
            folder,
            f"a folder named like its settings, {experiment.name}, found the name {header['name']}",
            "Mend it by moving that folder away (if it is a copy) or giving it back its name.",
        )
    return experiment


def _check_keys(values, types, where, folder):
    for key, kind in types.items():
        value = values.get(key)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise broken(folder, f"{key} in {where}, found {value!r}")
        if key == "wall_seconds" and not 0 <= value <= 1e12:
            raise broken(folder, f"a finite {key} in {where}, found {reprlib.repr(value)}")


def _check_metrics(header, folder):
    found = header["metrics"]
    if header["status"] == "failed":
        if found:
            raise broken(folder, f"no metrics of a failed run, found {', '.join(found)}")
        if not header["reason"]:
            raise broken(folder, "the reason of a failed run, found none")
        return
    needed = set(METRICS) - OPTIONAL_METRICS
    if not needed <= set(found) <= set(METRICS):
        raise broken(folder, f"the metrics {', '.join(METRICS)}, found {', '.join(found)}")
    for name, value in found.items():
        low, high = METRICS[name]
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300
        if not number or not low <= value <= high:
            raise broken(folder, f"{name} as a number from {low:g} to {high:g}, found {reprlib.repr(value)}")


def find(results, profiles):
    """Return the folders <results>/<profile>/<name> that hold a record, or should, in order of name."""
    rooms = [results / profile for profile in profiles if (results / profile).is_dir()]
    folders = [folder for room in rooms for folder in room.iterdir()]
    return sorted(folder for folder in folders if folder.is_dir() and not folder.name.startswith("."))
