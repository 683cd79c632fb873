"""Typical wrong answers to the exercises of 14_learning_rates."""

import numpy as np

WRONG = {
    "decades": [
        (lambda distances, most: np.sum(distances <= most), "stands for half a decade"),
        (lambda distances, most: 0.5 * np.sum(distances < most), "not <"),
    ],
    "area": [
        (lambda distances, cap: np.log(np.mean(np.minimum(distances, cap))), "then the mean"),
        (lambda distances, cap: np.mean(np.log(distances)), "it counts as the cap"),
    ],
}
