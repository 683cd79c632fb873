"""Unfinished runs: what is damaged is named and left out, and a run goes on only where its bits are the same."""

import json
import shutil

import keras
import numpy as np
import pytest

from study import journal, machine
from study.journal import Epoch, Journal
from study.schema import STEP_NAMES


@pytest.fixture
def begun(tiny, tmp_path):
    """A journal of three epochs, each with weights of its number, and its two variables."""
    experiment = tiny(epochs=5, frame_images=0)
    variables = [keras.Variable(np.zeros(3, np.float32)), keras.Variable(np.zeros((), np.int64), dtype="int64")]
    kept = Journal(experiment, tmp_path / "journal")
    kept.open(100)
    for number in range(3):
        epoch = Epoch(experiment, number)
        for _ in range(experiment.steps_per_epoch):
            epoch.add_step(dict.fromkeys(STEP_NAMES, 1.23456789e-12))
        for variable in variables:
            variable.assign(np.full(variable.shape, number + 1))
        kept.add(epoch, variables, 1.0)
    return kept, variables


def epoch(kept, number):
    return kept.folder / f"epoch-{number:05d}"


def flip(kept, number, name):
    """Change one bit in the middle of a file of an epoch."""
    path = epoch(kept, number) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_run_goes_on_after_its_last_epoch_and_its_log_keeps_order_and_digits(begun):
    kept, variables = begun
    assert kept.record().epochs["mean_gap"].tolist() == [1.23456789e-12] * 3
    variables[0].assign(np.zeros(3))
    assert kept.resume(variables) == 3
    assert variables[0].numpy().tolist() == [3, 3, 3] and int(variables[1]) == 3
    assert not (epoch(kept, 1) / journal.WEIGHTS).exists()  # only the last two are needed
    for number in (101, 1000, 99999, 100000):
        epoch(kept, number).mkdir()
    assert kept._folders() == [epoch(kept, number) for number in (1, 2, 3, 101, 1000, 99999, 100000)]


DAMAGES = {
    "a flipped bit in the last weights": (lambda kept: flip(kept, 3, journal.WEIGHTS), 2),
    "empty last weights": (lambda kept: (epoch(kept, 3) / journal.WEIGHTS).write_bytes(b""), 2),
    "no last weights": (lambda kept: (epoch(kept, 3) / journal.WEIGHTS).unlink(), 2),
    "a flipped bit in the last log": (lambda kept: flip(kept, 3, "row.json"), 2),
    "garbage for hashes": (lambda kept: (epoch(kept, 3) / "hashes.json").write_text("[]"), 2),
    "an epoch in the middle is gone": (lambda kept: shutil.rmtree(epoch(kept, 2)), 0),
    "both weights": (lambda kept: [flip(kept, number, journal.WEIGHTS) for number in (2, 3)], 0),
}


@pytest.mark.parametrize(("damage", "done"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_epoch_is_named_and_the_run_goes_back(begun, damage, done, capsys):
    kept, variables = begun
    damage(kept)
    assert kept.resume(variables) == done
    assert "epoch-0000" in capsys.readouterr().out
    assert not done or variables[0].numpy().tolist() == [done] * 3
    assert len(list(kept.folder.glob("epoch-*"))) == done  # what is left out is computed anew


@pytest.mark.parametrize("name", machine.BITS)
def test_a_run_does_not_go_on_where_its_bits_would_be_others(begun, tiny, name, monkeypatch):
    kept, _ = begun
    changed = {**machine.provenance(), name: "another"}
    monkeypatch.setattr(machine, "provenance", lambda: changed)
    with pytest.raises(ValueError, match=f"Unfinished run .*expected .*{name}.*found {name} another. Mend it"):
        Journal(kept.experiment, kept.folder).open(100)
    assert Journal(kept.experiment, kept.folder)._folders()  # nothing was lost


def test_the_record_tells_when_and_with_which_codes_it_was_made(begun, monkeypatch):
    kept, _ = begun
    first = json.loads((kept.folder / "run.json").read_text())[0]
    for commit in ("0123", "0123", "4567"):
        monkeypatch.setattr(machine, "commit", lambda commit=commit: commit)
        again = Journal(kept.experiment, kept.folder)
        again.open(100)
    found = again.record().provenance
    assert (found["started"], found["commit"]) == (first["started"], first["commit"])
    assert found["continued_with"] == ["0123", "4567"] and found["wall_seconds"] == 3.0
