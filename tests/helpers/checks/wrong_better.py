"""Typical wrong answers to the exercises of 16_better_moments."""

import numpy as np


def squares(fake, real):
    return (fake.mean(axis=0) - real.mean(axis=0)) ** 2


def biased(fake, real):
    return (squares(fake, real) - fake.var(axis=0) / len(fake) - real.var(axis=0) / len(real)).sum()


def one_batch(fake, real):
    return (squares(fake, real) - fake.var(axis=0, ddof=1) / len(fake)).sum()


def one_size(fake, real):
    return (squares(fake, real) - (fake.var(axis=0, ddof=1) + real.var(axis=0, ddof=1)) / len(fake)).sum()


def roots(images):
    return np.sqrt(images.var(axis=0) + 1e-4)


WRONG = {
    "squared_mean_gap": [
        (biased, "ddof=1"),
        (one_batch, "of both batches"),
        (one_size, "its own batch's size"),
        (lambda fake, real: abs(one_batch(fake, real) - real.var(axis=0, ddof=1).sum() / len(real)), "negative"),
    ],
    "spread_shortfall": [
        (lambda fake, real: np.maximum(0, roots(real) - roots(fake)).mean(), "the sum over pixels"),
        (lambda fake, real: abs(roots(real) - roots(fake)).sum(), "one side only"),
        (lambda fake, real: np.maximum(0, (roots(real) - roots(fake)).sum()), "pixel by pixel"),
    ],
}
