"""Typical wrong answers to the exercises of 12_noise_floor."""

import numpy as np


def _best(cost):
    """A wrong `best_ratio`, from what it takes for the cost of one ratio in each batch."""

    def answer(ratios, fake, real):
        with np.errstate(all="ignore"):
            return ratios[np.argmin([cost(r, *fake, *real) for r in ratios])]

    return answer


def _before_the_sum(r, mean, variance, real_mean, real_variance):
    return abs(np.mean(np.sqrt(r) * mean - real_mean)) + abs(np.mean(r * variance - real_variance))


WRONG = {
    "expected_gap": [
        (lambda shares: 2 * np.sum(shares * (1 - shares)), "F = np.cumsum(shares)"),
        (lambda shares: np.sum(np.cumsum(shares) * (1 - np.cumsum(shares))), "2 F (1 - F)"),
        (lambda shares: 2 * np.mean(np.cumsum(shares) * (1 - np.cumsum(shares))), "2 F (1 - F)"),
        (lambda shares: 4 * np.sum(np.cumsum(shares) * (1 - np.cumsum(shares))) / len(shares), "do not divide"),
    ],
    "best_ratio": [
        (_best(lambda r, m, v, M, V: np.mean((np.sqrt(r) * m - M) ** 2 + (r * v - V) ** 2)), "no squares"),
        (_best(lambda r, m, v, M, V: np.mean(np.abs(r * m - M) + np.abs(r * v - V))), "scaled by the root"),
        (_best(lambda r, m, v, M, V: np.mean(np.abs(np.sqrt(r) * (m - M)) + np.abs(r * v - V))), "root of r"),
        (_best(lambda r, m, v, M, V: np.mean(np.abs(np.sqrt(r) * m - M) + np.abs(np.sqrt(r) * v - V))), "by r, and"),
        (_best(lambda r, m, v, M, V: np.mean(np.abs(np.sqrt(r) * m - M))), "both gaps count"),
        (_best(_before_the_sum), "batch by batch"),
        (_best(lambda r, m, v, M, V: np.median(np.abs(np.sqrt(r) * m - M) + np.abs(r * v - V))), "no median"),
        (lambda ratios, fake, real: np.argmin(ratios), "not its place"),
    ],
}
