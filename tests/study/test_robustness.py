"""Whole processes: two on one run, kills at any moment, a disk that fills up. One record, the same bits."""

import contextlib
import dataclasses
import json
import random
import signal
import subprocess
import sys
import time

import pytest

from study import records, schema, training
from study.settings import ROOT

pytestmark = pytest.mark.slow

RUN = """
import json, sys
from study import training
from study.experiment import Experiment
print("ready", flush=True)
try:
    print(training.run(Experiment(**json.loads(sys.argv[1])), sys.argv[2], verbose=0).status, flush=True)
except OSError as error:
    print(error)
"""
FILLS_UP = """
import errno
import numpy as np
from study import journal
real, written = np.savez, []
def savez(path, *arrays, **named):
    written.append(path)
    if len(written) == 6:  # in the second epoch
        open(path, "wb").write(b"a part")
        raise OSError(errno.ENOSPC, "No space left on device")
    real(path, *arrays, **named)
journal.np.savez = savez
"""


def begin(experiment, results, before=""):
    """A process that runs an experiment."""
    command = [sys.executable, "-c", before + RUN, json.dumps(dataclasses.asdict(experiment)), str(results)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def left_behind(experiment, results):
    """What is in a profile's folder besides records and locks."""
    return [path.name for path in (results / experiment.profile).iterdir() if not path.name.startswith(("lr", ".lock"))]


def partial(experiment, results):
    """The folder of its unfinished run."""
    return experiment.folder(results).with_name(f".partial-{experiment.name}-{experiment.digest}")


@pytest.mark.parametrize("delay", [0.0, 1.0, 3.0])
def test_two_processes_on_one_run_leave_one_record_of_the_same_bits(tiny, pair, tmp_path, same_bits, delay):
    one = begin(tiny(), tmp_path)
    time.sleep(delay)
    told = []
    for process in (one, begin(tiny(), tmp_path)):
        printed, errors = process.communicate(timeout=600)
        told.append("another process is at work on it; waiting until it ends" in printed)
        assert (process.returncode, printed.split()[-1:]) == (0, ["finished"]), errors
    assert any(told)  # they did meet
    same_bits(records.read(tiny().folder(tmp_path)), pair[1])
    assert left_behind(tiny(), tmp_path) == []


def test_a_run_killed_at_any_moment_ends_with_the_same_bits_and_leaves_nothing_for_ever(tiny, tmp_path, same_bits):
    long, killed, moments, ends = tiny(epochs=6), tmp_path / "killed", random.Random(0), []
    whole = training.run(long, tmp_path / "whole", verbose=0)
    for _ in range(5):
        process = begin(long, killed)
        assert process.stdout.readline() == "ready\n", process.stderr.read()  # once it has imported TensorFlow
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(moments.uniform(0.1, 8.0))
        process.kill()  # nothing happens to one that has ended
        ends.append(process.wait())
        process.communicate()
    assert -signal.SIGKILL in ends
    same_bits(training.run(long, killed, verbose=0), whole)
    assert left_behind(long, killed) == []
    # As if the process had died when the record was written and the journal not yet removed.
    partial(long, killed).mkdir()
    (partial(long, killed) / "weights.npz").write_bytes(b"157 MB")
    header = long.folder(killed) / "record.json"
    before = header.stat().st_mtime_ns
    assert training.run(long, killed).status == "finished"
    assert left_behind(long, killed) == [] and header.stat().st_mtime_ns == before


def test_a_disk_that_fills_up_is_one_error_and_keeps_the_finished_epochs(tiny, pair, tmp_path, same_bits):
    process = begin(tiny(), tmp_path, FILLS_UP)
    printed, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    assert "expected room to write, found it full. Mend it by freeing some" in printed
    journal = partial(tiny(), tmp_path)
    assert [path.name for path in journal.glob("epoch-*")] == ["epoch-00001"]
    assert not list(journal.glob(".draft-*")) and not schema.find(tmp_path, ["smoke"])
    same_bits(training.run(tiny(), tmp_path, verbose=0), pair[1])
