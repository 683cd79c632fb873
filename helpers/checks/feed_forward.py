"""Checks of the exercises of 06_feed_forward."""

from collections.abc import Callable

from helpers.checks.exercise import exercise, expect
import numpy as np

__all__ = ["last_collapsed", "settings_apart"]


@exercise
def last_collapsed(answer: Callable) -> None:
    """Of 06_feed_forward: the last judged epoch at which a run's label entropy was below 1.0, or 0."""
    epochs = np.array([1, 2, 5, 10, 20])
    found = answer(epochs, np.array([0.0, 0.2, 0.9, 1.7, 2.2]))
    expect(found, 5, "entropies 0.0, 0.2, 0.9, 1.7, 2.2 at epochs 1, 2, 5, 10, 20", "return an epoch, not a place")
    last = "a run may come back into collapse: the last epoch counts, not the first one that is free"
    found = answer(epochs, np.array([0.0, 1.9, 2.1, 0.0, 2.2]))
    expect(found, 10, "a run that collapses again at epoch 10", last)
    found = answer(epochs, np.array([0.0, 1.0, 2.1, 2.2, 2.2]))
    expect(found, 1, "entropies 0.0, 1.0, 2.1, 2.2, 2.2", "an entropy of 1.0 is not below 1.0")
    expect(answer(epochs, np.full(5, 2.2)), 0, "a run that never collapsed", "return 0 where no entropy is below 1.0")


@exercise
def settings_apart(answer: Callable) -> None:
    """Of 06_feed_forward: the names of the settings in which two runs differ, in alphabetical order."""
    one = {"moments": "no", "layers": 4, "normalised": "yes"}
    expect(answer(one, dict(one)), (), "two equal arms", "name the settings that differ, not those that are equal")
    names = "return the names, the keys of the dicts, and not their values"
    expect(answer(one, {**one, "layers": 2}), ("layers",), "arms that differ in layers", names)
    order = "collect all that differ, and sort them with `sorted`"
    other = {"moments": "yes", "layers": 4, "normalised": "no"}
    expect(answer(one, other), ("moments", "normalised"), "arms that differ in moments and normalised", order)
    swapped = {"normalised": "no", "moments": "yes", "layers": 4}
    turned = {"layers": 4, "normalised": "yes", "moments": "no"}
    expect(answer(swapped, turned), ("moments", "normalised"), "the same, each with its keys in an order of its own",
           "compare by name, not by place; collect all that differ, and sort them with `sorted`")  # fmt: skip
