"""The two networks from Keras' own layers, at the study's sizes and at small ones, for any backend."""

import keras
from keras import layers, ops

FULL = {"generator": (1024, 256, 32), "discriminator": (32, 256)}
NARROW = {"generator": (24, 6, 4), "discriminator": (4, 6)}


def plain_generator(widths=FULL["generator"], dtype="float32"):
    """The generator of the design page, from Keras' own layers."""
    dense, deep, shallow = widths
    return keras.Sequential(
        [
            keras.Input((100,), dtype=dtype),
            layers.Dense(dense, dtype=dtype),
            layers.BatchNormalization(dtype=dtype),
            layers.LeakyReLU(negative_slope=0.2, dtype=dtype),
            layers.Dense(49 * deep, dtype=dtype),
            layers.Reshape((7, 7, deep), dtype=dtype),
            layers.BatchNormalization(dtype=dtype),
            layers.LeakyReLU(negative_slope=0.2, dtype=dtype),
            layers.Conv2DTranspose(shallow, 3, 2, "same", dtype=dtype),
            layers.BatchNormalization(dtype=dtype),
            layers.LeakyReLU(negative_slope=0.2, dtype=dtype),
            layers.Conv2DTranspose(1, 3, 2, "same", activation="tanh", dtype=dtype),
        ]
    )


def plain_discriminator(widths=FULL["discriminator"], dtype="float32", rate=0.5, dropout=None):
    """The discriminator of the design page, from Keras' own layers; `dropout` takes the place of its dropout."""
    shallow, deep = widths
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), dtype=dtype),
            layers.Conv2D(shallow, 3, 2, "same", dtype=dtype),
            layers.BatchNormalization(dtype=dtype),
            layers.LeakyReLU(negative_slope=0.2, dtype=dtype),
            layers.Conv2D(deep, 3, 2, "same", dtype=dtype),
            layers.BatchNormalization(dtype=dtype),
            layers.LeakyReLU(negative_slope=0.2, dtype=dtype),
            layers.Flatten(dtype=dtype),
            dropout or layers.Dropout(rate, name="dropout", dtype=dtype),
            layers.Dense(1, dtype=dtype),
        ]
    )


class CountedDropout(layers.Layer):
    """Dropout of one half by integer arithmetic, other units at every call: the same numbers on every backend."""

    def build(self, shape):
        self.calls = self.add_weight(shape=(), dtype="int32", initializer="zeros", trainable=False, name="calls")

    def call(self, inputs, training=False):
        if not training:
            return inputs
        self.calls.assign(self.calls + 1)
        size = inputs.shape[0] * inputs.shape[1]
        numbers = ops.reshape(ops.arange(size, dtype="int32"), inputs.shape)
        kept = (numbers * 7919 + self.calls * 1009) % 101 % 2
        return inputs * 2.0 * ops.cast(kept, inputs.dtype)
