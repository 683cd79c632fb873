"""What a run depends on besides its settings: threads, instructions, versions, the commit."""

import os
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest

from study import machine
from study.settings import ROOT


def test_threads_are_what_tensorflow_will_use(monkeypatch):
    import tensorflow as tf

    asked = tf.config.threading.get_intra_op_parallelism_threads()
    for named, expected in {"0": machine.cores(), "": machine.cores(), "3": 3}.items():
        monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", named)
        assert machine.threads() == (asked or expected)
    if not asked:
        for wrong in ("auto", "-1", "1.5"):
            monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", wrong)
            with pytest.raises(ValueError, match=f"TF_NUM_INTRAOP_THREADS: expected a whole number, found '{wrong}'"):
                machine.threads()


THREADS = """
import helpers, tensorflow as tf
from study import machine
print(machine.threads(), machine.cores())
machine.use_threads(2)
tf.constant(1.0) + 1.0
machine.use_threads(2)
print(machine.threads(), machine.provenance()["threads"])
try:
    machine.use_threads(1)
except ValueError as error:
    print(error)
"""


@pytest.mark.skipif(not shutil.which("taskset"), reason="needs taskset")
def test_threads_follow_the_process_until_they_are_set_and_are_set_before_the_first_computation():
    command = ["taskset", "-c", str(min(os.sched_getaffinity(0))), sys.executable, "-c", THREADS]
    clean = {name: value for name, value in os.environ.items() if name != "TF_NUM_INTRAOP_THREADS"}
    printed = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, check=True).stdout
    bound, chosen, refused = printed.splitlines()
    assert bound == "1 1"  # one processor, whatever the machine has
    assert chosen == "2 2"
    assert refused.startswith("Threads: expected 1, found TensorFlow at work with 2. Mend it in a new process")


def test_provenance_says_what_the_bits_depend_on(monkeypatch):
    found = machine.provenance()
    assert set(machine.BITS) | {"python", "scipy", "scikit-learn", "system", "device", "cores", "commit"} <= set(found)
    assert found["keras"] == keras.__version__ and found["numpy"] == np.__version__
    assert found["threads"] == machine.threads() and found["cores"] == machine.cores()
    assert found["instructions"] in (*machine.INSTRUCTIONS, "unknown")
    for name in machine.KERNEL_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    assert machine.provenance()["kernels"] == "default"
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    monkeypatch.setenv("XLA_FLAGS", "--xla_x")
    assert machine.provenance()["kernels"] == "TF_ENABLE_ONEDNN_OPTS=0, XLA_FLAGS=--xla_x"


@pytest.mark.skipif(not shutil.which("git") or not (ROOT / ".git").exists(), reason="needs a checkout")
def test_the_commit_is_that_of_this_code_whatever_git_is_told(monkeypatch, tmp_path):
    expected = machine.commit()
    assert len(expected.rstrip("+")) == 12 and int(expected.rstrip("+"), 16)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))  # as in a hook of another repository
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    assert machine.commit() == expected
