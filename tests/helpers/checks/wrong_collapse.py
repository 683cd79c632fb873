"""Typical wrong answers to the exercises of 11_collapse."""

import numpy as np


def _by_pixel(fake, push):
    deviation = fake - fake.mean(axis=0)
    return np.mean(len(fake) * np.sum(push * deviation, axis=0) / np.sum(deviation**2, axis=0))


def _without_n(fake, push):
    deviation = fake - fake.mean(axis=0)
    return np.sum(push * deviation) / np.sum(deviation**2)


def _one_mean(fake, push):
    deviation = fake - fake.mean()
    return len(fake) * np.sum(push * deviation) / np.sum(deviation**2)


WRONG = {
    "push_apart": [
        (_without_n, "multiply by n"),
        (lambda fake, push: len(fake) * np.sum(push * fake) / np.sum(fake**2), "take the batch mean off the images"),
        (_by_pixel, "one slope for all pixels"),
        (_one_mean, "each has its own mean"),
    ],
    "descent_steps": [
        (lambda start, weight, rate: np.log(1 / start) / (2 * weight * rate), "take logarithms of both"),
        (lambda start, weight, rate: np.log(start) / np.log(1 + 2 * weight * rate), "take logarithms of both"),
        (lambda start, weight, rate: np.log(8) / np.log(1 + 2 * weight * rate), "the start counts"),
        (lambda start, weight, rate: np.ceil(np.log(1 / start) / np.log(1 + 2 * weight * rate)), "do not round"),
    ],
}
