"""The faster layers and the faster Adam compute what Keras computes, to rounding; each bound says why.

Layer by layer and before the first update: over steps in float32 one activation that rounding moves across zero
changes its gradient fivefold, and two correct programs part, on each processor at another step. The step itself,
one generator forward for two, is compared with an independent one in float64: tests/helpers/test_gan.py.
"""

from helpers import data, models
import keras
import numpy as np
import pytest
import tensorflow as tf

from study import bench, fast
from study.fast import FusedBatchNormalization

SHAPES = {"rank 2": (20, 7), "rank 4": (6, 5, 3, 7), "a batch of two": (2, 7)}


def inputs_of(shape, seed=0):
    generator = np.random.default_rng(seed)
    # Channels of very different centres and spreads: up to 20 between them.
    return (generator.normal(size=shape) * np.linspace(0.1, 3, 7) + np.linspace(-2, 2, 7)).astype(np.float32)


def twins(shape):
    """A fused layer and Keras' own with the same gamma, beta and moving averages."""
    settings = {"momentum": 0.9, "epsilon": 1e-3}
    twins = FusedBatchNormalization(**settings), keras.layers.BatchNormalization(**settings)
    generator = np.random.default_rng(1)
    weights = [generator.uniform(0.5, 2.0, 7).astype(np.float32) for _ in range(4)]
    for layer in twins:
        layer.build((None, *shape[1:]))
        layer.set_weights(weights)
    return twins


def pass_through(layer, inputs, upstream):
    """Outputs in training mode, and the gradients by the inputs, gamma and beta."""
    inputs = tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs, training=True)
        loss = tf.reduce_sum(outputs * upstream)
    return [outputs, *tape.gradient(loss, [inputs, layer.gamma.value, layer.beta.value])]


@pytest.mark.parametrize("kind", SHAPES)
def test_outputs_gradients_moving_averages_and_inference_are_those_of_keras(kind):
    shape = SHAPES[kind]
    inputs, upstream = inputs_of(shape), np.random.default_rng(2).normal(size=shape).astype(np.float32)
    found, expected = (pass_through(layer, inputs, upstream) for layer in twins(shape))
    for name, one, other in zip(("outputs", "inputs", "gamma", "beta"), found, expected, strict=True):
        # The centre costs a factor of 20 of float32's 6e-8, sums of up to 90 numbers another 9: 1.1e-5.
        assert np.abs(one - other).max() <= 1.5e-5 * np.abs(other).max(), name
    fused, plain = twins(shape)
    for seed in range(4):
        for layer in (fused, plain):
            layer(inputs_of(shape, seed), training=True)
    # At a batch of two the unbiased variance would be twice the biased one.
    before = fused.get_weights()
    found, expected = ([*layer.get_weights(), layer(inputs_of(shape, 9), training=False)] for layer in (fused, plain))
    for one, other in zip(found, expected, strict=True):
        assert np.abs(one - other).max() <= 1e-5 * np.abs(other).max()
    assert all(np.array_equal(a, b) for a, b in zip(before, fused.get_weights(), strict=True))


@pytest.mark.parametrize("rate", [0.01, 0.0001])
def test_twenty_steps_of_adam_are_those_of_keras(rate):
    generator = np.random.default_rng(0)
    start = [generator.normal(size=shape).astype(np.float32) for shape in ((30, 4), (5,), ())]
    optimizers = fast.build_optimizer(rate), keras.optimizers.Adam(rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8)
    sets = [[keras.Variable(value) for value in start] for _ in optimizers]
    for optimizer, variables in zip(optimizers, sets, strict=True):
        optimizer.build(variables)
    for step in range(20):
        # From 1e-6 to 1e3, so that epsilon and both moments matter.
        gradients = [(generator.normal(size=v.shape) * 10.0 ** (step % 10 - 6)).astype(np.float32) for v in start]
        for optimizer, variables in zip(optimizers, sets, strict=True):
            optimizer.apply([tf.constant(gradient) for gradient in gradients], variables)
    for one, other in zip(optimizers[0].variables, optimizers[1].variables, strict=True):
        # The kernel takes 1 - beta_2 from the float32 0.999, which is off by up to 2^-25: 3e-5 of 0.001.
        assert np.abs(one - other).max() <= 3e-5 * np.abs(other).max(), one.path
    for first, fused, plain in zip(start, *sets, strict=True):
        # A step is a few rates at most and off by half of those 3e-5; and each rounds the weight once.
        bound = 20 * (2e-5 * 3 * rate + 2.0**-23 * np.abs(plain).max())
        assert np.abs(fused.numpy() - plain.numpy()).max() <= bound
        assert np.abs(plain.numpy() - first).max() > max(rate, 20 * bound)  # they did move
    assert int(optimizers[0].iterations) == int(optimizers[1].iterations) == 20


@pytest.mark.parametrize("build", [models.build_generator, models.build_discriminator])
def test_an_accelerated_network_is_the_same_network(build):
    keras.utils.set_random_seed(0)
    network = build()
    fused = fast.accelerate(network)
    assert [layer.name for layer in fused.layers] == [layer.name for layer in network.layers]
    for one, other in zip(fused.get_weights(), network.get_weights(), strict=True):
        assert one.tobytes() == other.tobytes()
    for one, other in zip(fused.layers, network.layers, strict=True):
        normalises = type(other) is keras.layers.BatchNormalization
        assert type(one) is (FusedBatchNormalization if normalises else type(other))
        if hasattr(other, "seed_generator"):
            assert np.array_equal(one.seed_generator.state, other.seed_generator.state)
    inputs = np.random.default_rng(0).uniform(-1, 1, (8, *network.input_shape[1:])).astype(np.float32)
    found, expected = (np.asarray(one(inputs, training=False)) for one in (fused, network))
    assert np.abs(found - expected).max() <= 1e-6 * np.abs(expected).max()  # the same kernels
    fused.trainable_variables[0].assign_add(tf.ones_like(fused.trainable_variables[0]))
    assert np.array_equal(network(inputs, training=False), expected)  # a copy: the given one is left alone


def test_one_step_of_the_studys_networks_starts_as_in_plain_keras(mnist):
    """The values before any update; those after one depend on the sign of gradients that are rounding noise."""
    batch = mnist.train_images[:20], data.draw_latents(20, 9)
    found, expected = (bench.build(fused).train_step([tf.constant(part) for part in batch]) for fused in (True, False))
    for name in ("discriminator_loss", "mean_gap", "variance_gap"):
        # Averages of 20 logits or 784 pixels through at most nine layers, sums of up to 12,544 numbers each:
        # 6e-8 * sqrt(12,544) a layer is 6e-5 in all. Another epsilon of the normalisation would show as 1e-3.
        assert float(found[name]) == pytest.approx(float(expected[name]), rel=1e-4), name
