"""Typical wrong answers to the exercises of 02_networks."""

import numpy as np


def _image_by_image(x):
    others = 0 if x.ndim == 2 else (1, 2)
    return (x - x.mean(axis=others, keepdims=True)) / np.sqrt(x.var(axis=others, keepdims=True) + 0.001)


def _all_at_once(x):
    others = 0 if x.ndim == 2 else None
    return (x - x.mean(axis=others)) / np.sqrt(x.var(axis=others) + 0.001)


def _in_place(x):
    rows = x.reshape(-1, x.shape[-1])
    rows -= rows.mean(axis=0)
    rows /= np.sqrt(rows.var(axis=0) + 0.001)
    return x


RIGHT = {"normalise_channels": [_in_place]}
WRONG = {
    "normalise_channels": [
        (lambda x: (x - x.mean(axis=0)) / (x.var(axis=0) + 0.001), "square root"),
        (lambda x: x / np.sqrt(x.var(axis=0) + 0.001), "subtract the mean"),
        (lambda x: (x - x.mean()) / np.sqrt(x.var() + 0.001), "each channel has its own mean"),
        (lambda x: (x - x.mean(axis=0)) / x.std(axis=0), "add 0.001 to the variance"),
        (lambda x: (x - x.mean(axis=0)) / (x.std(axis=0) + 0.001), "under the root"),
        (lambda x: (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 0.001), "all axes but the last"),
        (_image_by_image, "all axes but the last"),
        (_all_at_once, "all axes but the last"),
    ],
    "convolution_parameters": [
        (lambda side, maps_in, maps_out: side * side * maps_in * maps_out, "and a bias"),
        (lambda side, maps_in, maps_out: side * maps_in * maps_out + maps_out, "side × side"),
        (lambda side, maps_in, maps_out: (side * side + 1) * maps_in * maps_out, "a bias for each output map"),
        (lambda side, maps_in, maps_out: side * side * maps_in * maps_out + maps_in, "a bias for each output map"),
        (lambda side, maps_in, maps_out: side * side * maps_out + maps_out, "a kernel for each pair"),
    ],
}
