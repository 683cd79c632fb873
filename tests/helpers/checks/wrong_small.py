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


def strictly_smaller(parameters, distances):
    return np.array(
        [not np.any((parameters < p) & (distances <= d)) for p, d in zip(parameters, distances, strict=True)]
    )


def _last_that_does(parameters, distances, limit):
    enough = parameters[distances <= limit]
    return enough[-1] if len(enough) else np.inf


def _in_place(parameters, distances, limit):
    parameters[distances > limit] = np.inf
    return parameters.min()


def _one_by_one(parameters, distances):
    pairs = [*zip(parameters, distances, strict=True)]
    return (not any(p <= size and d <= far and (p, d) != (size, far) for p, d in pairs) for size, far in pairs)


RIGHT = {"smallest_that_does": [_in_place], "unbeaten": [_one_by_one]}
WRONG = {
    "smallest_that_does": [
        (lambda parameters, distances, limit: parameters[np.argmin(distances)], "the fewest parameters"),
        (
            lambda parameters, distances, limit: np.min(parameters[distances < limit], initial=np.inf),
            "equal to the limit",
        ),
        (_last_that_does, "in whatever order"),
        (lambda parameters, distances, limit: min(parameters[distances <= limit]), "raised ValueError"),
    ],
    "unbeaten": [
        (strictly_smaller_and_closer, "better in one of the two"),
        (not_even_by_itself, "better in one of the two"),
        (strictly_smaller, "the closer one beats"),
    ],
}
