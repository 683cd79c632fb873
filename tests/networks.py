"""The two networks from Keras' own layers, at small sizes, and Adam in NumPy."""

import keras
from keras import layers
import numpy as np

NARROW = {"generator": (24, 6, 4), "discriminator": (4, 6)}


def plain_generator(widths=NARROW["generator"], dtype="float32"):
    """The generator of the design page."""
    dense, deep, shallow = widths
    blocks = [[layers.Dense(dense, dtype=dtype)]]
    blocks += [[layers.Dense(49 * deep, dtype=dtype), layers.Reshape((7, 7, deep), dtype=dtype)]]
    blocks += [[layers.Conv2DTranspose(shallow, 3, 2, "same", dtype=dtype)]]
    last = layers.Conv2DTranspose(1, 3, 2, "same", activation="tanh", dtype=dtype)
    return keras.Sequential([keras.Input((100,), dtype=dtype), *_normalised(blocks, dtype), last])


def plain_discriminator(widths=NARROW["discriminator"], dtype="float32", rate=0.5):
    """The discriminator of the design page."""
    blocks = [[layers.Conv2D(width, 3, 2, "same", dtype=dtype)] for width in widths]
    last = layers.Flatten(dtype=dtype), layers.Dropout(rate, name="dropout", dtype=dtype), layers.Dense(1, dtype=dtype)
    return keras.Sequential([keras.Input((28, 28, 1), dtype=dtype), *_normalised(blocks, dtype), *last])


def _normalised(blocks, dtype):
    for block in blocks:
        yield from block
        yield from (layers.BatchNormalization(dtype=dtype), layers.LeakyReLU(negative_slope=0.2, dtype=dtype))


class NumpyAdam:
    """Algorithm 1 of Kingma and Ba (2015), in the form that Keras gives epsilon."""

    def __init__(self, rate):
        # Keras rounds these to float32 on their way into the step size, whatever the weights are.
        self.rate, *self.betas = (float(np.float32(value)) for value in (rate, 0.9, 0.999))
        self.step, self.first, self.second = 0, {}, {}

    def moves(self, gradients):
        self.step += 1
        rate, moves = self.rate * np.sqrt(1 - self.betas[1] ** self.step) / (1 - self.betas[0] ** self.step), []
        for index, gradient in enumerate(np.asarray(gradient, np.float64) for gradient in gradients):
            self.first[index] = 0.9 * self.first.get(index, 0.0) + 0.1 * gradient
            self.second[index] = 0.999 * self.second.get(index, 0.0) + 0.001 * gradient**2
            moves.append(-rate * self.first[index] / (np.sqrt(self.second[index]) + 1e-8))
        return moves

    def apply(self, gradients, variables):
        for move, variable in zip(self.moves(gradients), variables, strict=True):
            variable.assign(np.asarray(variable, np.float64) + move)
