"""Wrong answers that readers of 05_judging may give, with what the check must say."""

import numpy as np


def _spread(fake, real):
    return np.cov(fake, rowvar=False), np.cov(real, rowvar=False)


def _distance(fake, real, root, shift=2):
    one, other = _spread(fake, real)
    return np.sum(np.abs(fake.mean(axis=0) - real.mean(axis=0)) ** shift) + np.trace(one + other) - 2 * root(one, other)


def _eigenvalues(one, other):
    with np.errstate(invalid="ignore"):  # a root of a negative number: NaN
        return np.sqrt(np.linalg.eigvals(one @ other).real - 1e-18).sum()


def _unclipped(one, other):
    with np.errstate(invalid="ignore"):
        return np.sqrt(np.linalg.eigvals(one @ other).real).sum()


def _inside(fake, real, radii):
    """Booleans (fake, real)."""
    return np.linalg.norm(np.asarray(fake)[:, None] - real, axis=-1) < np.asarray(radii)[:, None]


def _shares(labels):
    return np.bincount(labels, minlength=10) / len(labels)


def _entropy_with_zeros(labels):
    with np.errstate(divide="ignore", invalid="ignore"):
        return -np.sum(_shares(labels) * np.log(_shares(labels)))


WRONG = {
    "frechet": [
        (lambda f, r: _distance(f, r, _eigenvalues, shift=1), "square first"),
        (lambda f, r: np.sum(np.subtract(f.mean(0), r.mean(0)) ** 2), "three traces"),
        (lambda f, r: _distance(f, r, lambda a, b: np.trace(a @ b)), "root of their product"),
        (lambda f, r: _distance(f, r, lambda a, b: np.sqrt(np.abs(a * b)).trace()), "sum the roots of its eigenvalues"),
        (lambda f, r: _distance(f, r, _eigenvalues), "clip them at 0"),
        (lambda f, r: _distance(f, r, lambda a, b: np.sqrt(np.linalg.eigvals(a @ b)).sum()), "take .real"),
        (lambda f, r: _distance(f, r, _unclipped), "clip them at 0"),
    ],
    "recalled": [
        (lambda f, r, radii: _inside(f, r, radii).any(axis=1).mean(), "count real points"),
        (lambda f, r, radii: _inside(f, r, radii).any(axis=0).sum(), "divide"),
        (lambda f, r, radii: _inside(f, r, np.full(len(f), np.mean(radii))).any(axis=0).mean(), "its own radius"),
        (lambda f, r, radii: _inside(f, r, radii).sum() / len(r), "counts once"),
        (lambda f, r, radii: _inside(f, r, np.full(len(f), max(radii))).any(axis=0).mean(), "not the largest"),
    ],
    "digit_entropy": [
        (lambda labels: np.sum(_shares(labels) * np.log(_shares(labels))), "minus the sum"),
        (_entropy_with_zeros, "adds nothing"),
        (lambda labels: np.log(len(np.unique(labels))), "adds nothing"),
    ],
}
