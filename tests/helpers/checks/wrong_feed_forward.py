"""Typical wrong answers to the exercises of 06_feed_forward, and what the message must say."""

import numpy as np


def _by_place(one, other):
    return sorted(name for (name, value), second in zip(one.items(), other.values(), strict=True) if value != second)


def _emptied(one, other):
    return sorted(name for name in [*one] if one.pop(name) != other.pop(name))


RIGHT = {"settings_apart": [_emptied, lambda one, other: np.array(_emptied(one, other))]}
WRONG = {
    "last_collapsed": [
        (lambda epochs, entropies: np.flatnonzero(entropies < 1.0).max(), "return an epoch, not a place"),
        (lambda epochs, entropies: epochs[np.argmax(entropies >= 1.0) - 1], "collapses again at epoch 10"),
        (lambda epochs, entropies: (epochs * (entropies < 1.0)).max() or np.nan, "never collapsed"),
        (lambda epochs, entropies: epochs[entropies < 1.0].max(), "raised ValueError"),
        (lambda epochs, entropies: (epochs * (entropies <= 1.0)).max(), "1.0 is not below 1.0"),
    ],
    "settings_apart": [
        (lambda one, other: [name for name in one if one[name] == other[name]], "two equal arms"),
        (lambda one, other: [other[name] for name in one if one[name] != other[name]], "the keys of the dicts"),
        (lambda one, other: [name for name in one if one[name] != other[name]], "with `sorted`"),
        (lambda one, other: [name for name in sorted(one) if one[name] != other[name]][:1], "expected 2 values"),
        (_by_place, "by name, not by place"),
        (lambda one, other: {name for name in one if one[name] != other[name]}, "found set"),
    ],
}
