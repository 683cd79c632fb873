"""The journal of an unfinished run: one folder an epoch, whole or absent; in the end one record."""

import dataclasses
import datetime
import math

import numpy as np
import pandas as pd

from helpers import data, metrics, records
from helpers.machine import provenance


def now():
    """The time in UTC, to the second, as records tell it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def judged_latents(experiment, seed=None):
    """The noise behind the images that are judged: float32 (judged_images, 100) in [-1, 1).

    Args:
        experiment: the `Experiment`, for the number.
        seed: integer >= 0; without one, the experiment's.
    """
    return data.draw_latents(experiment.judged_images, data.JUDGED_LATENTS, experiment.seed if seed is None else seed)


def frame_steps(experiment):
    """Steps of an epoch, counted from 1, after which a frame is kept; the last is the epoch's last."""
    every = experiment.steps_per_epoch / experiment.frames_per_epoch
    return [round(every * k) for k in range(1, experiment.frames_per_epoch + 1)]


def folders(folder):
    """The folders of the finished epochs, in order."""
    return sorted(folder.glob("epoch-*"))


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
        self.steps = {name: [] for name in records.STEP_NAMES}
        self._frames, self._frame_rows = [], []

    def add_step(self, values):
        """Log one step: a dict with a number for each of `records.STEP_NAMES`. One not finite fails the run."""
        for name in records.STEP_NAMES:
            self.steps[name].append(float(values[name]))
        bad = [name for name in records.STEP_NAMES if not math.isfinite(self.steps[name][-1])]
        if bad:
            self.failed = f"{bad[0]} was {self.steps[bad[0]][-1]} at step {self._step()}"

    def add_frame(self, samples, judged):
        """Keep a frame: images of the fixed latents, and those to judge quickly (none: no score)."""
        if self.check(samples) and self.check(judged):
            self._frames.append(data.unscale(samples))
            scores = metrics.judge_quickly(judged) if len(judged) else {}
            self._frame_rows.append({"step": self._step(), **scores})

    def judge(self, images):
        """Judge the images after the epoch, float32 (n, 28, 28, 1); one not finite fails the run."""
        if self.check(images):
            self.row |= {**metrics.judge(images), metrics.RATIO: metrics.variance_ratio(images)}

    def check(self, images):
        """Whether the run goes on: it has not failed, and the generated images are finite."""
        if not self.failed and not np.isfinite(images).all():
            self.failed = f"the generated images were not finite after step {self._step()}"
        return not self.failed

    def _step(self):
        """Steps of the whole run so far."""
        return self.number * self.experiment.steps_per_epoch + len(self.steps[records.STEP_NAMES[0]])

    def write(self, draft, total_seconds):
        """Write all of it into an empty folder."""
        last = {name: values[-1] for name, values in self.steps.items()}
        row = {**self.row, **last, "total_seconds": total_seconds, "failed": self.failed}
        (draft / "row.json").write_text(pd.Series(row).to_json(double_precision=15))
        np.savez(draft / "steps.npz", **{name: records.compact(values) for name, values in self.steps.items()})
        shape = (len(self._frames), len(data.fixed_latents()), 28, 28)
        np.savez(draft / "samples.npz", images=np.array(self._frames, np.uint8).reshape(shape))
        pd.DataFrame(self._frame_rows).to_json(draft / "frames.json", orient="records", double_precision=15)


def failure(folder):
    """Why the run failed in the epoch of a folder; empty if it did not."""
    return _read_json(folder / "row.json").get("failed", "")


def record(experiment, epochs, started, details=None):
    """Return the `records.Record` of an experiment.

    Args:
        experiment: the `Experiment`.
        epochs: folders that `Epoch.write` filled, in order.
        started: when it began, for the provenance.
        details: dict of what else the provenance should say.
    """
    rows = pd.DataFrame([_read_json(folder / "row.json") for folder in epochs])
    steps = [_read_arrays(folder / "steps.npz") for folder in epochs]
    images = [_read_arrays(folder / "samples.npz")["images"] for folder in epochs]
    frames = [pd.read_json(folder / "frames.json", orient="records") for folder in epochs]
    seconds = float(rows.pop("total_seconds").sum())
    failed = rows.pop("failed").iloc[-1]
    rows = rows.reindex(columns=["epoch", "seconds", *records.STEP_NAMES, *metrics.RECORDED])
    frame_columns = ["step", *(metrics.QUICK_NAMES if experiment.frame_images else ())]
    return records.Record(
        name=experiment.name,
        config=dataclasses.asdict(experiment),
        status="failed" if failed else "finished",
        reason=failed,
        metrics={} if failed else {name: float(rows.iloc[-1][name]) for name in metrics.RECORDED},
        provenance={**provenance(), **(details or {}), "started": started, "wall_seconds": round(seconds, 1)},
        epochs=rows,
        frames=pd.concat(frames, ignore_index=True).reindex(columns=frame_columns),
        steps={name: np.concatenate([s[name] for s in steps]) for name in records.STEP_NAMES},
        images=np.concatenate(images),
    )


def _read_json(path):
    return pd.read_json(path, typ="series", convert_dates=False).to_dict()


def _read_arrays(path):
    with np.load(path, allow_pickle=False) as archive:
        return dict(archive)
