"""Checks of the exercises of 05_judging."""

from collections.abc import Callable

from helpers.checks.exercise import exercise, expect
import numpy as np

__all__ = ["digit_entropy", "frechet", "recalled"]


@exercise
def frechet(answer: Callable) -> None:
    """Of 05_judging: the Fréchet distance of two sets of points (n, d), each read as a Gaussian."""
    points = np.random.default_rng(0).normal(size=(40, 2))
    expect(answer(points + [3, 4], points), 25.0, "the same points moved by 3 and 4",
           "the difference of the means: square first, then sum; the same covariance twice cancels, by the root of "
           "their product")  # fmt: skip
    parts = np.trace(np.cov(points, rowvar=False))
    expect(answer(3 * (points - points.mean(axis=0)), points - points.mean(axis=0)), 4 * parts,
           "points and the same three times as wide", "three traces: both covariances (np.cov divides by n - 1), and "
           "minus twice the root of their product")  # fmt: skip
    turned = points @ [[2.0, 1.5], [0.0, 0.5]]
    product = np.cov(turned, rowvar=False) @ np.cov(points, rowvar=False)
    root = np.sqrt(np.linalg.eigvals(product).real).sum()
    wanted = np.sum((turned - points).mean(axis=0) ** 2) + np.trace(np.cov(turned, rowvar=False)) + parts - 2 * root
    expect(answer(turned, points), wanted, "points and the same pulled apart along a slant",
           "the root of a matrix is not the root of each number in it: sum the roots of its eigenvalues")  # fmt: skip
    expect(answer(np.ones((40, 2)), points), np.sum((1 - points.mean(axis=0)) ** 2) + parts,
           "forty times one point, against forty points",
           "here eigenvalues are zero, and rounding may turn them negative: clip them at 0")  # fmt: skip
    # in float32 roots of such eigenvalues add up to a thousandth of the distance; what is looked for is NaN
    line = np.outer(points[:, 0], np.sqrt(np.arange(2, 22)))
    expect(answer(3 * line - 2 * line.mean(axis=0), line), 4 * np.trace(np.cov(line, rowvar=False)),
           "points on one line through 20 dimensions, and the same three times as wide",
           "eigenvalues that should be 0 are negative by rounding: take .real and clip them at 0", 1e-2)  # fmt: skip


@exercise
def recalled(answer: Callable) -> None:
    """Of 05_judging: the share of real points that lie in the ball of at least one fake point."""
    real = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [5.0, 5.0]])
    fake, radii = np.array([[0.2, 0.1], [0.9, 0.1], [9.0, 9.0]]), np.array([0.5, 0.3, 0.1])
    expect(answer(fake, real, radii), 0.5, "three balls that hold two of four real points",
           "count real points, each once, and divide by how many real points there are")  # fmt: skip
    expect(answer(fake, real, np.array([0.1, 6.4, 0.1])), 1.0, "one large ball among small ones, which holds all",
           "each fake point has its own radius, and one ball is enough")  # fmt: skip
    many = np.array([[0.1, 0.0], [-0.1, 0.0], [0.0, 0.1]])
    expect(answer(fake, real, np.array([0.5, 0.1, 0.1])), 0.25, "the same three balls, the second one smaller",
           "each fake point has its own radius: not the largest for all")  # fmt: skip
    expect(answer(many, real, np.full(3, 0.5)), 0.25, "three balls around the same one of four real points",
           "a real point in three balls counts once: `any`, not `sum`")  # fmt: skip


@exercise
def digit_entropy(answer: Callable) -> None:
    """Of 05_judging: the entropy of the digits in nats."""
    expect(answer(np.arange(10)), np.log(10), "each digit once", "minus the sum of share times logarithm, over digits")
    expect(answer(np.array([3, 3, 3, 8])), -0.75 * np.log(0.75) - 0.25 * np.log(0.25), "three 3s and an 8",
           "a digit that does not occur adds nothing: leave it out before the logarithm")  # fmt: skip
    expect(answer(np.full(5, 7)), 0.0, "five times 7", "one digit alone has the share 1, whose logarithm is 0")
