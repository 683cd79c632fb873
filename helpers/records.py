"""Recorded runs on disk: one folder a run, small, complete or absent.

<results>/<profile>/<name>/
    record.json     configuration, status, final metrics, provenance
    epochs.csv      one row an epoch: last-batch losses and gaps, metrics, seconds
    frames.csv      one row a frame: its step and, if the profile judges frames, quick scores
    steps.npz       discriminator_loss, generator_loss, mean_gap, variance_gap: float32 (steps,)
    samples.npz     images: uint8 (frames, latents, 28, 28), of the fixed latents
"""

import contextlib
import json
import os
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

SCHEMA_VERSION = 2
STEP_NAMES = ("discriminator_loss", "generator_loss", "mean_gap", "variance_gap")
FILES = ("record.json", "epochs.csv", "frames.csv", "steps.npz", "samples.npz")
KEYS = ("schema_version", "name", "config", "status", "metrics", "provenance")
STATUSES = ("finished", "failed")


class RecordError(ValueError):
    """A record that is incomplete, damaged or of another schema."""


@dataclass(frozen=True)
class Record:
    """One recorded run.

    `config` holds the fields of the `Experiment`, `status` is "finished" or "failed" (then
    `reason` says why), `metrics` the final judgement (empty if there was none), `provenance`
    versions, hardware, commit and wall time. `epochs` and `frames` are DataFrames, `steps` a dict
    of float32 arrays (steps,), `images` uint8 (frames, latents, 28, 28).
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


def compact(values):
    """Round numbers to float32 with 15 bits after the point (2e-5 relative): half the size on disk."""
    bits = np.asarray(values, np.float32).view(np.uint32)
    return ((bits.astype(np.uint64) + 0x80) & 0xFFFFFF00).astype(np.uint32).view(np.float32)


def write(folder, record):
    """Write a record so that it is there whole or not at all.

    Raises:
        PermissionError: the folder cannot be written.
    """
    header = {
        "schema_version": SCHEMA_VERSION,
        **{key: getattr(record, key) for key in (*KEYS[1:], "reason")},
    }
    with replacing(Path(folder)) as draft:
        text = json.dumps(header, indent=2, ensure_ascii=False, allow_nan=False)
        (draft / "record.json").write_text(text + "\n", encoding="utf-8")
        for name, table in {"epochs": record.epochs, "frames": record.frames}.items():
            table.to_csv(draft / f"{name}.csv", index=False, float_format="%.9g")
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
    try:
        return _read(folder)
    except RecordError:
        raise
    except Exception as error:  # a damaged file raises one of many types
        raise _broken(folder, f"files that can be read, found {type(error).__name__}: {error}") from error


def _read(folder):
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise _broken(folder, f"{', '.join(FILES)}, found no {', '.join(missing)}")
    header = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    if header.get("schema_version") != SCHEMA_VERSION:
        raise _broken(folder, f"schema {SCHEMA_VERSION}, found {header.get('schema_version')}")
    absent = [key for key in KEYS if key not in header]
    if absent or header["status"] not in STATUSES:
        raise _broken(folder, f"the keys {KEYS} and a status of {STATUSES}, found {sorted(header)}")
    with np.load(folder / "steps.npz", allow_pickle=False) as archive:
        steps = {name: archive[name] for name in STEP_NAMES}
    with np.load(folder / "samples.npz", allow_pickle=False) as archive:
        images = archive["images"]
    epochs, frames = (_read_table(folder / name) for name in ("epochs.csv", "frames.csv"))
    if images.dtype != np.uint8 or images.ndim != 4 or len(images) != len(frames):
        expected = f"uint8 ({len(frames)}, latents, 28, 28) samples, a line of frames.csv each"
        raise _broken(folder, f"{expected}, found {images.dtype} {images.shape}")
    if header["status"] == "finished" and len(epochs) != header["config"].get("epochs", len(epochs)):
        raise _broken(folder, f"{header['config']['epochs']} lines in epochs.csv, found {len(epochs)}")
    header.pop("schema_version")
    return Record(**{"reason": "", **header}, epochs=epochs, frames=frames, steps=steps, images=images)


def _read_table(path):
    if not path.read_bytes().endswith(b"\n"):
        raise _broken(path.parent, f"whole lines in {path.name}, found the last one cut")
    return pd.read_csv(path)


def _broken(folder, expected):
    return RecordError(
        f"Record {folder}: expected {expected}. Mend it by deleting that folder and running its experiment again."
    )


def find(results, profiles):
    """Return the folders <results>/<profile>/<name> that hold a record, or should, in order of name."""
    folders = [folder for profile in profiles for folder in Path(results).glob(f"{profile}/*")]
    return sorted(folder for folder in folders if folder.is_dir() and not folder.name.startswith("."))


@contextlib.contextmanager
def replacing(folder):
    """Yield an empty draft folder that takes the place of `folder` when the block succeeds."""
    check_writable(folder.parent)
    draft = folder.with_name(f".draft-{folder.name}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    yield draft
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(draft, folder)


def check_writable(folder):
    """Create `folder` if need be and make sure that it can be written.

    Raises:
        PermissionError: it cannot, with the reason and what to do.
    """
    folder = Path(folder)
    probe = folder / ".writable"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink(missing_ok=True)  # another run that starts now may have probed too
    except OSError as error:
        raise PermissionError(
            f"Results folder {folder}: expected one that can be written, found: {error.strerror}. "
            "Mend it by naming another, for instance STUDY_RESULTS=~/study-results."
        ) from error
