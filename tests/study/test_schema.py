"""What is damaged is named, with its folder, what was expected and what was found; and spoils no other record."""

import functools
import json
import shutil

import numpy as np
import pytest

from study import catalogue, records, schema
from study.settings import PROFILES, RECORDED


@pytest.fixture
def folder(results, tiny, tmp_path):
    """A copy of a recorded run, to be damaged."""
    shutil.copytree(results, tmp_path / "results")
    return tiny().folder(tmp_path / "results")


def rewrite(folder, changes):
    """Change keys of record.json, or write a text; a dict changes keys within, and None takes a key away."""
    path = folder / "record.json"
    if isinstance(changes, str):
        path.write_bytes(changes.encode("utf-8", "surrogateescape"))
        return
    header = json.loads(path.read_text(encoding="utf-8"))
    for key, value in changes.items():
        header[key] = {**header[key], **value} if isinstance(value, dict) and key in header else value
    path.write_text(json.dumps({key: value for key, value in header.items() if value is not None}))


def resave(folder, name, **changes):
    with np.load(folder / name) as archive:
        arrays = {**archive, **changes}
    np.savez(folder / name, **{name: array for name, array in arrays.items() if array is not None})


def replace(folder, name, old, new):
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))


TEXTS = ("", "[" * 200_000, "[]", "{", "null", '{"schema_version": 2}', "\udcff")
HEADERS = {
    "older schema": ({"schema_version": 1}, "schema 2, found 1"),
    "no schema": ({"schema_version": None}, "schema 2, found None"),
    "no name": ({"name": None}, "name in record.json, found None"),
    "other status": ({"status": "running"}, "a status of finished or failed"),
    "unknown key": ({"surprise": 1}, "found also surprise"),
    "no metrics": ({"metrics": []}, "metrics in record.json"),
    "a word for a metric": ({"metrics": {"recall": "much"}}, "recall as a number from 0 to 1"),
    "NaN for a metric": ({"metrics": {"recall": float("nan")}}, "recall as a number from 0 to 1"),
    "a metric too large": ({"metrics": {"coverage": 1.5}}, "coverage as a number from 0 to 1"),
    "an unknown metric": ({"metrics": {"beauty": 1.0}}, "the metrics frechet_distance"),
    "an unknown setting": ({"config": {"momentum": 0.9}}, "the settings of an experiment, found: Settings"),
    "NaN for a rate": ({"config": {"learning_rate": float("nan")}}, "Learning rate"),
    "a huge seed": ({"config": {"seed": 10**40}}, "Seed: expected an integer from 0"),
    "no threads": ({"provenance": {"threads": None}}, "threads in provenance, found None"),
    "NaN for seconds": ({"provenance": {"wall_seconds": float("nan")}}, "a finite wall_seconds"),
    "a metric that no float holds": ({"metrics": {"frechet_distance": 10**400}}, "frechet_distance as a number"),
    "seconds that no float holds": ({"provenance": {"wall_seconds": 10**400}}, "a finite wall_seconds"),
    "settings of another profile": ({"config": {"profile": "full"}}, "a record of profile smoke, found one of full"),
    "metrics of a failed run": ({"status": "failed"}, "no metrics of a failed run"),
    "a name of other settings": ({"name": "lr1-moments0-seed0"}, "a folder named like its settings"),
    "settings of another name": ({"config": {"seed": 5}}, "a folder named like its settings"),
    **{f"the text {text[:20]}": (text, "") for text in TEXTS},
}


def test_a_copy_of_a_folder_is_named_and_a_record_of_a_newer_version_not_called_damaged(folder):
    copy = folder.with_name(folder.name + " copy")
    shutil.copytree(folder, copy)
    rows, damaged = catalogue.rows(folder.parent.parent)
    assert len(rows) == 2 and len(damaged) == 1
    assert str(copy) in str(damaged[0]) and "moving that folder away (if it is a copy)" in str(damaged[0])
    rewrite(folder, {"schema_version": 3})
    with pytest.raises(schema.NewerSchemaError, match="a newer version of the code wrote it") as caught:
        records.read(folder)
    assert "moving" not in str(caught.value)


def cut_last(path):
    """Empty the last cell of a table."""
    path.write_text(path.read_text().rstrip("\n").rpartition(",")[0] + ",\n")


DAMAGES = {
    **{case: (functools.partial(rewrite, changes=changes), found) for case, (changes, found) in HEADERS.items()},
    "no epochs": (lambda f: (f / "epochs.csv").unlink(), "found no epochs.csv"),
    "garbage": (lambda f: (f / "epochs.csv").write_bytes(b"\x00\xff\xfe\n"), "epochs.csv"),
    "an epoch less": (lambda f: replace(f, "epochs.csv", "\n1,", "\n2,"), "epochs 1 to 2 in epochs.csv"),
    "another column": (lambda f: replace(f, "epochs.csv", "recall", "memory"), "the columns epoch"),
    "a word": (lambda f: replace(f, "frames.csv", "\n3,", "\nthree,"), "numbers in frames.csv"),
    "no step": (lambda f: replace(f, "frames.csv", "step", "when"), "the columns step"),
    "another step": (lambda f: replace(f, "frames.csv", "\n3,", "\n4,"), r"frames at the steps \[0, 3, 6\]"),
    "a cut line": (lambda f: replace(f, "frames.csv", "\n3,", "\n3"), "frames.csv|columns"),
    "a score missing": (lambda f: cut_last(f / "epochs.csv"), "variance_ratio in epochs.csv from 0 to inf"),
    "another end": (lambda f: rewrite(f, {"metrics": {"recall": 0.987}}), "what record.json has, found other recall"),
    "no latents": (lambda f: resave(f, "samples.npz", images=np.zeros((3, 0, 28, 28), np.uint8)), "uint8"),
    "short steps": (lambda f: resave(f, "steps.npz", mean_gap=np.zeros(3, np.float32)), r"float32 \(6,\) arrays"),
    "float64 steps": (lambda f: resave(f, "steps.npz", mean_gap=np.zeros(6)), r"float32 \(6,\) arrays"),
    "a series less": (lambda f: resave(f, "steps.npz", mean_gap=None), "mean_gap"),
    "NaN in steps": (lambda f: resave(f, "steps.npz", mean_gap=np.full(6, np.nan, np.float32)), "6 finite steps"),
    "a frame less": (lambda f: resave(f, "samples.npz", images=np.zeros((2, 40, 28, 28), np.uint8)), "uint8"),
    "float samples": (lambda f: resave(f, "samples.npz", images=np.zeros((3, 40, 28, 28))), "found float64"),
    "cut samples": (lambda f: (f / "samples.npz").write_bytes(b"PK\x03\x04"), "samples.npz to be whole"),
    "a pickle": (lambda f: resave(f, "steps.npz", mean_gap=np.array([{}], object)), "allow_pickle"),
}


@pytest.mark.parametrize("case", DAMAGES)
def test_what_is_damaged_is_named_and_hides_no_other_record(folder, case):
    damage, found = DAMAGES[case]
    damage(folder)
    with pytest.raises(schema.RecordError, match=f"Record .*expected .*({found})") as caught:
        records.read(folder)
    if case in HEADERS:
        assert str(caught.value).startswith(f"Record {folder}: expected ") and "Mend it" in str(caught.value)
        rows, damaged = catalogue.rows(folder.parent.parent)
        assert len(rows) == 1 and [str(error) for error in damaged] == [str(caught.value)]


def test_every_record_of_the_repository_is_valid():
    assert len([records.read(folder) for folder in schema.find(RECORDED, PROFILES)]) >= 196
