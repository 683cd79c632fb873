"""Experiments trained together as a fleet, each recorded as if it had run alone.

KERAS_BACKEND=jax python -m helpers.study run --fleet --profile full --seeds 0 1 2 3 4 5 6 7 8 9
"""

import concurrent.futures
import dataclasses
import hashlib
import json
import math
import os
import shutil
import time
from pathlib import Path

import numpy as np

from helpers import classifier, data, journal, metrics, records
from helpers.experiment import RECORDED, Experiment
from helpers.fleet import Fleet
from helpers.machine import device_memory, provenance

FREE = ("learning_rate", "moment_weight", "seed", "penalty")  # the fields in which members may differ
CLASSIFIED_AT_ONCE = 2000


def run(planned, results=RECORDED, memory=None, keep_every=1, verbose=True, **settings):
    """Train what is not yet recorded, as few fleets as fit into memory, and record each run.

    Killed at any time, the same call takes up each fleet after the last epoch on disk, which is written
    while the next one is trained; on one CPU it ends with the same bits, on a GPU as far as the compiler
    chooses the same kernels again. A run's `wall_seconds` are its share of its fleet's time; provenance
    names size and settings of the fleet.

    Args:
        planned: experiments of the same sizes, for instance from `study.experiments`.
        results: folder of the records.
        memory: bytes that a fleet may take; without it, what the device has.
        keep_every: epochs between two states on disk, three times the weights each; the last needs none.
        verbose: print a line an epoch.
        settings: `convolution` and `precision`, as in `Fleet`.

    Returns:
        The `records.Record` of each experiment, in the order of `planned`.

    Raises:
        ValueError: nothing planned, sizes that differ, a setting out of range, or a record that is
            damaged or of other settings.
        MemoryError: not even one member fits.
        PermissionError: the results folder cannot be written.
    """
    planned, results = list(planned), Path(results)
    _check(planned, keep_every)
    missing = []
    for experiment in planned:
        if experiment.folder(results).exists():
            experiment.run(results)  # reads and validates
        else:
            records.check_writable(experiment.folder(results).parent)
            missing.append(experiment)
    if verbose:
        print(f"{len(planned)} runs, {len(planned) - len(missing)} of them recorded already", flush=True)
    if missing:
        images = data.load_mnist().train_images[: planned[0].train_images]
        for fleet, folder in _fleets(planned, missing, images, results, memory or device_memory(), settings):
            _Voyage(fleet, folder, keep_every, verbose).run(results)
    return [experiment.run(results) for experiment in planned]


def _check(planned, keep_every):
    if not planned:
        raise ValueError("A fleet: expected one experiment or more, found none.")
    sizes = {tuple((k, v) for k, v in dataclasses.asdict(e).items() if k not in FREE) for e in planned}
    if len(sizes) > 1:
        raise ValueError(f"A fleet: expected experiments that differ in {', '.join(FREE)} only, found {sorted(sizes)}.")
    if len(set(planned)) < len(planned):
        raise ValueError("A fleet: expected each experiment once, found one twice.")
    if keep_every < 1:
        raise ValueError(f"Epochs between two kept states: expected 1 or more, found {keep_every}.")


def _fleets(planned, missing, images, results, memory, settings):
    """Yield (fleet, folder of its journal): the unfinished ones first, then the rest in groups that fit."""
    left = list(missing)
    for folder in sorted((results / planned[0].profile).glob(".partial-fleet-*")):
        members, found = _read_header(folder)
        wanted = {**found, **{name: value for name, value in settings.items() if value}}
        if found == wanted and set(members) <= set(planned) and set(members) & set(left):
            left = [experiment for experiment in left if experiment not in members]
            yield Fleet(members, images, members[0].batch_size, **found), folder
    if left:
        for fleet in _fitting(left, images, memory, settings):
            digest = hashlib.sha256(repr((fleet.members, fleet.convolution, fleet.precision)).encode()).hexdigest()
            yield fleet, results / planned[0].profile / f".partial-fleet-{digest[:8]}"


def _fitting(members, images, memory, settings):
    """Yield fleets of as many of the members as fit into memory."""
    fleet = Fleet(members, images, members[0].batch_size, **settings)
    needed = fleet.needed_bytes(journal.frame_steps(members[0])[0])
    parts = math.ceil(needed / memory)
    if parts == 1:
        yield fleet
        return
    if len(members) == 1:
        raise MemoryError(f"A fleet of one: expected {needed / 1e9:.1f} GB of memory, found {memory / 1e9:.1f} GB.")
    size = math.ceil(len(members) / parts)
    for at in range(0, len(members), size):
        yield from _fitting(members[at : at + size], images, memory, settings)


def _read_header(folder):
    """Members and settings of the fleet whose journal a folder holds; none if it never began."""
    path = folder / "fleet.json"
    header = json.loads(path.read_text()) if path.is_file() else {"members": [], "settings": {}}
    return [Experiment(**member) for member in header["members"]], header["settings"]


class _Voyage:
    """The training of one fleet: one folder an epoch, whole or absent, then a record for each member."""

    def __init__(self, fleet, folder, keep_every, verbose):
        self.fleet, self.folder, self.keep_every, self.verbose = fleet, folder, keep_every, verbose
        self.members, self.sizes = fleet.members, fleet.members[0]
        self.settings = {"convolution": fleet.convolution, "precision": fleet.precision}
        self.failed = set()
        provenance()  # as it is now, should the code change while this runs
        metrics.real_features()  # now, since Keras must not predict in two threads at once

    def run(self, results):
        """Train from the last kept epoch on, then write the records."""
        first = self._resume()
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as judges, \
                concurrent.futures.ThreadPoolExecutor(1) as clerk:  # fmt: skip
            writing = None
            for epoch in range(first, self.sizes.epochs):
                if len(self.failed) == len(self.members):
                    break
                entry = self._train(epoch)
                if writing:
                    writing.result()
                # Judged and written while the device trains the next epoch.
                writing = clerk.submit(self._write, epoch, judges, *entry)
            if writing:
                writing.result()
        for member in self.members:
            if not member.folder(results).exists():
                records.write(member.folder(results), self._record(member))
        shutil.rmtree(self.folder)

    def _resume(self):
        """Load the last kept state, or start; return the number of the next epoch."""
        kept = [f for f in journal.folders(self.folder) if (f / "state").exists() or _number(f) == self.sizes.epochs]
        for later in journal.folders(self.folder):
            if not kept or later > kept[-1]:
                shutil.rmtree(later)  # it will be trained again, to the same numbers
        if not kept:
            self._begin()
            return 0
        self._header = json.loads((self.folder / "fleet.json").read_text())
        last = {member: self._epochs_of(member)[-1] for member in self.members}
        self.failed = {member for member, folder in last.items() if journal.failure(folder)}
        if (kept[-1] / "state").exists():
            self.fleet.restore([np.load(path) for path in sorted((kept[-1] / "state").iterdir())])
        return _number(kept[-1])

    def _begin(self):
        members = [dataclasses.asdict(member) for member in self.members]
        self._header = {"members": members, "settings": self.settings, "started": journal.now()}
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / "draft.json"
        draft.write_text(json.dumps(self._header))
        draft.replace(self.folder / "fleet.json")
        self.fleet.start()

    def _train(self, epoch):
        """Train one epoch; return its logs, what the classifier reads, the state to keep, and the seconds."""
        clock = time.perf_counter()
        logs = {member: journal.Epoch(member, epoch) for member in self.members if member not in self.failed}
        if epoch == 0:
            self._keep_frames(logs)
        self.fleet.begin_epoch(epoch)
        done = 0
        for step in journal.frame_steps(self.sizes):
            values = self.fleet.advance(step - done)
            if epoch + 1 < self.sizes.epochs:
                self.fleet.plan(epoch + 1)  # while the device works
            self._log_steps(logs, values)
            self._keep_frames(logs)
            done = step
        seconds = time.perf_counter() - clock
        for log in logs.values():
            log.row["seconds"] = seconds / len(self.members)
        readings = self._classify(logs)
        self.failed |= {member for member, log in logs.items() if log.failed}
        keep = (epoch + 1) % self.keep_every == 0 and epoch + 1 < self.sizes.epochs
        leaves = self.fleet.leaves() if keep else []
        if self.verbose:
            speed = len(self.members) * self.sizes.steps_per_epoch / seconds
            failed = f", {len(self.failed)} failed" if self.failed else ""
            text = f"fleet of {len(self.members)}: epoch {epoch + 1}/{self.sizes.epochs}, {speed:.3g} steps/s{failed}"
            print(text, flush=True)
        return logs, readings, leaves, time.perf_counter() - clock

    def _log_steps(self, logs, values):
        values = {name: np.asarray(column) for name, column in values.items()}
        for row, member in enumerate(self.members):
            for step in range(len(values["mean_gap"][row])):
                if member in logs and not logs[member].failed:
                    logs[member].add_step({name: column[row, step] for name, column in values.items()})

    def _keep_frames(self, logs):
        count = self.sizes.frame_images
        samples = self.fleet.generate(lambda seed: data.fixed_latents())
        judged = self.fleet.generate(lambda seed: journal.judged_latents(self.sizes, seed)[:count]) if count else None
        for row, member in enumerate(self.members):
            if member in logs:
                logs[member].add_frame(samples[row], judged[row] if count else ())

    def _classify(self, logs):
        """The judged images of each member that has not failed, and what the classifier reads on them."""
        images = self.fleet.generate(lambda seed: journal.judged_latents(self.sizes, seed))
        sound = [row for row, member in enumerate(self.members) if member in logs and logs[member].check(images[row])]
        if not sound:
            return {}
        labels, features = classifier.classify(np.concatenate(images[sound]), CLASSIFIED_AT_ONCE)
        pieces = zip(images[sound], np.split(labels, len(sound)), np.split(features, len(sound)), strict=True)
        return dict(zip([self.members[row] for row in sound], pieces, strict=True))

    def _write(self, epoch, judges, logs, readings, leaves, seconds):
        """Judge the members and write the epoch's folder; drop the states of earlier epochs."""
        scores = judges.map(lambda reading: _judge(*reading), readings.values())
        for member, score in zip(readings, scores, strict=True):
            logs[member].row |= score
        folder = self.folder / f"epoch-{epoch + 1:03d}"
        with records.replacing(folder) as draft:
            for member, log in logs.items():
                (draft / member.name).mkdir()
                log.write(draft / member.name, seconds / len(self.members))
            if leaves:
                (draft / "state").mkdir()
                for number, leaf in enumerate(leaves):
                    np.save(draft / "state" / f"{number:03d}.npy", leaf)
        if leaves:
            for earlier in journal.folders(self.folder):
                if earlier < folder:
                    shutil.rmtree(earlier / "state", ignore_errors=True)

    def _epochs_of(self, member):
        return [epoch / member.name for epoch in journal.folders(self.folder) if (epoch / member.name).exists()]

    def _record(self, member):
        details = {**self.settings, "fleet_members": len(self.members)}
        return journal.record(member, self._epochs_of(member), self._header["started"], details)


def _judge(images, labels, features):
    """All that a record holds of an epoch's images."""
    return {**metrics.judge_reading(labels, features), metrics.RATIO: metrics.variance_ratio(images)}


def _number(folder):
    return int(folder.name.removeprefix("epoch-"))
