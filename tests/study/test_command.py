"""The command line: what it plans, what it refuses, what it prints where, and how it ends."""

import json
import os
from pathlib import Path
import shutil
import subprocess
import sys
from unittest import mock

import pytest

from study import __main__ as command
from study import bench, campaign, catalogue, notebooks, plans, probe, settings


@pytest.fixture
def asked(monkeypatch):
    """What `run` would run: the arguments of each call of `campaign.run`, which does nothing."""
    calls = []
    monkeypatch.setattr(campaign, "run", lambda *arguments: calls.append(arguments))
    return calls


def test_run_plans_what_is_asked_for_and_has_the_readers_folder_and_profile_and_one_thread(asked, monkeypatch):
    line = "run --tests 3 1 --arms moments --seeds 4 5 --profile lesson --results /x --quiet --threads 2 --workers 3"
    assert command.main(line.split()) == 0
    assert asked.pop() == (plans.experiments((3, 1), ("moments",), (4, 5), "lesson"), Path("/x"), 0, 3, None, 2)
    assert command.main(["run", "--moment-weight", "0.3"]) == 0
    expected = plans.experiments(profile="lesson", moment_weight=0.3)
    assert asked.pop() == (expected, settings.live_results(), "auto", 1, None, 1)
    monkeypatch.setenv("STUDY_RESULTS", "mine")
    monkeypatch.setenv("STUDY_PROFILE", "smoke")
    assert command.main(["run", "--cluster", "tcp://there:1"]) == 0
    expected = plans.experiments(profile="smoke")
    assert asked.pop() == (expected, settings.ROOT / "mine", "auto", 1, "tcp://there:1", 1)


def test_run_plans_a_set_or_penalties(asked):
    assert command.main("run --set better --seeds 0 1".split()) == 0
    assert asked.pop()[0] == plans.SETS["better"].experiments((0, 1))
    assert command.main("run --set first-post".split()) == 0
    assert asked.pop()[0] == plans.SETS["first-post"].experiments(range(10))
    assert command.main("run --tests 3 --penalties mean late --profile ablation --seeds 0 1".split()) == 0
    assert asked.pop()[0] == plans.experiments([3], ("mean", "late"), (0, 1), "ablation")


def test_run_takes_every_setting_of_an_experiment(asked):
    line = "run --rates 0.001 --network dense-2 --beta1 0.5 --mean-weight 0 --profile first-post"
    line += " --epochs 5 --judged-epochs 1 5 --discriminator-rate 0.004 --regularizer r1 --regularizer-weight 3"
    assert command.main(line.split()) == 0
    plain, variance = asked.pop()[0]
    shared = {"beta_1": 0.5, "network": "dense-2", "epochs": 5, "judged_epochs": (1, 5), "discriminator_rate": 0.004}
    for run in (plain, variance):
        assert {name: getattr(run, name) for name in shared} == shared
        assert (run.regularizer, run.regularizer_weight, run.learning_rate) == ("r1", 3.0, 0.001)
    assert (plain.arm, variance.arm) == ("plain+rates1:4+beta0.5+r1(3)", "variance+rates1:4+beta0.5+r1(3)")
    assert command.main("run --tests 2 --mean-weight 0.3 --variance-weight 1 --arms moments".split()) == 0
    ((run,), *_) = asked.pop()
    assert (run.moment_weight, run.variance_weight) == (0.3, 1.0)


def test_probing_a_set_is_of_all_its_seeds_and_else_of_both_arms_of_one(monkeypatch, tmp_path):
    probed = []
    monkeypatch.setattr(probe, "record", lambda run, *_: probed.append(run) or tmp_path)
    threads = f"--threads {campaign.machine.threads()}"
    assert command.main(f"probe --set terms-conv {threads}".split()) == 0
    assert probed == plans.SETS["terms-conv"].experiments()
    probed.clear()
    assert command.main(f"probe {threads}".split()) == 0
    assert probed == plans.experiments(profile="ablation")


SET = ["run", "--set", "better"]
REFUSED = {
    "a set with tests": [*SET, "--tests", "3"],
    "a set with arms": [*SET, "--arms", "plain"],
    "a set with penalties": [*SET, "--penalties", "mean"],
    "penalties with arms": ["run", "--penalties", "mean", "--arms", "plain"],
    "workers with a cluster": ["run", "--workers", "2", "--cluster", "tcp://127.0.0.1:9"],
    "a set with settings": [*SET, "--network", "dense-2"],
    "rates with tests": ["run", "--rates", "0.1", "--tests", "1"],
    "one weight for both and one apart": ["run", "--moment-weight", "0.3", "--mean-weight", "0.1"],
    "a weight that a regularizer has not": ["run", "--regularizer", "spectral", "--regularizer-weight", "3"],
    "judging no last epoch": ["run", "--judged-epochs", "1", "--epochs", "2"],
    "weights of neither": ["run", "--mean-weight", "0", "--variance-weight", "0"],
    "a weight of the plain arm": ["run", "--arms", "plain", "--moment-weight", "0.3", "--threads", "{threads}"],
    "notebooks with an address": ["notebooks", "3", "--address", "owner/name"],
    "storing with an address": ["notebooks", "--store", "--address", "owner/name"],
    "quick with rounds": ["bench", "--quick", "--rounds", "7"],
    "no weight": ["run", "--moment-weight", "0"],
    "a weight that is none": ["run", "--moment-weight", "nan"],
    "no worker": ["run", "--workers", "0"],
    "no thread": ["run", "--threads", "0"],
    "a file for a folder": ["run", "--results", "{file}", "--threads", "{threads}"],
    "no records": ["table", "--profile", "smoke", "--results", "{empty}"],
    "no such notebook": ["notebooks", "99"],
    "no address": ["notebooks", "--address", "nowhere"],
    "no rounds": ["bench", "--rounds", "0"],
    "probing a set with tests": ["probe", "--set", "better", "--tests", "1"],
    "probing a set with arms": ["probe", "--set", "better", "--arms", "plain"],
    "probing a set with a profile": ["probe", "--set", "better", "--profile", "lesson"],
    "a fleet on a cluster": ["run", "--engine", "jax", "--cluster", "tcp://127.0.0.1:9"],
    "a fleet with threads": ["run", "--engine", "jax", "--threads", "4"],
    "a quiet fleet": ["run", "--engine", "jax", "--quiet"],
    "probing never": ["probe", "--every", "0", "--profile", "smoke", "--threads", "{threads}", "--results", "{empty}"],
    "probing into a file": ["probe", "--profile", "smoke", "--threads", "{threads}", "--results", "{file}"],
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_would_do_nothing_or_cannot_be_done_is_one_line(case, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(campaign.training, "build", lambda experiment: pytest.fail("something was run"))
    monkeypatch.setattr(notebooks, "run", lambda *arguments: pytest.fail("a notebook was run"))
    monkeypatch.setattr(bench, "ProcessPoolExecutor", lambda *arguments: pytest.fail("it was timed"))
    stamp = notebooks.stamp
    monkeypatch.setattr(notebooks, "stamp", lambda address: stamp(address, tmp_path / "missing"))
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    places = {name: tmp_path / name for name in ("file", "empty", "missing")} | {"threads": campaign.machine.threads()}
    assert command.main([argument.format(**places) for argument in REFUSED[case]]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ") and captured.err.count("\n") == 1 and "expected" in captured.err


@pytest.mark.parametrize(("name", "value"), [("STUDY_PROFILE", "quick"), ("STUDY_RESULTS", "~nouser-of-this-name/x")])
def test_a_wrong_environment_is_one_line(name, value, monkeypatch, capsys, asked):
    monkeypatch.setenv(name, value)
    assert command.main(["run"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {name.replace('STUDY_PROFILE', 'Profile')}: expected") and error.count("\n") == 1
    assert f"found '{value}'" in error and "Mend it" in error and asked == []


UNKNOWN = ("run --tests 4", "run --arms both", "run --penalties none", "run --set x", "run --workers two")
HELP = [f"{name} --help" for name in ("", "run", "status", "table", "probe", "figures", "notebooks", "bench")]


@pytest.mark.parametrize("line", [*UNKNOWN, "table --profile x", "", *HELP])
def test_unknown_choices_are_refused_by_the_parser_and_every_command_has_its_help(line, capsys):
    with pytest.raises(SystemExit) as caught:
        command.main(line.split())
    printed = capsys.readouterr()
    code, usage = (0, printed.out) if line in HELP else (2, printed.err)
    assert caught.value.code == code and "usage: python -m study" in usage


def test_status_and_table_name_the_damaged_and_table_shows_one_profile(copied, tiny, capsys, monkeypatch):
    name = tiny(moment_weight=0.0).name
    (copied / "smoke" / name / "record.json").write_text("{")
    (copied / "smoke" / tiny().name / "steps.npz").write_bytes(b"PK")  # only a full read sees it
    assert command.main(["status", "--results", str(copied)]) == 0
    assert capsys.readouterr().out.startswith("0 records, 2 damaged\n")
    assert command.main(["status", "--json", "--results", str(copied)]) == 0
    counts = json.loads(capsys.readouterr().out)
    assert counts["valid"] == 0 and len(counts["damaged"]) == 2 and name in counts["damaged"][0]
    shutil.copytree(copied / "smoke", copied / "lesson")
    for path in (copied / "lesson").glob("*/record.json"):
        path.write_text(path.read_text().replace('"profile": "smoke"', '"profile": "lesson"'))
    monkeypatch.setenv("STUDY_PROFILE", "lesson")  # the one in force is the default
    assert command.main(["table", "--results", str(copied)]) == 0
    captured = capsys.readouterr()
    rows, _ = catalogue.rows(copied)
    shown = catalogue.table_text([row for row in rows if row["profile"] == "lesson"])
    assert captured.out == f"Runs of profile lesson:\n{shown}\n" and captured.out.count("0.001") == 1
    assert captured.err.count("warning: Record ") == 2 and name in captured.err


def test_notebooks_are_chosen_by_number_name_or_path(monkeypatch, tmp_path, capsys):
    ran = []
    monkeypatch.setattr(notebooks, "run", lambda path, target: ran.append(path.name))
    monkeypatch.setattr(notebooks, "EXECUTED", tmp_path)
    (third,) = notebooks.FOLDER.glob("03_*.ipynb")
    for named in ("3", "03", third.name, third.stem, str(third), f"notebooks/{third.name}"):
        assert command.main(["notebooks", named]) == 0
        assert ran == [third.name], named
        ran.clear()
    assert command.main(["notebooks", "7", "3", "3"]) == 0
    assert [name[:3] for name in ran] == ["03_", "07_"]


def test_an_interrupt_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(campaign, "run", mock.Mock(side_effect=KeyboardInterrupt))
    assert command.main(["run", "--profile", "smoke"]) == 130
    assert capsys.readouterr().err.strip() == "Stopped. The same command continues after the last finished epoch."


def table_into(stdout, **environment):
    """Have a process print the table, which must end well and say nothing besides."""
    line = [sys.executable, "-m", "study", "table", "--profile", "lesson"]
    environment = {**os.environ, **environment}
    done = subprocess.run(line, cwd=settings.ROOT, env=environment, stdout=stdout, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8"])
def test_a_table_goes_into_a_file_in_any_encoding(encoding, tmp_path):
    with (tmp_path / "table.txt").open("wb") as file:
        table_into(file, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    lines = (tmp_path / "table.txt").read_bytes().decode(encoding).splitlines()
    assert ("↓" in lines[1]) == (encoding == "utf-8") and "moments" in lines[2] + lines[-1]


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_who_has_had_enough_is_no_error(unbuffered):
    read, write = os.pipe()
    os.close(read)  # before anything is written: `head` never is as quick
    with os.fdopen(write, "wb") as pipe:
        table_into(pipe, PYTHONUNBUFFERED=unbuffered)
