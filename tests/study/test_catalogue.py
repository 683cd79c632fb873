"""What is recorded of the runs, from the scalars alone."""

import dataclasses
import json
import shutil
import subprocess
import sys

import pytest

from study import __main__ as command
from study import catalogue, plans, schema, settings


def test_one_row_a_run(results, pair):
    rows, damaged = catalogue.rows(results)
    assert damaged == [] and [row["arm"] for row in rows] == ["plain", "moments"]
    for record, row in zip(pair, rows, strict=True):
        assert (row["name"], row["test"], row["status"], row["reason"]) == (record.name, 2, "finished", "")
        assert {name: row[name] for name in schema.METRICS} == record.metrics
        assert {name: row[name] for name in record.config} == record.config
        assert row["network"] == "dcgan"
        assert row["wall_seconds"] == record.provenance["wall_seconds"]


def test_status_counts_arms_and_damage_and_sees_no_drafts(copied, tiny):
    name = tiny(moment_weight=0.0).name
    (copied / "smoke" / name / "steps.npz").unlink()
    for unfinished in (".draft-run", ".partial-run"):
        (copied / "smoke" / unfinished).mkdir()
    (copied / "smoke" / "notes.txt").touch()
    shutil.copytree(copied / "smoke", copied / "live" / "smoke")
    counts = catalogue.status(copied)
    assert counts["valid"] == 1
    expected = {"profile": "smoke", "network": "dcgan", "learning_rate": 0.001, "arm": "moments", "seeds": "0"}
    assert counts["runs"] == [{**expected, "finished": 1, "failed": 0}]
    assert len(counts["damaged"]) == 1 and name in counts["damaged"][0]


def test_an_arm_is_named_by_its_penalty_and_a_rate_of_no_test_is_test_0(copied, tiny):
    for run in (tiny(penalty="mean"), tiny(learning_rate=0.5)):
        copy = shutil.copytree(tiny().folder(copied), run.folder(copied))
        header = json.loads((copy / "record.json").read_text())
        config = {**header["config"], "penalty": run.penalty, "learning_rate": run.learning_rate}
        (copy / "record.json").write_text(json.dumps({**header, "name": run.name, "config": config}))
    rows, damaged = catalogue.rows(copied)
    assert damaged == []
    assert {(row["test"], row["arm"]) for row in rows} == {(2, "plain"), (2, "moments"), (2, "mean"), (0, "moments")}
    text = catalogue.table_text(rows).splitlines()
    second = [["2", "0.001", arm] for arm in ("plain", "mean", "moments")]
    assert [line.split()[:3] for line in text[1:]] == [["0", "0.5", "moments"], *second]


def test_an_empty_folder_has_no_records_and_a_missing_one_is_named(tmp_path):
    counts = catalogue.status(tmp_path)
    assert (counts["valid"], counts["runs"], counts["damaged"]) == (0, [], [])
    (tmp_path / "file").touch()
    for missing in (tmp_path / "nowhere", tmp_path / "file"):
        with pytest.raises(FileNotFoundError, match="expected a folder of records, found none there"):
            catalogue.rows(missing)


def test_reading_scalars_loads_no_numpy():
    code = "import sys; from study import catalogue as c; c.rows(); print(*{'numpy', 'keras'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=settings.ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_repositorys_own_records():
    """More seeds may come; those that the notebooks rest on must stay. And each stays small."""
    counts, (rows, damaged) = catalogue.status(), catalogue.rows()
    assert counts["damaged"] == damaged == []
    assert counts["valid"] == len(rows) == sum(run["finished"] + run["failed"] for run in counts["runs"])
    planned = [*plans.experiments(seeds=range(10), profile="lesson"), *plans.experiments(profile="full")]
    planned += [run for name in ("ablations", "better") for run in plans.SETS[name].experiments(range(5))]
    assert {(run.profile, run.name) for run in planned} <= {(row["profile"], row["name"]) for row in rows}
    sizes = {folder: sum(path.stat().st_size for path in folder.iterdir())
             for folder in schema.find(settings.RECORDED, settings.PROFILES)}  # fmt: skip
    lean = {folder: size for folder, size in sizes.items() if settings.PROFILES[folder.parent.name].get("grid_images")}
    assert max(sizes.values()) <= 400_000 and max(lean.values(), default=0) <= 60_000
    assert sum(sizes.values()) <= 60_000_000


def test_a_planned_set_says_what_is_missing_and_a_run_of_other_settings_does_not_count(tmp_path, monkeypatch, tiny):
    runs = [tiny(seed=seed) for seed in range(4)]
    monkeypatch.setattr(catalogue.plans, "SETS", {"few": plans.Plan("?", (0, 1, 2, 3), lambda seed: [runs[seed]])})
    other = dataclasses.replace(runs[1], judged_images=30)
    monkeypatch.setattr(
        catalogue, "read_all", lambda *_: ([({"status": "finished"}, run) for run in (runs[0], other)], [])
    )
    (plan,) = catalogue.status(tmp_path)["plans"]
    assert (plan["planned"], plan["recorded"], plan["missing"]) == (4, 1, "seeds 1-3")
    assert "few                   1 of    4  missing: seeds 1-3" in catalogue.status_text(catalogue.status(tmp_path))


def test_numbers_in_short():
    assert [catalogue.ranges(numbers) for numbers in ([], [3], {0, 1, 2, 4, 7, 8})] == ["", "3", "0-2, 4, 7-8"]


def test_several_folders_are_pooled_and_each_trouble_is_named(copied, tiny, tmp_path, capsys):
    """Three students: a damaged record, a run that another one has too, and nothing of the profile."""
    anna, ben, cem = copied, shutil.copytree(copied, tmp_path / "ben"), tmp_path / "cem"
    cem.mkdir()
    plain, moments = tiny(moment_weight=0.0).name, tiny().name
    (anna / "smoke" / plain / "record.json").write_text("{")
    runs, troubles = catalogue.pooled([anna, ben, cem], "smoke")
    assert {run["name"] for run in runs} == {plain, moments} and len(runs) == 2
    told = [f"Record {anna / 'smoke' / plain}: expected", f"Run {moments}: expected in one folder, found in {anna} and"]
    for trouble, start in zip(troubles, [*told, f"Results folder {cem}: expected runs"], strict=True):
        assert trouble.startswith(start)
    line = ["table", "--profile", "smoke", "--results", str(anna), str(ben), str(cem)]
    assert command.main(line) == 0
    captured = capsys.readouterr()
    assert captured.out == f"Runs of profile smoke:\n{catalogue.table_text(runs)}\n"
    assert captured.err.splitlines() == [f"warning: {trouble}" for trouble in troubles]
    assert command.main(["table", "--profile", "smoke", "--results", str(cem), str(cem)]) == 2
    assert "expected some of profile smoke in" in capsys.readouterr().err
    assert command.main(["table", "--profile", "smoke", "--results", str(anna), str(tmp_path / "nowhere")]) == 2
    assert "nowhere: expected a folder of records" in capsys.readouterr().err
