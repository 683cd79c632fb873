"""The two networks from Keras' own layers, at the study's sizes and at small ones, and Adam in NumPy."""

import functools

import keras
import numpy as np
from keras import layers

FULL = {"generator": (1024, 256, 32), "discriminator": (32, 256)}
NARROW = {"generator": (24, 6, 4), "discriminator": (4, 6)}


def plain_generator(widths=FULL["generator"], dtype="float32"):
    """The generator of the design page."""
    dense, deep, shallow = widths
    normalise = functools.partial(layers.BatchNormalization, dtype=dtype)
    leak = functools.partial(layers.LeakyReLU, negative_slope=0.2, dtype=dtype)
    enlarge = functools.partial(layers.Conv2DTranspose, kernel_size=3, strides=2, padding="same", dtype=dtype)
    parts = [keras.Input((100,), dtype=dtype), layers.Dense(dense, dtype=dtype), normalise(), leak()]
    parts += [layers.Dense(49 * deep, dtype=dtype), layers.Reshape((7, 7, deep), dtype=dtype), normalise(), leak()]
    parts += [enlarge(shallow), normalise(), leak(), enlarge(1, activation="tanh")]
    return keras.Sequential(parts)


def plain_discriminator(widths=FULL["discriminator"], dtype="float32", rate=0.5):
    """The discriminator of the design page."""
    parts = [keras.Input((28, 28, 1), dtype=dtype)]
    for width in widths:
        parts += [layers.Conv2D(width, 3, 2, "same", dtype=dtype), layers.BatchNormalization(dtype=dtype)]
        parts += [layers.LeakyReLU(negative_slope=0.2, dtype=dtype)]
    parts += [layers.Flatten(dtype=dtype), layers.Dropout(rate, name="dropout", dtype=dtype)]
    return keras.Sequential([*parts, layers.Dense(1, dtype=dtype)])


class NumpyAdam:
    """Algorithm 1 of Kingma and Ba (2015), in the form that Keras gives epsilon."""

    def __init__(self, rate):
        # Keras rounds these to float32 on their way into the step size, whatever the weights are.
        self.rate, *self.betas = (float(np.float32(value)) for value in (rate, 0.9, 0.999))
        self.step, self.first, self.second = 0, {}, {}

    def apply(self, gradients, variables):
        self.step += 1
        rate = self.rate * np.sqrt(1 - self.betas[1] ** self.step) / (1 - self.betas[0] ** self.step)
        for index, (gradient, variable) in enumerate(zip(gradients, variables, strict=True)):
            gradient = np.asarray(gradient, np.float64)
            self.first[index] = 0.9 * self.first.get(index, 0.0) + 0.1 * gradient
            self.second[index] = 0.999 * self.second.get(index, 0.0) + 0.001 * gradient**2
            change = rate * self.first[index] / (np.sqrt(self.second[index]) + 1e-8)
            variable.assign(np.asarray(variable, np.float64) - change)
