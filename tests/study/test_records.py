"""Records on disk: what is written is read, and what is damaged is named."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from helpers import records
from helpers.experiment import PROFILES, RECORDED


@pytest.fixture
def record():
    """A record of four steps and two frames, its numbers awkward to write down."""
    generator = np.random.default_rng(0)
    return records.Record(
        name="lr0.001-moments0.1-seed0",
        config={"learning_rate": 0.001, "moment_weight": 0.1, "profile": "smoke"},
        status="finished",
        reason="",
        metrics={"frechet_distance": 1 / 3, "precision": 0.1 + 0.2},
        provenance={"device": "a processor – with a dash", "wall_seconds": 1.5},
        epochs=pd.DataFrame({"epoch": [1, 2], "seconds": [0.25, 0.5], "mean_gap": np.float32([1 / 3, 1e-9])}),
        steps={name: generator.normal(size=4).astype(np.float32) for name in records.STEP_NAMES},
        images=generator.integers(0, 256, (2, 3, 28, 28), dtype=np.uint8),
        frames=pd.DataFrame({"step": [0, 4], "frechet_distance": [1e9 / 3, 1.5]}),
    )


@pytest.fixture
def folder(tmp_path, record):
    """Where that record has been written."""
    records.write(tmp_path / "smoke" / record.name, record)
    return tmp_path / "smoke" / record.name


def assert_equal(one, other):
    for field in ("name", "config", "status", "reason", "metrics", "provenance"):
        assert getattr(one, field) == getattr(other, field), field
    assert list(one.steps) == list(other.steps)
    for name in one.steps:
        assert one.steps[name].dtype == np.float32
        assert np.array_equal(one.steps[name], other.steps[name], equal_nan=True), name
    assert one.images.dtype == np.uint8 and np.array_equal(one.images, other.images)
    assert np.array_equal(one.frame_steps, other.frame_steps)
    assert np.allclose(one.frames, other.frames, rtol=1e-8, atol=0)
    # Nine significant digits tell any two float32 apart.
    pd.testing.assert_frame_equal(one.epochs.astype(np.float32), other.epochs.astype(np.float32), check_exact=True)


def test_what_is_written_is_read(folder, record):
    assert sorted(path.name for path in folder.iterdir()) == sorted(records.FILES)
    assert_equal(records.read(folder), record)


def test_a_failed_run_is_read_with_its_reason_and_nan(tmp_path, record):
    steps = {name: np.float32([1.0, np.nan]) for name in records.STEP_NAMES}
    failed = dataclasses.replace(record, status="failed", reason="it was nan", metrics={}, steps=steps)
    records.write(tmp_path / "failed", failed)
    assert_equal(records.read(tmp_path / "failed"), failed)


def test_the_header_is_strict_json(folder, record, tmp_path):
    header = json.loads((folder / "record.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert header["schema_version"] == records.SCHEMA_VERSION
    with pytest.raises(ValueError):  # NaN is no JSON
        records.write(tmp_path / "nan", dataclasses.replace(record, metrics={"precision": float("nan")}))
    assert not (tmp_path / "nan").exists()


def test_writing_again_replaces(folder, record):
    (folder / "left-over.txt").touch()
    records.write(folder, dataclasses.replace(record, reason="again"))
    assert records.read(folder).reason == "again"
    assert sorted(path.name for path in folder.iterdir()) == sorted(records.FILES)


def rewrite(path, **changes):
    """Change keys of a JSON file; None takes a key away."""
    header = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    path.write_text(json.dumps({key: value for key, value in header.items() if value is not None}))


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def resave(path, **changes):
    with np.load(path) as archive:
        arrays = {**archive, **changes}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})


DAMAGES = {
    "no record.json": (lambda folder: (folder / "record.json").unlink(), "found no record.json"),
    "no epochs.csv": (lambda folder: (folder / "epochs.csv").unlink(), "found no epochs.csv"),
    "no frames.csv": (lambda folder: (folder / "frames.csv").unlink(), "found no frames.csv"),
    "cut frames.csv": (lambda folder: cut(folder / "frames.csv"), "whole lines in frames.csv"),
    "a frame less": (lambda folder: (folder / "frames.csv").write_text("step\n0\n"), "samples, a line of frames"),
    "no steps.npz": (lambda folder: (folder / "steps.npz").unlink(), "found no steps.npz"),
    "no samples.npz": (lambda folder: (folder / "samples.npz").unlink(), "found no samples.npz"),
    "cut record.json": (lambda folder: cut(folder / "record.json"), "JSONDecodeError"),
    "cut steps.npz": (lambda folder: cut(folder / "steps.npz"), "files that can be read"),
    "cut samples.npz": (lambda folder: cut(folder / "samples.npz"), "files that can be read"),
    "empty epochs.csv": (lambda folder: (folder / "epochs.csv").write_text(""), "whole lines in epochs.csv"),
    "other schema": (lambda folder: rewrite(folder / "record.json", schema_version=1), "schema 2, found 1"),
    "no schema": (lambda folder: rewrite(folder / "record.json", schema_version=None), "schema 2, found None"),
    "other status": (lambda folder: rewrite(folder / "record.json", status="running"), "a status of"),
    "no metrics": (lambda folder: rewrite(folder / "record.json", metrics=None), "expected the keys"),
    "unknown key": (lambda folder: rewrite(folder / "record.json", surprise=1), "TypeError"),
    "a list": (lambda folder: (folder / "record.json").write_text("[]"), "AttributeError"),
    "a series less": (lambda folder: resave(folder / "steps.npz", mean_gap=None), "mean_gap"),
    "float samples": (lambda folder: resave(folder / "samples.npz", images=np.zeros((2, 3, 28, 28))), "found float64"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named_with_its_folder(folder, damage):
    inflict, found = DAMAGES[damage]
    inflict(folder)
    with pytest.raises(records.RecordError) as caught:
        records.read(folder)
    message = str(caught.value)
    assert message.startswith(f"Record {folder}: expected ")
    assert found in message and "Mend it by deleting that folder" in message


def test_a_table_that_was_cut_is_damage(folder):
    cut(folder / "epochs.csv")
    with pytest.raises(records.RecordError, match="epochs.csv"):
        records.read(folder)


def test_no_folder_at_all_is_damage_too(tmp_path):
    with pytest.raises(records.RecordError, match="nothing-here"):
        records.read(tmp_path / "nothing-here")


def test_no_pickle_is_ever_loaded(folder):
    objects = np.array([[{}]], dtype=object)
    np.savez(folder / "steps.npz", **{name: objects for name in records.STEP_NAMES})
    with pytest.raises(records.RecordError, match="allow_pickle"):
        records.read(folder)


@pytest.mark.parametrize("below", ["", "results", "results/smoke"])
def test_a_file_where_a_folder_is_expected(tmp_path, record, below):
    # Not by permissions: the tests may run as root, for whom everything can be written.
    file = tmp_path / "file"
    file.write_text("keep me")
    with pytest.raises(PermissionError) as caught:
        records.write(file / below / "run", record)
    message = str(caught.value)
    assert f"Results folder {file / below}" in message and "expected one that can be written" in message
    assert "Mend it" in message and "STUDY_RESULTS" in message
    assert file.read_text() == "keep me"


def test_checking_a_folder_creates_it_and_leaves_nothing_in_it(tmp_path):
    records.check_writable(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_replacing_that_fails_leaves_the_old_folder(tmp_path):
    old = tmp_path / "run"
    old.mkdir()
    (old / "old.txt").write_text("old")
    with pytest.raises(RuntimeError, match="half way"):
        with records.replacing(old) as draft:
            (draft / "new.txt").write_text("new")
            raise RuntimeError("half way")
    assert [path.name for path in old.iterdir()] == ["old.txt"]
    assert (old / "old.txt").read_text() == "old"


def test_replacing_that_failed_can_be_done_again(tmp_path):
    for fails in (True, False):
        try:
            with records.replacing(tmp_path / "run") as draft:
                assert list(draft.iterdir()) == []  # nothing of the first attempt
                (draft / f"{fails}.txt").touch()
                if fails:
                    raise RuntimeError
        except RuntimeError:
            assert not (tmp_path / "run").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["False.txt"]


@pytest.mark.parametrize("values", [[0.0, -1.5], [np.nan, np.inf, -np.inf], []])
def test_compact_keeps_what_needs_no_rounding(values):
    kept = records.compact(values)
    assert kept.dtype == np.float32 and np.array_equal(kept, np.float32(values), equal_nan=True)


def test_compact_rounds_to_nearest():
    values = np.random.default_rng(0).normal(size=10_000).astype(np.float32)
    errors = (records.compact(values).astype(float) - values) / values
    assert np.abs(errors).max() <= 2.0**-16 and abs(errors.mean()) < 1e-6
    assert np.array_equal(records.compact(records.compact(values)), records.compact(values))


def test_the_same_record_gives_the_same_bytes(tmp_path, record):
    for name in ("one", "other"):
        records.write(tmp_path / name, record)
    for name in records.FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_the_repositorys_records_are_small():
    sizes = {
        folder: sum(path.stat().st_size for path in folder.iterdir()) for folder in records.find(RECORDED, PROFILES)
    }
    assert sizes and max(sizes.values()) <= 400_000
