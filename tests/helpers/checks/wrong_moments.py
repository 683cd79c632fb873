"""Typical wrong answers to the exercises of 04_moment_stabilization, with what the check must say."""

import numpy as np


def gaps(fake, real, spread=np.var, over=0, total=np.sum, size=np.abs):
    return tuple(total(size(f(fake, axis=over) - f(real, axis=over))) for f in (np.mean, spread))


def gradient(fake, real, sign=1.0, count=None, over=0):
    direction = sign * np.sign(fake.var(axis=0) - real.var(axis=0))
    return direction * 2 * (fake - fake.mean(axis=over)) / (count or len(fake))


def _one_sign(fake, real):
    return np.sign(fake.var() - real.var()) * 2 * (fake - fake.mean(axis=0)) / len(fake)


def _in_place(fake, real):
    fake -= fake.mean(axis=0)
    fake *= 2 * np.sign(fake.var(axis=0) - real.var(axis=0)) / len(fake)
    return fake


def _one_by_one(fake, real):
    yield from gaps(fake, real)


RIGHT = {
    "both_gaps": [lambda fake, real: np.array(gaps(fake, real)), _one_by_one],
    "variance_gradient": [_in_place, lambda fake, real: gradient(fake, real).tolist()],
}
WRONG = {
    "both_gaps": [
        (lambda fake, real: gaps(fake, real)[::-1], "first the mean gap"),
        (lambda fake, real: gaps(fake, real, np.std), "without a root"),
        (lambda fake, real: gaps(fake, real, total=np.mean), "over the pixels"),
        (lambda fake, real: gaps(fake, real, size=np.square), "first the mean gap"),
        (lambda fake, real: gaps(fake, real, size=lambda u: np.abs(np.sum(u))), "over the pixels"),
        (
            lambda fake, real: tuple(
                g.sum(axis=0) for g in map(np.abs, (fake.mean(0) - real.mean(0), fake.var(0) - real.var(0)))
            ),
            "axis 0 alone",
        ),
    ],
    "variance_gradient": [
        (lambda fake, real: gradient(fake, real, sign=-1.0), "points to the mean"),
        (lambda fake, real: gradient(fake, real, count=2), "n images, here 4"),
        (lambda fake, real: gradient(fake, real, over=None), "mean of each pixel"),
        (lambda fake, real: gradient(fake, real).sum(axis=0), "expected the shape"),
        (_one_sign, "a sign of its own"),
    ],
}
