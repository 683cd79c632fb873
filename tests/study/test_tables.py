"""Records as tables: one row a run, an epoch or a frame; what is damaged is named and left out."""

import json
import shutil

import pytest

import study
from study import schema, tables

NAMES = [name for name in schema.METRICS if name not in schema.OPTIONAL_METRICS]
LABELS = ("test", "arm", "learning_rate", "moment_weight", "penalty", "seed", "profile")


def test_runs_epochs_and_frames_are_those_of_the_records(results, pair):
    runs, epochs, frames = study.load_runs(results), study.load_epochs(results), study.load_frames(results)
    assert runs["name"].tolist() == [record.name for record in pair]
    assert epochs.index.tolist() == list(range(4)) and set(LABELS) | set(schema.STEP_NAMES) <= set(epochs)
    assert set(LABELS) | {"name", "step"} <= set(frames)
    for arm, record in zip(("plain", "moments"), pair, strict=True):
        (run,) = runs[runs["arm"] == arm].to_dict("records")
        assert {name: run[name] for name in schema.METRICS} == record.metrics
        for table, expected in ((epochs, record.epochs), (frames, record.frames)):
            chosen = table[table["arm"] == arm]
            for name in LABELS:
                assert (chosen[name] == {**record.config, "test": 2, "arm": arm}[name]).all()
            for name in expected:
                assert chosen[name].tolist() == expected[name].tolist(), name


def test_older_records_have_the_default_penalty_and_no_ratio(copied):
    for path in (copied / "smoke").glob("*/record.json"):
        header = json.loads(path.read_text())
        del header["config"]["penalty"], header["metrics"]["variance_ratio"]
        path.write_text(json.dumps(header))
        table = tables.records.pd.read_csv(path.with_name("epochs.csv")).drop(columns="variance_ratio")
        table.to_csv(path.with_name("epochs.csv"), index=False)
    runs = study.load_runs(copied)
    assert runs["penalty"].tolist() == ["moments", "moments"] and runs["arm"].tolist() == ["plain", "moments"]
    assert runs["variance_ratio"].isna().all() and runs[NAMES].notna().all(axis=None)
    assert (study.load_epochs(copied)["penalty"] == "moments").all()


@pytest.mark.parametrize(("load", "left"), [("runs", 1), ("epochs", 2), ("frames", 3), ("records", 1)])
def test_a_damaged_record_is_named_and_left_out(copied, tiny, load, left):
    path = copied / "smoke" / tiny(moment_weight=0.0).name / "record.json"
    path.write_text("{")
    with pytest.warns(UserWarning, match=f"Record .*{path.parent.name}: expected .*Mend it") as caught:
        loaded = getattr(study, f"load_{load}")(copied)
    (warning,) = [one for one in caught if issubclass(one.category, UserWarning)]
    assert len(loaded) == left
    assert path.read_text() == "{"  # left as it is
    if load in ("runs", "records"):
        assert warning.filename == __file__  # where the reader called


def test_pairs_are_read_together_and_a_lonely_one_is_named(copied, pair, tiny, same_bits):
    (found,) = study.load_pairs(copied, "smoke", tests=(2,)).values()
    for one, other in zip(found, pair, strict=True):
        same_bits(one, other)
    shutil.rmtree(copied / "smoke" / tiny().name)
    with pytest.raises(ValueError, match=f"Records of profile smoke.*found no {tiny().name}. Mend it"):
        study.load_pairs(copied, "smoke", tests=(2,))
