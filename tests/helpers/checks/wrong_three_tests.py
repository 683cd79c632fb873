"""Typical wrong answers to the exercises of 07_test_1 to 09_test_3, with what the check must say."""

import numpy as np
from scipy.spatial.distance import cdist


def effect(moments, plain, other_moments, other_plain):
    return (moments / plain) / (other_moments / other_plain)


def entropy(shares):
    shares = shares[shares > 0]
    return -np.sum(shares * np.log(shares))


def distances(images):
    flat = np.asarray(images).reshape(len(images), -1)
    return cdist(flat, flat, "cityblock") / flat.shape[1]


def of_pairs(images, level):
    rows, columns = np.triu_indices(len(images), 1)
    return np.mean(distances(images)[rows, columns] < level)


def summed(images, level):
    apart = distances(images) * images[0].size
    np.fill_diagonal(apart, np.inf)
    return np.mean(apart.min(axis=1) < level)


def wrapped(images, level):
    apart = np.array([[np.abs(one - other).mean() for one in images] for other in images])
    np.fill_diagonal(apart, np.inf)
    return np.mean(apart.min(axis=1) < level)


def at_most(images, level):
    return np.mean(np.sum(distances(images) <= level, axis=1) > 1)


def neighbours(images, level):
    near = np.diagonal(distances(images), 1) < level
    return np.mean(np.append(near, False) | np.append(False, near))


def by_brightness(images, level):
    means = images.astype(float).mean(axis=(1, 2))
    return np.mean(np.sum(np.abs(means[:, None] - means) < level, axis=1) > 1)


WRONG = {
    "without_penalty": [
        (lambda loss, mean, variance, weight: loss - mean - variance, "by the weight"),
        (lambda loss, mean, variance, weight: loss + weight * (mean + variance), "taken off"),
        (lambda loss, mean, variance, weight: loss - weight * mean, "both gaps"),
        (lambda loss, mean, variance, weight: loss - weight * (mean - variance), "both gaps"),
    ],
    "epochs_until": [
        (lambda scores, level: np.argmax(scores < level), "from 1"),
        (lambda scores, level: np.argmax(scores < level) + 1, "np.inf"),
        (lambda scores, level: len(scores) - 1 if min(scores) < level else np.inf, "the first epoch"),
        (lambda scores, level: np.argmax(scores <= level) + 1 if min(scores) < level else np.inf, "not at it"),
        (lambda scores, level: np.flatnonzero(scores < level)[0] + 1, "raised IndexError"),
        (lambda scores, level: next((i for i, s in enumerate(scores, 1) if s < level), None), "returned nothing"),
    ],
    "ratio_of_effects": [
        (lambda m, p, om, op: effect(m, p, om, op), "one number"),
        (lambda m, p, om, op: 1 / np.exp(np.log(effect(m, p, om, op)).mean()), "on top"),
        (lambda m, p, om, op: effect(m, p, om, op).mean(), "average the logarithms"),
        (lambda m, p, om, op: effect(m.mean(), p.mean(), om.mean(), op.mean()), "average the logarithms"),
    ],
    "common_share": [
        (lambda push: push.mean() ** 2 * push.size / np.sum(push**2), "axis 0 alone"),
        (lambda push: np.sum(push.mean(axis=0) ** 2) / np.sum(push**2), "n times"),
        (lambda push: 1.0, "nothing is common"),
        (lambda push: np.abs(push.mean(axis=0)).sum() / np.abs(push).mean(axis=0).sum(), "over all squares"),
    ],
    "effective_digits": [
        (lambda shares: np.exp(-np.sum(shares * np.log(shares))), "leave out shares of 0"),
        (lambda shares: entropy(shares) + 1, "np.exp of it"),
        (lambda shares: 2 ** entropy(shares), "np.exp of it"),
        (lambda shares: np.count_nonzero(shares), "a rare digit counts for less"),
    ],
    "twins": [
        (lambda images, level: np.mean(distances(images).min(axis=1) < level), "no twin of itself"),
        (wrapped, "bytes wrap round"),
        (of_pairs, "not of the pairs"),
        (summed, "not the sum"),
        (at_most, "not by less"),
        (neighbours, "with all others"),
        (by_brightness, "pixel by pixel"),
    ],
}
