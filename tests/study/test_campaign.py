"""Campaigns: what is recorded is not run again, a failure stops nothing, and killed workers lose no run."""

import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest

from study import __main__ as command
from study import campaign, catalogue, load_runs, machine, records, schema, tables
from study.settings import ROOT


def test_a_failed_run_stops_nothing_and_has_no_metrics(tiny, results, pair, same_bits, tmp_path, capsys):
    shutil.copytree(results / "smoke" / tiny().name, tmp_path / "smoke" / tiny().name)
    planned = [tiny(learning_rate=1e30), tiny()]
    failed, next_one = campaign.run(planned, tmp_path, verbose=0, threads=machine.threads())
    printed = capsys.readouterr().out
    assert (failed.status, failed.reason) == ("failed", "generator_loss was nan at step 1")
    assert printed.startswith("2 runs, 1 of them recorded already\n[1/2] smoke lr1e+30-")
    assert f"failed {failed.reason}, " in printed and f"[2/2] smoke {next_one.name}\n    finished\n" in printed
    same_bits(next_one, pair[1])
    names = [name for name in schema.METRICS if name not in schema.OPTIONAL_METRICS]
    runs = load_runs(tmp_path).set_index("name")
    assert runs.loc[failed.name, ["status", "reason"]].tolist() == ["failed", failed.reason]
    assert runs.loc[failed.name, names].isna().all()
    shown = catalogue.cells(runs.loc[failed.name])
    assert shown["precision ↑"] == shown["entropy ↑"] == "failed"
    assert {run["failed"] for run in catalogue.status(tmp_path)["runs"]} == {0, 1}
    shutil.rmtree(tmp_path / "smoke" / tiny().name)
    assert {dtype.kind for dtype in load_runs(tmp_path)[names].dtypes} == {"f"}  # numbers, if every run failed


def test_progress_estimates_the_time_left(tmp_path, tiny, pair, monkeypatch, capsys):
    clock = iter([0.0, 60.0, 600.0])
    monkeypatch.setattr(campaign.time, "monotonic", lambda: next(clock))
    planned = [tiny(), tiny(epochs=4, seed=1), tiny(epochs=60, seed=2)]  # 6, 12 and 180 steps
    progress = campaign._Progress(planned, tmp_path)
    for experiment in planned[:2]:
        progress.end(experiment, pair[0])
    # 6 steps a minute leave 192 steps: 32 minutes; 18 steps in 10 minutes leave 180: 100 minutes.
    assert re.findall(r" s; about (.*) left", capsys.readouterr().out) == ["32 min", "1 h 40 min"]


def test_several_workers_without_dask_say_how_to_get_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert command.main(["run", "--profile", "smoke", "--workers", "2", "--results", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "Mend it with: python -m pip install" in error


def run_command(*arguments):
    """What a Python process prints that must end well."""
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


ALONE = """
import json, pathlib, sys
from study import campaign
from study.experiment import Experiment

for text in sys.argv[2:]:
    campaign.run([Experiment(**json.loads(text))], sys.argv[1], verbose=0)
    for status in pathlib.Path("/proc/self").glob("status"):
        print(status.read_text(), flush=True)
"""


def run_alone(planned, results):
    """Run experiments one after another in one fresh process; its state after each, where there is /proc."""
    return run_command("-c", ALONE, str(results), *(json.dumps(dataclasses.asdict(one)) for one in planned))


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="reads /proc")
def test_a_long_campaign_does_not_fill_the_memory(tiny, tmp_path):
    """The first runs fill caches and pools; what each later one adds must stay small: a run's weights are 52 MB."""
    printed = run_alone([tiny(seed=seed) for seed in range(6)], tmp_path)
    megabytes = [int(kilobytes) / 1024 for kilobytes in re.findall(r"VmRSS:\s+(\d+) kB", printed)]
    assert len(megabytes) == 6
    assert (megabytes[-1] - megabytes[2]) / 3 < 30, [f"{value:.0f} MB" for value in megabytes]


def wait_for(pattern, folder, process=None, seconds=240):
    """First path below `folder` that matches; the test fails if none comes."""
    for _ in range(seconds * 20):
        found = sorted(folder.glob(pattern))
        if found:
            return found[0]
        assert process is None or process.poll() is None, f"ended before any {pattern} was there"
        time.sleep(0.05)
    raise AssertionError(f"no {pattern} in {seconds} s")


@pytest.mark.slow
def test_a_killed_campaign_goes_on_and_runs_nothing_twice(tmp_path):
    arguments = ["-m", "study", "run", "--profile", "smoke", "--tests", "3", "--quiet", "--results", str(tmp_path)]
    with subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        first = wait_for("smoke/lr*/record.json", tmp_path, process).parent
        wait_for("smoke/.partial-*/epoch-00001", tmp_path, process)
        process.kill()
    recorded = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in first.iterdir()}
    assert "2 runs, 1 of them recorded already" in run_command(*arguments)
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in first.iterdir()} == recorded
    counts = catalogue.status(tmp_path)
    assert (counts["valid"], counts["damaged"]) == (2, [])
    assert {record.provenance["threads"] for record in tables.load_records(tmp_path)} == {1}


@pytest.fixture
def distributed():
    return pytest.importorskip("distributed", reason="the optional Dask is not installed")


@pytest.mark.slow
def test_a_killed_worker_loses_no_run(distributed, tmp_path, tiny, same_bits, capfd):
    planned, killed = [tiny(seed=seed, epochs=4) for seed in range(3)], []
    settings = {"memory_limit": 0, "dashboard_address": None, "env": {"TF_NUM_INTRAOP_THREADS": "1"}}

    def kill_one():
        unfinished = wait_for("smoke/.partial-*/epoch-00001", tmp_path).parent.name
        killed.extend(experiment for experiment in planned if experiment.name in unfinished)
        with distributed.Client(cluster) as client:
            (busy,) = (at for at, tasks in client.processing().items() if any(killed[0].name in key for key in tasks))
            os.kill(client.run(os.getpid, workers=[busy])[busy], signal.SIGKILL)

    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, **settings) as cluster:
        killer = threading.Thread(target=kill_one)
        killer.start()
        done = campaign.run(planned, tmp_path, cluster=cluster.scheduler_address)
        killer.join()
        undisturbed = campaign.run(killed, tmp_path / "again", cluster=cluster.scheduler_address)
    printed = capfd.readouterr().out
    for experiment, record in zip(planned, done, strict=True):
        assert record.name == experiment.name and record.status == "finished"
        assert printed.count(f"smoke {experiment.name}\n    finished") == 1 + (experiment in killed)  # undisturbed
    names = sorted(path.name for path in (tmp_path / "smoke").iterdir() if not path.name.startswith(".lock-"))
    assert names == sorted(experiment.name for experiment in planned)  # and no unfinished folder stays
    same_bits(done[planned.index(killed[0])], undisturbed[0])


@pytest.mark.slow
def test_one_worker_and_two_give_the_same_bits(distributed, tmp_path, tiny, same_bits):
    planned = [tiny(seed=seed) for seed in range(2)]
    run_alone(planned, tmp_path / "one")
    for experiment, two in zip(planned, campaign.run(planned, tmp_path / "two", workers=2), strict=True):
        one = records.read(experiment.folder(tmp_path / "one"))
        same_bits(one, two)
        assert one.provenance["threads"] == two.provenance["threads"] == 1


@pytest.mark.slow
def test_an_error_on_a_worker_comes_after_the_other_runs(distributed, tmp_path, tiny, pair, same_bits, capsys):
    plain = tiny(moment_weight=0.0)
    records.write(plain.folder(tmp_path), pair[0])
    tiny().folder(tmp_path).mkdir()
    with pytest.raises(schema.RecordError, match=tiny().name):
        campaign.run([tiny(), tiny(seed=1), plain], tmp_path, workers=2)
    assert records.read(tiny(seed=1).folder(tmp_path)).status == "finished"
    same_bits(records.read(plain.folder(tmp_path)), pair[0])
    printed = capsys.readouterr().out
    assert printed.startswith("3 runs, ") and f"smoke {plain.name}\n    finished\n" in printed
