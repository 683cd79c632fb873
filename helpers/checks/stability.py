"""Checks of the exercises of 13_stability."""

from collections.abc import Callable

from helpers.checks.exercise import exercise, expect
import numpy as np

__all__ = ["dirac_step", "settles"]


@exercise
def dirac_step(answer: Callable) -> None:
    """The matrix of an alternating step of the Dirac-GAN, in 13_stability."""
    found = answer(0.5, 0.0)
    hint = "ψ' = ψ - rate c θ; rows are θ', ψ'; the columns are θ, ψ"
    expect(found, (..., np.array([-0.25, 1.0])), "the row of ψ, rate 0.5", hint)
    hint = "the generator sees the new ψ': insert it, and θ gets - (rate c)² θ"
    expect(found, np.array([[0.9375, 0.25], [-0.25, 1.0]]), "rate 0.5, weight 0", hint)
    hint = "the penalty adds - rate weight θ to θ', once"
    expect(answer(0.5, 0.4), np.array([[0.7375, 0.25], [-0.25, 1.0]]), "rate 0.5, weight 0.4", hint)
    wanted = np.array([[0.64, 0.4], [-0.4, 1.0]])
    expect(answer(0.5, 0.4, 0.8), wanted, "rate 0.5, weight 0.4, c = 0.8", "c is an argument: 0.5 only if left out")


@exercise
def settles(answer: Callable) -> None:
    """Jury's test of a 2 x 2 matrix, in 13_stability."""
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    expect(answer(0.9 * turn), True, "a turn that shrinks by 0.9", "det is 0.81 and the trace 0: both tests pass")
    expect(answer(turn), False, "a turn that keeps the distance", "det must be below 1, not 1 itself")
    expect(answer(np.diag([2.0, 0.1])), False, "eigenvalues 2 and 0.1", "test the trace, too: det is only 0.2")
    hint = "abs(trace) has to be below 1 + det, here 1.72"
    expect(answer(np.diag([0.9, 0.8])), True, "eigenvalues 0.9 and 0.8", hint)
    hint = "take the size of the trace: abs(trace)"
    expect(answer(np.diag([-2.0, 0.1])), False, "eigenvalues -2 and 0.1", hint)
