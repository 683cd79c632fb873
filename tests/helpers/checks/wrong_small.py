"""Typical wrong answers to the exercises of 15_smaller_networks."""

import numpy as np


def strictly_smaller_and_closer(parameters, distances):
    return np.array(
        [not np.any((parameters < p) & (distances < d)) for p, d in zip(parameters, distances, strict=True)]
    )


def not_even_by_itself(parameters, distances):
    return np.array(
        [not np.any((parameters <= p) & (distances <= d)) for p, d in zip(parameters, distances, strict=True)]
    )


WRONG = {
    "smallest_that_does": [
        (lambda parameters, distances, limit: parameters[np.argmin(distances)], "the fewest parameters"),
        (
            lambda parameters, distances, limit: np.min(parameters[distances < limit], initial=np.inf),
            "equal to the limit",
        ),
    ],
    "unbeaten": [
        (strictly_smaller_and_closer, "better in one of the two"),
        (not_even_by_itself, "better in one of the two"),
    ],
}
