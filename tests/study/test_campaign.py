"""Campaigns: what is recorded is not run again, and killed workers and commands lose no run."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from helpers import campaign, records, study
from helpers.experiment import ROOT

distributed = pytest.importorskip("distributed", reason="the optional dask[distributed] is not installed")


def wait_for(pattern, folder, process=None, seconds=240):
    """First path below `folder` that matches; the test fails if none comes."""
    for _ in range(seconds * 20):
        found = sorted(folder.glob(pattern))
        if found:
            return found[0]
        assert process is None or process.poll() is None, f"ended before any {pattern} was there"
        time.sleep(0.05)
    raise AssertionError(f"no {pattern} in {seconds} s")


@pytest.fixture
def cluster():
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, memory_limit=0, dashboard_address=None) as cluster:
        yield cluster


def worker_of(client, name):
    """Process number of the worker that a run's task is on."""
    addresses = [address for address, tasks in client.processing().items() if any(name in key for key in tasks)]
    return client.run(os.getpid, workers=addresses)[addresses[0]]


def test_a_killed_worker_loses_no_run(cluster, tmp_path, tiny, same_bits, capfd):
    planned = [tiny(seed=seed, epochs=4) for seed in range(3)]
    killed = []

    def kill_one():
        unfinished = wait_for("smoke/.partial-*/epoch-001", tmp_path).parent.name
        killed.extend(experiment for experiment in planned if experiment.name in unfinished)
        with distributed.Client(cluster) as client:
            os.kill(worker_of(client, killed[0].name), signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    killer.start()
    done = campaign.run(planned, tmp_path, cluster=cluster.scheduler_address)
    killer.join()
    printed = capfd.readouterr().out
    for experiment, record in zip(planned, done, strict=True):
        assert record.name == experiment.name and record.status == "finished"
        assert printed.count(f"smoke {experiment.name}\n    finished") == 1
    names = sorted(path.name for path in (tmp_path / "smoke").iterdir())
    assert names == sorted(experiment.name for experiment in planned)  # and no unfinished folder stays
    undisturbed = campaign.run(killed, tmp_path / "again", cluster=cluster.scheduler_address)
    same_bits(done[planned.index(killed[0])], undisturbed[0])


def test_workers_run_what_is_missing_only(tmp_path, tiny, results, pair, same_bits, capsys):
    records.write(tmp_path / "smoke" / tiny().name, pair[1])
    before = (tmp_path / "smoke" / tiny().name / "record.json").stat().st_mtime_ns
    done = campaign.run([tiny(), tiny(moment_weight=0.0)], tmp_path, workers=2)
    same_bits(done[0], pair[1])
    assert done[1].metrics.keys() == pair[0].metrics.keys()
    assert (tmp_path / "smoke" / tiny().name / "record.json").stat().st_mtime_ns == before
    assert capsys.readouterr().out.startswith("2 runs, 1 of them recorded already\n")


def test_an_error_on_a_worker_comes_after_the_other_runs(tmp_path, tiny, capsys):
    damaged = tmp_path / "smoke" / tiny().name
    damaged.mkdir(parents=True)
    with pytest.raises(records.RecordError, match=tiny().name):
        campaign.run([tiny(), tiny(seed=1)], tmp_path, workers=2)
    assert records.read(tmp_path / "smoke" / tiny(seed=1).name).status == "finished"


def test_a_killed_campaign_goes_on_and_runs_nothing_twice(tmp_path):
    command = [sys.executable, "-m", "helpers.study", "run", "--profile", "smoke", "--tests", "3"]
    command += ["--results", str(tmp_path), "--quiet"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        first = wait_for("smoke/lr*/record.json", tmp_path, process).parent
        wait_for("smoke/.partial-*/epoch-001", tmp_path, process)
        process.kill()
    recorded = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in first.iterdir()}
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "2 runs, 1 of them recorded already" in again.stdout
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in first.iterdir()} == recorded
    assert study.status(tmp_path)["damaged"] == [] and len(study.load_runs(tmp_path)) == 2


def test_progress_estimates_the_time_left(tmp_path, tiny, pair, monkeypatch, capsys):
    clock = iter([0.0, 60.0, 600.0])
    monkeypatch.setattr(campaign.time, "monotonic", lambda: next(clock))
    planned = [tiny(), tiny(epochs=4, seed=1), tiny(epochs=60, seed=2)]  # 6, 12 and 180 steps
    progress = campaign._Progress(planned, tmp_path)
    for experiment in planned[:2]:
        progress.begin(experiment)
        progress.end(experiment, pair[0])
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["3 runs, 0 of them recorded already", f"[1/3] smoke {tiny().name}"]
    seconds = pair[0].provenance["wall_seconds"]
    # 6 steps a minute leave 192 steps: 32 minutes; 18 steps in 10 minutes leave 180: 100 minutes.
    assert lines[2] == f"    finished, {seconds:.0f} s; about 32 min left"
    assert lines[4] == f"    finished, {seconds:.0f} s; about 1 h 40 min left"


@pytest.mark.parametrize("workers", [0, -1])
def test_workers_below_one_are_refused(workers, tmp_path, tiny):
    with pytest.raises(ValueError, match=f"Workers: expected 1 or more, found {workers}"):
        campaign.run([tiny()], tmp_path, workers=workers)


def test_several_workers_without_dask_say_how_to_get_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "distributed", None)
    arguments = ["run", "--profile", "smoke", "--workers", "2", "--results", str(tmp_path)]
    assert study.main(arguments) == 2
    assert 'pip install "dask[distributed]"' in capsys.readouterr().err


def test_a_cluster_that_is_not_there_is_named(tmp_path, tiny, monkeypatch, capsys):
    import dask

    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        arguments = ["run", "--profile", "smoke", "--cluster", "tcp://127.0.0.1:9", "--results", str(tmp_path)]
        assert study.main(arguments) == 2
    assert "127.0.0.1:9" in capsys.readouterr().err
