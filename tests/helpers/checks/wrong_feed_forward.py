"""Typical wrong answers to the exercises of 06_feed_forward, and what the message must say."""

import numpy as np

WRONG = {
    "last_collapsed": [
        (lambda epochs, entropies: np.flatnonzero(entropies < 1.0).max(), "return an epoch, not a place"),
        (lambda epochs, entropies: epochs[np.argmax(entropies >= 1.0) - 1], "collapses again at epoch 10"),
        (lambda epochs, entropies: (epochs * (entropies < 1.0)).max() or np.nan, "never collapsed"),
    ],
    "settings_apart": [
        (lambda one, other: [name for name in one if one[name] == other[name]], "two equal arms"),
        (lambda one, other: [other[name] for name in one if one[name] != other[name]], "the keys of the dicts"),
        (lambda one, other: [name for name in one if one[name] != other[name]], "with `sorted`"),
        (lambda one, other: [name for name in sorted(one) if one[name] != other[name]][:1], "expected 2 values"),
    ],
}
