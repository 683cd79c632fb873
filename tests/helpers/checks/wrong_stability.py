"""Typical wrong answers to the exercises of 13_stability."""

import numpy as np


def _by_determinant(matrix):
    return np.linalg.det(matrix) < 1


def _with_equality(matrix):
    det, trace = np.linalg.det(matrix), np.trace(matrix)
    return det <= 1 and abs(trace) <= 1 + det


def _signed_trace(matrix):
    det, trace = np.linalg.det(matrix), np.trace(matrix)
    return det < 1 and trace < 1 + det


def _real_parts(matrix):
    return max(np.linalg.eigvals(matrix).real) < 1


WRONG = {
    "dirac_step": [
        (lambda h, w, c=0.5: np.array([[1 - h * w, h * c], [-h * c, 1]]), "insert it"),
        (lambda h, w, c=0.5: np.array([[1 - h * w - (h * c) ** 2, h * c], [h * c, 1]]), "the row of ψ"),
        (lambda h, w, c=0.5: np.array([[1, -h * c], [h * c, 1 - h * w - (h * c) ** 2]]), "the columns are θ, ψ"),
        (lambda h, w, c=0.5: np.array([[1 - w - (h * c) ** 2, h * c], [-h * c, 1]]), "rate weight θ"),
        (lambda h, w, c=0.5: 1 - h * w, "expected 2 values"),
        (lambda h, w, c=0.5: np.array([[1 - h * w - h**2 / 4, h / 2], [-h / 2, 1]]), "c is an argument"),
        (lambda h, w: np.array([[1 - h * w - h**2 / 4, h / 2], [-h / 2, 1]]), "expected a function of 3 arguments"),
        (lambda h, w, c=0.5: print(end=""), "returned nothing"),
    ],
    "settles": [
        (_by_determinant, "test the trace, too"),
        (_with_equality, "det must be below 1"),
        (_signed_trace, "abs(trace)"),
        (_real_parts, "det must be below 1"),
        (lambda matrix: not _with_equality(matrix), "both tests pass"),
        (lambda matrix: abs(np.trace(matrix)) < 1 - np.linalg.det(matrix), "below 1 + det"),
        (lambda matrix: np.abs(np.linalg.eigvals(matrix)) < 1, "expected one number"),
        (lambda matrix: print(end=""), "returned nothing"),
    ],
}
