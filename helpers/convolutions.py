"""Convolutions as patches and a matrix product, for many networks at once.

Under `jax.vmap` a convolution whose kernel differs from network to network becomes one grouped
convolution, for which some backends have only a slow path. Cut into patches it becomes a batched
matrix product, which none is slow at. `fastest` measures both where it runs.
"""

import functools
import statistics
import time

import jax
import jax.numpy as jnp
import keras
import numpy as np
from keras import layers

WAYS = ("grouped", "patches")


class PatchConv2D(layers.Conv2D):
    """`Conv2D` with SAME padding, computed as a matrix product over patches."""

    def call(self, inputs):
        """Float (batch, height, width, channels) to (batch, height / stride, width / stride, filters), rounded up."""
        (height, width), stride = self.kernel_size, _check(self)
        rows, columns = (-(-size // stride) for size in inputs.shape[1:3])
        padding = [_padding(count, stride, size, kernel) for count, size, kernel in
                   zip((rows, columns), inputs.shape[1:3], self.kernel_size, strict=True)]  # fmt: skip
        padded = jnp.pad(inputs, ((0, 0), *padding, (0, 0)))
        shifted = [
            padded[:, a : a + (rows - 1) * stride + 1 : stride, b : b + (columns - 1) * stride + 1 : stride]
            for a in range(height)
            for b in range(width)
        ]
        kernel = jnp.reshape(self.kernel, (-1, self.filters))
        return self.activation(jnp.concatenate(shifted, axis=-1) @ kernel + self.bias)


class PatchConv2DTranspose(layers.Conv2DTranspose):
    """`Conv2DTranspose` with SAME padding: a matrix product makes patches, which are laid over one another."""

    def call(self, inputs):
        """Float (batch, height, width, channels) to (batch, height * stride, width * stride, filters)."""
        (height, width), stride = self.kernel_size, _check(self)
        patches = jnp.einsum("nhwc,abfc->nhwabf", inputs, self.kernel)
        laid = sum(
            jax.lax.pad(
                patches[:, :, :, a, b],
                jnp.zeros((), patches.dtype),
                ((0, 0, 0), (a, height - 1 - a, stride - 1), (b, width - 1 - b, stride - 1), (0, 0, 0)),
            )
            for a in range(height)
            for b in range(width)
        )
        sizes = [size * stride for size in inputs.shape[1:3]]
        cuts = [_padding(count, stride, size, kernel)[0] for count, size, kernel in
                zip(inputs.shape[1:3], sizes, self.kernel_size, strict=True)]  # fmt: skip
        inside = tuple(slice(cut, cut + size) for cut, size in zip(cuts, sizes, strict=True))
        return self.activation(laid[:, *inside] + self.bias)


def _check(layer):
    """Return the stride of a layer, if it is of the kind that is computed here."""
    stride, plain = layer.strides[0], layer.use_bias and layer.padding == "same" and layer.dilation_rate == (1, 1)
    if (
        not plain
        or getattr(layer, "groups", 1) != 1
        or layer.strides != (stride, stride)
        or min(layer.kernel_size) < stride
    ):
        raise ValueError(
            f"Convolution {layer.name}: expected SAME padding, a bias, one group, no dilation and a square stride "
            f"no larger than the kernel, found {layer.get_config()}."
        )
    return stride


def _padding(count, stride, size, kernel):
    """Pixels that SAME padding adds before and after."""
    total = max((count - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


PATCHED = {layers.Conv2D: PatchConv2D, layers.Conv2DTranspose: PatchConv2DTranspose}


def converted(network, way):
    """A network of the same architecture, with fresh weights, that convolves in one of the two `WAYS`.

    Raises:
        ValueError: there is no such way, or a layer that patches do not cover is called.
    """
    if way not in WAYS:
        raise ValueError(f"Convolution: expected one of {', '.join(WAYS)}, found {way!r}.")
    kinds = PATCHED if way == "patches" else {}
    return keras.models.clone_model(
        network, clone_function=lambda layer: kinds.get(type(layer), type(layer)).from_config(layer.get_config())
    )


@functools.cache
def fastest(members=4, batch=100, repetitions=5):
    """Name of the way that is faster on this backend, measured once: "grouped" or "patches"."""
    seconds = measure(members, batch, repetitions)
    return min(seconds, key=seconds.get)


def measure(members, batch, repetitions=5):
    """Median seconds of the study's two large convolutions, forwards and backwards, in each way.

    Args:
        members: networks at once, each with a kernel of its own.
        batch: images of each.
        repetitions: how often, after a first time that compiles.

    Returns:
        A dict from the names of `WAYS` to float.
    """
    inputs = np.random.default_rng(0).normal(size=(members, batch, 7, 7, 256)).astype(np.float32)
    return {way: statistics.median(_seconds(_pass(way, members), inputs, repetitions)) for way in WAYS}


def _pass(way, members):
    """A compiled function of inputs: the gradients of both layers, one after the other."""
    network = keras.Sequential(
        [
            keras.Input((7, 7, 256)),
            layers.Conv2DTranspose(32, 3, strides=2, padding="same"),
            layers.Conv2D(256, 3, strides=2, padding="same"),
        ]
    )
    network = converted(network, way)
    weights = [np.broadcast_to(weight, (members, *weight.shape)) for weight in network.get_weights()]

    def loss(weights, inputs):
        return jnp.sum(jnp.square(network.stateless_call(weights, [], inputs)[0]))

    passes = jax.jit(jax.vmap(jax.grad(loss, argnums=(0, 1))))
    return functools.partial(passes, jax.device_put(weights))


def _seconds(function, inputs, repetitions):
    inputs = jax.device_put(inputs)
    jax.block_until_ready(function(inputs))
    for _ in range(repetitions):
        start = time.perf_counter()
        jax.block_until_ready(function(inputs))
        yield time.perf_counter() - start
