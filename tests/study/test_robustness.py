"""Whole processes: two on one run, kills at any moment, a disk that fills up. One record, the same bits."""

import dataclasses
import json
import random
import shutil
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
record = training.run(Experiment(**json.loads(sys.argv[1])), sys.argv[2], verbose=0)
print(record.status, flush=True)
"""


def start(experiment, results):
    """A process that runs an experiment, once it has imported TensorFlow."""
    command = [sys.executable, "-c", RUN, json.dumps(dataclasses.asdict(experiment)), str(results)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n", process.stderr.read()
    return process


def left_behind(experiment, results):
    """What is in a profile's folder besides records and locks."""
    return [path.name for path in (results / experiment.profile).iterdir() if not path.name.startswith(("lr", ".lock"))]


def together(experiment, results, delay):
    """Run one experiment in two processes, the second some seconds later; return what they printed last."""
    one = start(experiment, results)
    time.sleep(delay)
    other = start(experiment, results)
    printed = [process.communicate(timeout=600) for process in (one, other)]
    assert [process.returncode for process in (one, other)] == [0, 0], printed
    return [out.split()[-1] for out, _ in printed]


@pytest.mark.parametrize("delay", [0.0, 1.0, 3.0])
def test_two_processes_on_one_run_leave_one_record_of_the_same_bits(tiny, pair, tmp_path, same_bits, delay):
    assert together(tiny(), tmp_path, delay) == ["finished", "finished"]
    same_bits(records.read(tiny().folder(tmp_path)), pair[1])
    assert left_behind(tiny(), tmp_path) == []


def kill_until_done(experiment, results, moments):
    """Run an experiment, killing it at each of some seconds after its start; then let it end."""
    killed = 0
    for seconds in moments:
        process = start(experiment, results)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        process.communicate()
    return training.run(experiment, results, verbose=0), killed


def test_a_run_killed_at_any_moment_ends_with_the_same_bits(tiny, tmp_path, same_bits):
    long = tiny(epochs=6)
    whole = training.run(long, tmp_path / "whole", verbose=0)
    moments = random.Random(0)
    record, killed = kill_until_done(long, tmp_path / "killed", [moments.uniform(0.1, 8.0) for _ in range(5)])
    assert killed
    same_bits(record, whole)
    assert left_behind(long, tmp_path / "killed") == []


def test_a_kill_between_record_and_clean_up_leaves_nothing_for_ever(tiny, pair, results, tmp_path):
    """As if the process had died when the record was written and the journal not yet removed."""
    shutil.copytree(results, tmp_path, dirs_exist_ok=True)
    folder = tiny().folder(tmp_path)
    journal = folder.with_name(f".partial-{tiny().name}-{tiny().digest}")
    journal.mkdir()
    (journal / "weights.npz").write_bytes(b"157 MB")
    before = (folder / "record.json").stat().st_mtime_ns
    assert training.run(tiny(), tmp_path).status == "finished"
    assert left_behind(tiny(), tmp_path) == [] and (folder / "record.json").stat().st_mtime_ns == before


FULL = """
import errno, json, sys
import numpy as np
from study import journal, training
from study.experiment import Experiment
real, written = np.savez, []
def savez(path, *arrays, **named):
    written.append(path)
    if len(written) == 6:  # in the second epoch
        open(path, "wb").write(b"a part")
        raise OSError(errno.ENOSPC, "No space left on device")
    real(path, *arrays, **named)
journal.np.savez = savez
try:
    training.run(Experiment(**json.loads(sys.argv[1])), sys.argv[2], verbose=0)
except OSError as error:
    print(error)
"""


def test_a_disk_that_fills_up_is_one_error_and_keeps_the_finished_epochs(tiny, pair, tmp_path, same_bits):
    command = [sys.executable, "-c", FULL, json.dumps(dataclasses.asdict(tiny())), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "expected room to write, found it full. Mend it by freeing some" in done.stdout
    journal = tiny().folder(tmp_path).with_name(f".partial-{tiny().name}-{tiny().digest}")
    assert [path.name for path in journal.glob("epoch-*")] == ["epoch-00001"]
    assert not list(journal.glob(".draft-*")) and not schema.find(tmp_path, ["smoke"])
    same_bits(training.run(tiny(), tmp_path, verbose=0), pair[1])
