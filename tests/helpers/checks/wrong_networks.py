"""Typical wrong answers to the exercises of 02_networks."""

import numpy as np

WRONG = {
    "normalise_channels": [
        (lambda x: (x - x.mean(axis=0)) / (x.var(axis=0) + 0.001), "square root"),
        (lambda x: x / np.sqrt(x.var(axis=0) + 0.001), "subtract the mean"),
        (lambda x: (x - x.mean()) / np.sqrt(x.var() + 0.001), "each channel has its own mean"),
        (lambda x: (x - x.mean(axis=0)) / x.std(axis=0), "add 0.001 to the variance"),
        (lambda x: (x - x.mean(axis=0)) / (x.std(axis=0) + 0.001), "under the root"),
        (lambda x: (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 0.001), "all axes but the last"),
    ],
    "convolution_parameters": [
        (lambda side, maps_in, maps_out: side * side * maps_in * maps_out, "and a bias"),
        (lambda side, maps_in, maps_out: side * maps_in * maps_out + maps_out, "side × side"),
        (lambda side, maps_in, maps_out: (side * side + 1) * maps_in * maps_out, "a bias for each output map"),
        (lambda side, maps_in, maps_out: side * side * maps_in * maps_out + maps_in, "a bias for each output map"),
        (lambda side, maps_in, maps_out: side * side * maps_out + maps_out, "a kernel for each pair"),
    ],
}
