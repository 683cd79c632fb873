"""Typical wrong answers to the exercises of 01_data."""

import numpy as np

RIGHT = {"pixel_moments": [lambda images: np.stack([images.mean(axis=0), images.var(axis=0)])]}
WRONG = {
    "pixel_moments": [
        (lambda images: (images.mean(), images.var()), "axis=0"),
        (lambda images: (images.mean(axis=(1, 2)), images.var(axis=(1, 2))), "axis=0"),
        (lambda images: (images.mean(axis=0), images.var(axis=0, ddof=1)), "divide by n"),
        (lambda images: (images.mean(axis=0), images.std(axis=0)), "take no root"),
        (lambda images: images.mean(axis=0), "expected 2 values"),
    ],
    "summed_gap": [
        (lambda one, other: np.abs(one - other).mean(), "sum over the pixels"),
        (lambda one, other: ((one - other) ** 2).sum(), "nor squares"),
        (lambda one, other: np.abs(one - other), "sum over the pixels"),
        (lambda one, other: np.abs((one - other).sum()), "before you sum"),
        (lambda one, other: (one - other).sum(), "before you sum"),
    ],
}
