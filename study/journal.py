"""The journal of an unfinished run: one folder an epoch, whole or absent; in the end one record.

<results>/<profile>/.partial-<name>-<digest>/
    run.json        when, with which code and on what machine the run began and went on
    epoch-00001/    row.json, steps.npz, samples.npz, weights.npz and hashes.json, which tells damage
"""

import dataclasses
import datetime
import hashlib
import json
import math
import os
import shutil

from helpers import data, metrics
import numpy as np
import pandas as pd

from study import datasets, files, machine, records
from study.schema import METRICS, QUICK_METRICS, STEP_NAMES

LOGS = ("row.json", "steps.npz", "samples.npz")
WEIGHTS = "weights.npz"
KEPT_WEIGHTS = 2  # of the last epochs: should the last be damaged, the run goes back by one


def now():
    """The time in UTC, to the second, as records tell it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def judged_latents(experiment):
    """The noise behind the images that are judged: float32 (judged_images, 100) in [-1, 1)."""
    return data.draw_latents(experiment.judged_images, data.JUDGED_LATENTS, experiment.seed)


class Epoch:
    """What one run writes down in one epoch.

    Args:
        experiment: the `Experiment` that runs.
        number: of the epoch, counted from 0.

    `failed` says why the run has failed, or is empty; what comes after a failure is not kept.
    """

    def __init__(self, experiment, number):
        self.experiment, self.number, self.failed = experiment, number, ""
        self.row = {"epoch": number + 1, "seconds": math.nan}
        self.steps = {name: [] for name in STEP_NAMES}
        self._frames, self._frame_rows = [], []

    def add_step(self, values):
        """Log a step, the last of those taken together: a number for each of `STEP_NAMES`, all finite or it fails."""
        for name in STEP_NAMES:
            self.steps[name].append(float(values[name]))
        bad = [name for name in STEP_NAMES if not math.isfinite(self.steps[name][-1])]
        if bad:
            self.failed = f"{bad[0]} was {self.steps[bad[0]][-1]} at step {self._step()}"

    def add_frame(self, samples, judged):
        """Keep a frame: images of the fixed latents, and those to judge quickly (none: no score)."""
        if self.check(samples) and self.check(judged):
            self._frames.append(data.unscale(samples))
            scores = metrics.judge_quickly(judged) if len(judged) else {}
            self._frame_rows.append({"step": self._step(), **scores})

    def judge(self, images):
        """Judge the images after the epoch, float32 in [-1, 1]; one not finite fails the run."""
        if self.check(images):
            self.row |= datasets.score(self.experiment.data, images)

    def check(self, images):
        """Whether the run goes on: it has not failed, and the generated images are finite."""
        if not self.failed and not np.isfinite(images).all():
            self.failed = f"the generated images were not finite after step {self._step()}"
        return not self.failed

    def _step(self):
        """Steps of the whole run so far."""
        logged = len(self.steps[STEP_NAMES[0]])
        return self.number * self.experiment.steps_per_epoch + logged * self.experiment.steps_per_execution

    def contents(self, total_seconds):
        """All of it, as `assemble` takes it: the row, the steps and the images."""
        last = {name: values[-1] for name, values in self.steps.items()}  # of the epoch's last step
        row = {**self.row, **last, "total_seconds": total_seconds, "failed": self.failed, "frames": self._frame_rows}
        shape = (len(self._frames), self.experiment.grid_images, *records.pixel_shape(self.experiment))
        steps = {name: records.compact(values) for name, values in self.steps.items()}
        return row, steps, np.array(self._frames, np.uint8).reshape(shape)

    def write(self, draft, total_seconds):
        """Write all of it into a folder."""
        row, steps, images = self.contents(total_seconds)
        (draft / "row.json").write_text(json.dumps(row), encoding="utf-8")
        np.savez(draft / "steps.npz", **steps)
        np.savez(draft / "samples.npz", images=images)


def assemble(experiment, rows, steps, images, provenance):
    """The `records.Record` of a run from what `Epoch.contents` gave of each epoch, in order."""
    table = pd.DataFrame(rows)
    frames = pd.DataFrame([frame for row in table.pop("frames") for frame in row])
    seconds = float(table.pop("total_seconds").sum())
    failed = table.pop("failed").iloc[-1]
    table = table.reindex(columns=["epoch", "seconds", *STEP_NAMES, *METRICS])
    return records.Record(
        name=experiment.name,
        config=dataclasses.asdict(experiment),
        status="failed" if failed else "finished",
        reason=failed,
        metrics={} if failed else {name: float(table.iloc[-1][name]) for name in METRICS},
        provenance={**provenance, "wall_seconds": round(seconds, 1)},
        epochs=table,
        frames=frames.reindex(columns=["step", *(QUICK_METRICS if experiment.frame_images else ())]),
        steps={name: np.concatenate([part[name] for part in steps]) for name in STEP_NAMES},
        images=np.concatenate(images),
    )


class Journal:
    """The finished epochs of a run on disk.

    Args:
        experiment: the `Experiment`.
        folder: where its journal stands, or will stand; only one process may use it.
    """

    def __init__(self, experiment, folder):
        self.experiment, self.folder = experiment, folder
        self.failed = ""

    def open(self, size):
        """Note that the run begins or goes on here; check that it may, and that the disk has room.

        Args:
            size: bytes of the weights, which are kept twice.

        Raises:
            ValueError: it began on another machine, or with other versions or threads.
            OSError: the disk has not enough room.
        """
        here = {**machine.provenance(), "started": now()}
        self.folder.mkdir(exist_ok=True)
        kept = sum(path.stat().st_size for path in self.folder.glob(f"epoch-*/{WEIGHTS}"))
        files.check_room(self.folder, max(size, (KEPT_WEIGHTS + 1) * size - kept))
        path = self.folder / "run.json"
        began = self._begun(path) if path.is_file() else [here]
        other = [name for name in machine.BITS if began[0][name] != here[name]]
        if other:
            expected, found = (", ".join(f"{name} {run[name]}" for name in other) for run in (began[0], here))
            raise ValueError(
                f"Unfinished run {self.folder}: expected what it began with, {expected}; found {found}. "
                "Mend it by continuing there and so, or start anew by deleting that folder."
            )
        self.sessions = began if began[-1] is here else [*began, here]
        draft = self.folder / ".run.json"
        draft.write_text(json.dumps(self.sessions), encoding="utf-8")
        os.replace(draft, path)

    def _begun(self, path):
        try:
            sessions = json.loads(path.read_text(encoding="utf-8"))
            if {"started", "commit", *machine.BITS} <= set(sessions[0]):
                return sessions
        except (ValueError, LookupError, TypeError):
            pass  # named below
        raise ValueError(
            f"Unfinished run {self.folder}: expected in run.json how it began, found it damaged. "
            "Mend it by deleting that folder, which starts the run anew."
        )

    def resume(self, variables):
        """Set the variables as they were after the last whole epoch; return how many epochs are done.

        A damaged epoch is named and left out, with those after it.
        """
        done = self._whole_epochs()
        while done:
            row = _read_row(done[-1])
            self.failed = row["failed"]
            if self.failed or self._load(done[-1], variables):
                break
            print(f"{done[-1]}: {WEIGHTS} is damaged or gone; going back by an epoch.", flush=True)
            done.pop()
        for folder in self._folders()[len(done) :]:
            shutil.rmtree(folder)
        return len(done)

    def _whole_epochs(self):
        """Folders of epochs 1, 2, … whose logs are as they were written."""
        done = []
        for number, folder in enumerate(self._folders(), 1):
            if folder.name != f"epoch-{number:05d}" or not all(_is_whole(folder, name) for name in LOGS):
                print(f"{folder}: a damaged epoch; going back to the one before.", flush=True)
                break
            done.append(folder)
        return done

    def _folders(self):
        return sorted(self.folder.glob("epoch-[0-9]*"), key=lambda folder: int(folder.name.split("-")[1]))

    def _load(self, folder, variables):
        if not _is_whole(folder, WEIGHTS):
            return False
        values = records.read_arrays(folder / WEIGHTS)
        for index, variable in enumerate(variables):
            variable.assign(values[f"arr_{index}"])
        return True

    def add(self, epoch, variables, total_seconds):
        """Write an epoch down, whole or not at all, with the weights after it unless the run has failed."""
        with files.placing(self.folder / f"epoch-{epoch.number + 1:05d}") as draft:
            epoch.write(draft, total_seconds)
            if not epoch.failed:
                np.savez(draft / WEIGHTS, *[np.asarray(variable) for variable in variables])
            hashes = {path.name: _hash(path) for path in draft.iterdir()}
            (draft / "hashes.json").write_text(json.dumps(hashes), encoding="utf-8")
        for earlier in self._folders()[:-KEPT_WEIGHTS]:
            (earlier / WEIGHTS).unlink(missing_ok=True)

    def record(self):
        """Return the `records.Record` of the epochs on disk."""
        folders = self._folders()
        return assemble(
            self.experiment,
            [_read_row(folder) for folder in folders],
            [records.read_arrays(folder / "steps.npz") for folder in folders],
            [records.read_arrays(folder / "samples.npz")["images"] for folder in folders],
            self._provenance(),
        )

    def _provenance(self):
        """Where and when the run began; and with which other code it went on, if with any."""
        first = self.sessions[0]
        commits = list(dict.fromkeys(session["commit"] for session in self.sessions))
        return {**first, **({"continued_with": commits[1:]} if commits[1:] else {})}

    def remove(self):
        """Remove the journal, if there is one."""
        if self.folder.is_dir():
            shutil.rmtree(self.folder)


def _read_row(folder):
    return json.loads((folder / "row.json").read_text(encoding="utf-8"))


def _is_whole(folder, name):
    """Whether a file of an epoch is as it was written."""
    try:
        hashes = json.loads((folder / "hashes.json").read_text(encoding="utf-8"))
        return hashes[name] == _hash(folder / name)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _hash(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
