"""Campaigns: what is missing of many runs, one after another or on a Dask cluster."""

import contextlib
from pathlib import Path
import time

import helpers  # noqa: F401  TensorFlow, quietly
import keras

from study import files, machine, records, training
from study.settings import RECORDED


def run(planned, results=RECORDED, verbose="auto", workers=1, cluster=None, threads=1):
    """Run what is not yet recorded, and say what comes of each and how long the rest will take.

    A run that fails (its loss is not finite) is recorded as failed and the others go on. Stopped
    or killed at any time, the same call takes up each unfinished run after its last whole epoch.

    Args:
        planned: experiments, for instance from `plans.experiments`.
        results: folder of the records. A cluster's machines must share it, under the same path.
        verbose: as in Keras' `fit`; with several workers there is no progress bar.
        workers: how many runs at a time on this machine.
        cluster: address of the scheduler of a Dask cluster to use instead. Its messages are pickled:
            use one on a network that you trust.
        threads: of each run, whatever the number of workers: they are part of the bits of a run. A
            cluster's workers need TF_NUM_INTRAOP_THREADS set to it where they are started.

    Returns:
        The records, in the order of `planned`.

    Raises:
        ValueError: fewer than one worker; a record that is damaged or of other settings (with
            several workers only after all other runs).
        ImportError: several workers or a cluster without Dask installed.
        OSError: the results folder or the cluster cannot be reached.
    """
    if workers < 1:
        raise ValueError(f"Workers: expected 1 or more, found {workers}.")
    files.check_writable(results)
    if workers == 1 and not cluster:
        machine.use_threads(threads)
        return _run_here(planned, results, verbose)
    with _connect(workers, cluster, threads) as client:
        return _run_on(client, planned, Path(results).absolute(), threads)


def _run_here(planned, results, verbose):
    progress, done = _Progress(planned, results), []
    for experiment in planned:
        progress.begin(experiment)
        done.append(_run_one(experiment, results, verbose))
        progress.end(experiment, done[-1])
    return done


def _run_one(experiment, results, verbose=0):
    record = training.run(experiment, results, verbose=verbose)
    keras.utils.clear_session()  # else each run's networks stay in memory
    return record


def _run_on(client, planned, results, threads):
    from distributed import as_completed

    progress = _Progress(planned, results)
    tasks = {_submit(client, experiment, results, threads): experiment for experiment in planned}
    errors = []
    for task in as_completed(tasks):  # a run whose worker dies is given to another one
        if task.status == "finished":
            experiment = tasks[task]
            progress.begin(experiment)
            progress.end(experiment, records.read(experiment.folder(results)))
        else:
            errors.append(task.exception())
            print(f"{tasks[task].name}: {errors[-1]}", flush=True)
    if errors:
        raise errors[0]
    return [records.read(experiment.folder(results)) for experiment in planned]


def _submit(client, experiment, results, threads):
    key = f"{experiment.profile}-{experiment.name}"
    return client.submit(_run_and_leave, experiment, results, threads, key=key)


def _run_and_leave(experiment, results, threads):
    """A worker's task: its record stays on disk, which the workers share with the caller."""
    machine.use_threads(threads)
    _run_one(experiment, results)


@contextlib.contextmanager
def _connect(workers, address, threads):
    """Client of the cluster at an address, or of one on this machine that ends with the block."""
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise ImportError(
            "Several workers: expected the package distributed, found none. "
            'Mend it with: python -m pip install -e ".[cluster]"'
        ) from error
    if address:
        with Client(address) as client:
            yield client
        return
    settings = {"env": {"TF_NUM_INTRAOP_THREADS": str(threads)}, "memory_limit": 0, "dashboard_address": None}
    with LocalCluster(n_workers=workers, threads_per_worker=1, **settings) as cluster, Client(cluster) as client:
        yield client


class _Progress:
    """Prints what begins and ends, with an estimate of the time left from the steps so far."""

    def __init__(self, planned, results):
        self.count, self.number = len(planned), 0
        missing = [experiment for experiment in planned if not experiment.folder(results).exists()]
        self.missing = {experiment: experiment.epochs * experiment.steps_per_epoch for experiment in missing}
        self.steps_left, self.steps_done, self.start = sum(self.missing.values()), 0, time.monotonic()
        print(f"{self.count} runs, {self.count - len(missing)} of them recorded already", flush=True)

    def begin(self, experiment):
        """Number and name of a run."""
        self.number += 1
        print(f"[{self.number}/{self.count}] {experiment.profile} {experiment.name}", flush=True)

    def end(self, experiment, record):
        """What came of it."""
        text = f"    {record.status} {record.reason}".rstrip()
        if experiment in self.missing:
            steps = self.missing.pop(experiment)
            self.steps_left, self.steps_done = self.steps_left - steps, self.steps_done + steps
            seconds = (time.monotonic() - self.start) / self.steps_done * self.steps_left
            text += f", {record.provenance['wall_seconds']:.0f} s; about {_duration(seconds)} left"
        print(text, flush=True)


def _duration(seconds):
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
