"""Records on disk: what is written is read, and what could not be read is not written (damage: test_schema.py)."""

import dataclasses
import json
import shutil

import numpy as np
import pandas as pd
import pytest

from study import records, schema


@pytest.fixture(scope="module")
def record(tiny):
    """A record of six steps and three frames, its numbers awkward to write down."""
    generator = np.random.default_rng(0)
    experiment = tiny()
    metrics = dict.fromkeys(schema.METRICS, 1 / 3) | {"precision": 0.1 + 0.2, "frechet_distance": 1e9 / 3}
    steps = {name: generator.normal(size=6).astype(np.float32) for name in schema.STEP_NAMES}
    epochs = {"epoch": [1, 2], "seconds": [0.25, 0.5], **{name: steps[name][[2, 5]] for name in steps}}
    provenance = {**dict.fromkeys(schema.PROVENANCE, ""), "device": "a processor – with a dash", "threads": 2}
    return records.Record(
        name=experiment.name,
        config=dataclasses.asdict(experiment),
        status="finished",
        reason="",
        metrics=metrics,
        provenance={**provenance, "wall_seconds": 1.5, "of our own": [1]},
        epochs=pd.DataFrame({**epochs, **{name: [np.float32(1e-9), value] for name, value in metrics.items()}}),
        frames=pd.DataFrame({"step": [0, 3, 6], **{name: [1 / 3, 1.5, 0.1] for name in schema.QUICK_METRICS}}),
        steps=steps,
        images=generator.integers(0, 256, (3, 4, 28, 28), dtype=np.uint8),
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory, record):
    """Where that record has been written; read only."""
    folder = tmp_path_factory.mktemp("written") / "smoke" / record.name
    records.write(folder, record)
    return folder


def test_what_is_written_is_read_a_failed_run_too_and_comes_in_the_same_bytes(written, record, tmp_path, same_bits):
    assert sorted(path.name for path in written.iterdir()) == sorted(schema.FILES)
    header = json.loads((written / "record.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert header["schema_version"] == schema.SCHEMA_VERSION
    steps = {name: np.float32([*values[:3], np.nan]) for name, values in record.steps.items()}
    changes = {"frames": record.frames[:2], "images": record.images[:2], "steps": steps, "metrics": {}}
    failed = dataclasses.replace(record, status="failed", reason="it was nan", **changes)
    for folder, expected in ((tmp_path / "again" / record.name, record), (tmp_path / "failed" / record.name, failed)):
        records.write(folder, expected)
        found = records.read(folder)
        same_bits(found, expected)
        assert (found.name, found.provenance) == (expected.name, expected.provenance)
        for name in ("epochs", "frames"):  # nine significant digits tell any two float32 apart
            tables = [getattr(one, name).astype(np.float32) for one in (found, expected)]
            pd.testing.assert_frame_equal(*tables, check_exact=True)
    for name in schema.FILES:
        assert (tmp_path / "again" / record.name / name).read_bytes() == (written / name).read_bytes()


def test_what_is_there_is_never_replaced(written, tmp_path, record):
    folder = shutil.copytree(written, tmp_path / written.name)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(FileExistsError, match="expected none yet"):
        records.write(folder, dataclasses.replace(record, reason="again"))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]  # and no draft is left


def test_a_record_that_could_not_be_read_is_not_written(tmp_path, record):
    nan = {"metrics": {**record.metrics, "precision": float("nan")}}
    for wrong in (nan, {"frames": record.frames[:2]}):  # in the header, in the tables
        with pytest.raises(schema.RecordError, match=f"^Record {tmp_path / record.name}: expected .*found"):
            records.write(tmp_path / record.name, dataclasses.replace(record, **wrong))
        assert list(tmp_path.iterdir()) == []


def test_compact_rounds_to_nearest_and_keeps_what_needs_no_rounding():
    for values in ([0.0, -1.5], [np.nan, np.inf, -np.inf], []):
        kept = records.compact(values)
        assert kept.dtype == np.float32 and np.array_equal(kept, np.float32(values), equal_nan=True)
    values = np.random.default_rng(0).normal(size=10_000).astype(np.float32)
    errors = (records.compact(values).astype(float) - values) / values
    assert np.abs(errors).max() <= 2.0**-16 and abs(errors.mean()) < 1e-6
    assert np.array_equal(records.compact(records.compact(values)), records.compact(values))
