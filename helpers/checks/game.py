"""Checks of the exercises of 03_the_game."""

from collections.abc import Callable

from helpers.checks.exercise import exercise, expect
import numpy as np

__all__ = ["best_answer", "logit_loss"]


@exercise
def logit_loss(answer: Callable) -> None:
    """Exercise 1 of 03_the_game: the binary cross-entropy of one logit against a target."""
    expect(answer(0.0, 0.9), np.log(2), "logit 0, target 0.9", "it is softplus(a) - t * a.")
    swapped = "a high logit costs much where the target is 0: are t and 1 - t in their places?"
    expect(answer(3.0, 0.0), np.logaddexp(0, 3), "logit 3, target 0", swapped)
    expect(answer(-2.0, 0.9), np.logaddexp(0, -2) + 1.8, "logit -2, target 0.9", "it is softplus(a) - t * a.")
    with np.errstate(all="ignore"):
        found = [answer(logit, 0.9) for logit in (1000.0, -1000.0)]
    overflow = "e to the power of 1000 is too large for a computer: use np.logaddexp(0, logit)."
    expect(found, (100.0, 900.0), "logits 1000 and -1000, target 0.9", overflow)


@exercise
def best_answer(answer: Callable) -> None:
    """Exercise 2 of 03_the_game: the probability that the best discriminator gives, from both densities."""
    expect(answer(1.0, 0.0), 0.9, "real numbers alone", "the target of real numbers is 0.9, not 1.")
    expect(answer(1.0, 1.0), 0.45, "equal densities", "divide by the sum of both densities.")
    found = answer(np.array([0.0, 0.2, 0.6]), np.array([0.5, 0.6, 0.2]))
    expect(found, np.array([0.0, 0.225, 0.675]), "three places", "the density of the real numbers goes on top.")
