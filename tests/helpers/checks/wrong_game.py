"""Typical wrong answers to the exercises of 03_the_game, with what the check must say."""

import math

import numpy as np


def _chance(logit):
    return 1 / (1 + math.exp(-logit))


WRONG = {
    "logit_loss": [
        (lambda logit, target: np.logaddexp(0, logit) - (1 - target) * logit, "in their places"),
        (lambda logit, target: np.logaddexp(0, logit) + target * logit, "softplus(a) - t * a"),
        (lambda logit, target: np.log1p(np.exp(logit)) - target * logit, "np.logaddexp"),
        (lambda logit, target: 1 / (1 + np.exp(-logit)) - target, "logit 0, target 0.9"),
        (lambda logit, target: -target * math.log(_chance(logit)), "logit 0, target 0.9"),
        (lambda a, t: -t * math.log(_chance(a)) - (1 - t) * math.log(1 - _chance(a)), "raised ValueError"),
    ],
    "best_answer": [
        (lambda data, generated: data / (data + generated), "0.9, not 1"),
        (lambda data, generated: 0.9 * data / np.maximum(data, generated), "divide by the sum"),
        (lambda data, generated: 0.9 * (data > 0) / (1 + (generated > 0)), "goes on top"),
    ],
}
