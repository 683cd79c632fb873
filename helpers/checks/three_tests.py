"""Checks of the exercises of 07_test_1 to 09_test_3."""

from collections.abc import Callable

from helpers.checks.exercise import exercise, expect
import numpy as np

__all__ = ["common_share", "effective_digits", "epochs_until", "ratio_of_effects", "twins", "without_penalty"]


@exercise
def without_penalty(answer: Callable) -> None:
    """Exercise 1 of 07_test_1: the generator's loss with both weighted gaps taken off."""
    expect(answer(5.0, 200.0, 100.0, 0.0), 5.0, "a plain arm, weight 0", "multiply the gaps by the weight.")
    expect(answer(12.0, 30.0, 0.0, 0.1), 9.0, "loss 12, gaps 30 and 0, weight 0.1", "the penalty is taken off.")
    found = answer(np.array([12.0, 8.0]), np.array([30.0, 20.0]), np.array([20.0, 10.0]), 0.1)
    expect(found, np.array([7.0, 5.0]), "two steps at once", "both gaps stand in the penalty, each with the weight.")


@exercise
def epochs_until(answer: Callable) -> None:
    """Exercise 2 of 07_test_1: the first epoch with a score below a level, infinity if there is none."""
    expect(answer(np.array([300.0, 90.0, 80.0]), 100), 2.0, "300, 90, 80, level 100", "epochs are counted from 1.")
    never = "no score lies below, so the answer is np.inf. (np.argmax of nothing but False is 0.)"
    expect(answer(np.array([300.0, 120.0]), 100), np.inf, "300, 120, level 100", never)
    again = "the first epoch counts, whatever comes later."
    expect(answer(np.array([300.0, 150.0, 90.0, 120.0, 80.0]), 100), 3.0, "it rises again later", again)
    expect(answer(np.array([100.0, 99.0]), 100), 2.0, "100, 99, level 100", "below the level, not at it.")


@exercise
def ratio_of_effects(answer: Callable) -> None:
    """Exercise 1 of 08_test_2: one test's ratio of arms divided by another's, the geometric mean over seeds."""
    ones = np.full(2, 100.0)
    same = answer(np.array([50.0, 60.0]), ones, np.array([50.0, 60.0]), ones)
    expect(same, 1.0, "the same effect in both tests", "return one number; no difference is a ratio of 1.")
    half = answer(ones / 2, ones, ones, ones)
    expect(
        half, 0.5, "the first effect 0.5, the other 1", "an effect is moments / plain; the first test's goes on top."
    )
    found = answer(np.array([50.0, 80.0]), ones, ones, ones)
    expect(found, 0.4**0.5, "seeds with 0.5 and 0.8", "a geometric mean: average the logarithms, then np.exp.")
    uneven = answer(np.array([50.0, 80.0]), np.array([50.0, 100.0]), np.array([30.0, 70.0]), np.array([60.0, 70.0]))
    expect(uneven, 1.6**0.5, "seeds with 1 / 0.5 and 0.8 / 1", "divide seed by seed, before averaging.")


@exercise
def common_share(answer: Callable) -> None:
    """Exercise 2 of 08_test_2: the share of a push's sum of squares that is common to all images of a batch."""
    alike = np.tile([1.0, -1.0], (4, 1))
    expect(answer(alike), 1.0, "four images pushed alike", "average over the images, axis 0 alone; count it n times.")
    expect(answer(np.array([[1.0], [-1.0]])), 0.0, "two images pushed apart", "nothing is common: the mean is 0.")
    expect(
        answer(np.array([[1.0], [3.0]])), 0.8, "pushes 1 and 3", "n times the squares of the mean, over all squares."
    )


@exercise
def effective_digits(answer: Callable) -> None:
    """Exercise 1 of 09_test_3: e to the power of the label entropy, from the shares of ten digits."""
    half, third = np.zeros(10), np.zeros(10)
    half[[3, 8]], third[[0, 1, 2]] = 0.5, (0.5, 0.25, 0.25)
    with np.errstate(all="ignore"):
        found = answer(np.eye(10)[8])
        expect(found, 1.0, "one digit alone", "one digit, so 1; leave out shares of 0, whose logarithm is no number.")
        expect(answer(half), 2.0, "two digits, half each", "the entropy is in nats: np.exp of it.")
        unequal = "a rare digit counts for less: e to the power of the entropy."
        expect(answer(third), np.exp(1.5 * np.log(2)), "shares 0.5, 0.25, 0.25", unequal)


@exercise
def twins(answer: Callable) -> None:
    """Exercise 2 of 09_test_3: the share of images that have another one within a mean difference of grey levels."""
    flat = np.zeros((3, 2, 2), np.uint8)
    flat[1], flat[2] = 100, 250
    itself = "an image is no twin of itself; and bytes wrap round (0 - 250 = 6): make them floats."
    expect(answer(flat, 10), 0.0, "three images, 100 grey levels and more apart", itself)
    flat[2] = 10
    expect(answer(flat, 10), 0.0, "images of 0, 100 and 10", "they differ by the level, 10, and not by less.")
    flat[2] = 0
    expect(
        answer(flat, 10),
        2 / 3,
        "three images, the first and the last equal",
        "compare each with all others; a share of the images, not of the pairs.",
    )
    flat[2, 0, 0] = 20
    expect(
        answer(flat, 10), 2 / 3, "equal but for 20 levels in one of four pixels", "the mean over pixels, not the sum."
    )
    flat[1], flat[2] = [[200, 0], [200, 0]], [[0, 200], [0, 200]]
    expect(answer(flat, 10), 0.0, "two images with equal means, but unlike", "compare pixel by pixel, then average.")
