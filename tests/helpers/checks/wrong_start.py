"""Typical wrong answers to the exercises of 00_start_here, and what the message must say."""

import numpy as np

RIGHT = {"commonest_share": [lambda labels: max(labels.tolist().count(digit) for digit in labels) / len(labels)]}
WRONG = {
    "batch_spread": [
        (lambda images: 127.5 * images.std(), "five equal images: expected 0,"),
        (lambda images: images.std(axis=0).mean(), "the factor 127.5"),
        (lambda images: 127.5 * images.var(axis=0).mean(), "two images that differ"),
        (lambda images: 127.5 * images.std(axis=0), "expected one number"),
    ],
    "commonest_share": [
        (lambda labels: np.bincount(labels).max(), "twenty images"),
        (lambda labels: np.bincount(labels).argmax() / 8, "the labels 7, 3, 3, 1"),
        (lambda labels: len(np.unique(labels)) / 10, "twenty images"),
        (lambda labels: np.mean(labels == labels[0]), "the labels 7, 3, 3, 1"),
    ],
}
