"""Sets of runs, and what is recorded of them, from the scalars alone."""

import json
import shutil
import subprocess
import sys

import pytest

from study import catalogue, schema, settings
from study.experiment import Experiment


def test_experiments_come_pair_by_pair():
    planned = catalogue.experiments(seeds=(3, 4), profile="smoke")
    assert [(run.learning_rate, run.moment_weight, run.seed) for run in planned] == [
        (rate, weight, seed) for seed in (3, 4) for rate in (0.01, 0.001, 0.0001) for weight in (0.0, 0.1)
    ]
    assert {run.profile for run in planned} == {"smoke"}
    expected = [Experiment.of_test(2, True, 1, "lesson", moment_weight=0.3)]
    assert catalogue.experiments((2,), ("moments",), (1,), "lesson", moment_weight=0.3) == expected


NO_TESTS = [{"tests": (test,)} for test in (0, 4, "1", None)]


@pytest.mark.parametrize("wrong", [*NO_TESTS, {"arms": ("both",)}, {"seeds": (-1,)}, {"profile": "tiny"}])
def test_wrong_choices_are_named(wrong):
    with pytest.raises(ValueError, match="^(Test: expected 1, 2 or 3|(Arm|Seed|Profile): expected .*), found"):
        catalogue.experiments(**{"profile": "smoke", **wrong})


@pytest.mark.parametrize("name", catalogue.SETS)
def test_sets_of_variants_come_rate_by_rate_and_seed_by_seed(name):
    planned = catalogue.variants(catalogue.SETS[name], (0, 1, 2))
    assert {run.profile for run in planned} == {"ablation"} and len(set(planned)) == len(planned)
    first = len(catalogue.SETS[name][0][1])
    assert [run.seed for run in planned[: 2 * first]] == [0] * first + [1] * first


def test_one_row_a_run(results, pair):
    rows, damaged = catalogue.rows(results)
    assert damaged == [] and [row["arm"] for row in rows] == ["plain", "moments"]
    for record, row in zip(pair, rows, strict=True):
        assert (row["name"], row["test"], row["status"], row["reason"]) == (record.name, 2, "finished", "")
        assert {name: row[name] for name in schema.METRICS} == record.metrics
        assert {name: row[name] for name in record.config} == record.config
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
    assert counts["runs"] == [{"profile": "smoke", "test": 2, "arm": "moments", "finished": 1, "failed": 0}]
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
    assert catalogue.status(tmp_path) == {"valid": 0, "runs": [], "damaged": []}
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
    planned = [*catalogue.experiments(seeds=range(10), profile="lesson"), *catalogue.experiments(profile="full")]
    planned += [run for choice in catalogue.SETS.values() for run in catalogue.variants(choice, range(5))]
    assert {(run.profile, run.name) for run in planned} <= {(row["profile"], row["name"]) for row in rows}
    folders = schema.find(settings.RECORDED, settings.PROFILES)
    assert max(sum(path.stat().st_size for path in folder.iterdir()) for folder in folders) <= 400_000
