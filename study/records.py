"""Recorded runs on disk: one folder a run, small, complete or absent.

<results>/<profile>/<name>/
    record.json     configuration, status, final metrics, provenance
    epochs.csv      one row an epoch: last-batch losses and gaps, metrics, seconds
    frames.csv      one row a frame: its step and, if the profile judges frames, quick scores
    steps.npz       discriminator_loss, generator_loss, mean_gap, variance_gap: float32 (steps,), of
                    every step, or of every last step of those that were taken together
    samples.npz     images: uint8 (frames, latents, 28, 28), of the fixed latents; of faces (…, 32, 32, 3)
"""

from dataclasses import dataclass
import json
from pathlib import Path
import zipfile

import numpy as np
import pandas as pd

from study import files, schema
from study.schema import STEP_NAMES, RecordError, broken


@dataclass(frozen=True)
class Record:
    """One recorded run.

    `config` holds the fields of the `Experiment`, `status` is "finished" or "failed" (then
    `reason` says why), `metrics` the final judgement (empty if there was none), `provenance`
    versions, hardware, commit and wall time. `epochs` and `frames` are DataFrames, `steps` a dict
    of float32 arrays (steps,), `images` uint8 (frames, latents, *pixel_shape).
    """

    name: str
    config: dict
    status: str
    reason: str
    metrics: dict
    provenance: dict
    epochs: pd.DataFrame
    frames: pd.DataFrame
    steps: dict
    images: np.ndarray

    @property
    def frame_steps(self):
        """Steps after which the frames were taken, int (frames,)."""
        return self.frames["step"].to_numpy()

    @property
    def moment_weight(self):
        """The weight lambda that the run had."""
        return self.config["moment_weight"]


def pixel_shape(experiment):
    """Shape of an image's bytes in a record: (height, width), and in colour 3."""
    *size, channels = experiment.image_shape
    return (*size, *([channels] if channels > 1 else []))


def compact(values):
    """Round numbers to float32 with 15 bits after the point (2e-5 relative): half the size on disk."""
    bits = np.asarray(values, np.float32).view(np.uint32)
    return ((bits.astype(np.uint64) + 0x80) & 0xFFFFFF00).astype(np.uint32).view(np.float32)


def write(folder, record):
    """Write a record so that it is there whole or not at all; one that is there is never replaced.

    Raises:
        RecordError: the record is not what the schema says.
        FileExistsError: there is a record, or another folder of that name.
        OSError: the folder cannot be written, or the disk is full.
    """
    folder = Path(folder)
    header = {
        "schema_version": schema.SCHEMA_VERSION,
        **{key: getattr(record, key) for key in list(schema.HEADER)[1:]},
    }
    _check_tables(record, schema.check_header(header, folder), folder)
    with files.placing(folder) as draft:
        text = json.dumps(header, indent=2, ensure_ascii=False, allow_nan=False)
        (draft / "record.json").write_text(text + "\n", encoding="utf-8", newline="\n")
        for name, table in {"epochs": record.epochs, "frames": record.frames}.items():
            table.to_csv(draft / f"{name}.csv", index=False, float_format="%.9g", lineterminator="\n")
        _write_arrays(draft / "steps.npz", record.steps)
        _write_arrays(draft / "samples.npz", {"images": record.images})


def _write_arrays(path, arrays):
    """Write an .npz that `numpy.load` reads, with LZMA: a third smaller than NumPy's own deflate."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name, values in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy")  # dated 1980: the same arrays give the same bytes
            member.compress_type = zipfile.ZIP_LZMA
            with archive.open(member, "w") as file:
                np.lib.format.write_array(file, np.ascontiguousarray(values), allow_pickle=False)


def read(folder):
    """Read and validate one record.

    Raises:
        RecordError: naming the folder, what was expected, what was found, and how to mend it.
    """
    folder = Path(folder)
    header, experiment = schema.read_header(folder)
    header.pop("schema_version")
    steps, samples = (_read_file(folder / name, read_arrays) for name in ("steps.npz", "samples.npz"))
    epochs, frames = (_read_file(folder / name, _read_table) for name in ("epochs.csv", "frames.csv"))
    if list(samples) != ["images"]:
        raise broken(folder, f"images in samples.npz, found {', '.join(samples)}")
    images = samples["images"]
    record = Record(**header, epochs=epochs, frames=frames, steps=steps, images=images)
    _check_tables(record, experiment, folder)
    return record


def _read_file(path, read):
    """What `read` returns of one file of a record; a damaged one raises one of many types."""
    try:
        return read(path)
    except RecordError:
        raise
    except PermissionError as error:
        raise schema.unreadable(path.parent, error) from error
    except Exception as error:
        raise broken(path.parent, f"{path.name} to be whole, found {type(error).__name__}: {error}") from error


def _read_table(path):
    if not path.read_bytes().endswith(b"\n"):
        raise broken(path.parent, f"whole lines in {path.name}, found the last one cut")
    return pd.read_csv(path)


def read_arrays(path):
    """The arrays of an .npz, without pickles."""
    with np.load(path, allow_pickle=False) as archive:
        return dict(archive)


def _check_tables(record, experiment, folder):
    """Check tables and arrays against the settings.

    Raises:
        RecordError: naming the folder, what was expected and what was found.
    """
    finished = record.status == "finished"
    metrics = [name for name in schema.METRICS if name not in schema.OPTIONAL_METRICS or name in record.epochs]
    _check_columns(record.epochs, ["epoch", "seconds", *STEP_NAMES, *metrics], "epochs.csv", folder)
    _check_columns(
        record.frames, ["step", *(schema.QUICK_METRICS if experiment.frame_images else ())], "frames.csv", folder
    )
    if finished:
        _check_values(record, experiment, folder)
    count = len(record.epochs)
    if list(record.epochs["epoch"]) != list(range(1, count + 1)) or not 1 <= count <= experiment.epochs:
        raise broken(folder, f"epochs 1 to {experiment.epochs} in epochs.csv, found {list(record.epochs['epoch'])}")
    if finished and count != experiment.epochs:
        raise broken(folder, f"{experiment.epochs} lines in epochs.csv, found {count}")
    _check_steps(record, experiment, finished, folder)
    planned = experiment.frame_steps
    taken = list(record.frames["step"])
    if taken != planned[: len(taken)] or (finished and taken != planned):
        raise broken(folder, f"frames at the steps {planned} in frames.csv, found {taken}")
    images = record.images
    pixels = pixel_shape(experiment)
    shaped = images.ndim > 2 and len(images) == len(taken) and images.shape[1] and images.shape[2:] == pixels
    if images.dtype != np.uint8 or not shaped:
        expected = f"uint8 ({len(taken)}, latents, {', '.join(map(str, pixels))}) samples, a line of frames.csv each"
        raise broken(folder, f"{expected}, found {images.dtype} {images.shape}")


def _check_values(record, experiment, folder):
    """Check the numbers of a finished run: in range, and the last of them those of record.json."""
    judged = record.epochs["epoch"].map(experiment.is_judged)
    for name, table in {"epochs.csv": record.epochs, "frames.csv": record.frames}.items():
        for column in table:
            low, high = schema.METRICS.get(column, (-np.inf, np.inf))
            values = table[column].to_numpy(float)
            if name == "epochs.csv" and column in schema.METRICS:
                if not np.isnan(values[~judged]).all():
                    raise broken(folder, f"no {column} in {name} of an epoch that was not judged, found some")
                values = values[judged]
            if not (np.isfinite(values).all() and (low <= values).all() and (values <= high).all()):
                raise broken(folder, f"{column} in {name} from {low:g} to {high:g}, found others")
    last = record.epochs.iloc[-1]
    other = [name for name, value in record.metrics.items() if not np.isclose(last[name], value, rtol=1e-7, atol=1e-9)]
    if other:
        raise broken(folder, f"in the last line of epochs.csv what record.json has, found other {', '.join(other)}")


def _check_columns(table, columns, name, folder):
    if list(table) != columns:
        raise broken(folder, f"the columns {', '.join(columns)} in {name}, found {', '.join(map(str, table))}")
    words = [column for column in table if len(table) and not pd.api.types.is_numeric_dtype(table[column])]
    if words:
        raise broken(folder, f"numbers in {name}, found other text under {', '.join(words)}")


def _check_steps(record, experiment, finished, folder):
    most = len(record.epochs) * experiment.steps_per_epoch // experiment.steps_per_execution
    if sorted(record.steps) != sorted(STEP_NAMES):
        raise broken(folder, f"{', '.join(STEP_NAMES)} in steps.npz, found {', '.join(record.steps)}")
    lengths = {len(values) if values.ndim == 1 and values.dtype == np.float32 else None
               for values in record.steps.values()}  # fmt: skip
    if len(lengths) != 1 or None in lengths or not 1 <= (length := lengths.pop()) <= most:
        shapes = {name: f"{values.dtype} {values.shape}" for name, values in record.steps.items()}
        raise broken(folder, f"float32 ({most},) arrays in steps.npz, found {shapes}")
    if finished and (length != most or not all(np.isfinite(values).all() for values in record.steps.values())):
        raise broken(folder, f"{most} finite steps of a finished run in steps.npz, found {length} or others")
