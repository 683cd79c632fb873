"""The faster layers and the faster Adam compute what Keras computes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from helpers.fused import FusedAdam, FusedBatchNormalization, LeakyDropout, OrderedDense

SHAPES = {"rank 2": (20, 7), "rank 4": (6, 5, 3, 7), "a batch of two": (2, 7)}


def inputs_of(shape, seed=0):
    generator = np.random.default_rng(seed)
    # Channels of very different centres and spreads.
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
def test_outputs_and_gradients_are_those_of_keras(kind):
    shape = SHAPES[kind]
    inputs, upstream = inputs_of(shape), np.random.default_rng(2).normal(size=shape).astype(np.float32)
    found, expected = (pass_through(layer, inputs, upstream) for layer in twins(shape))
    for name, one, other in zip(("outputs", "inputs", "gamma", "beta"), found, expected, strict=True):
        scale = np.abs(other).max()
        assert np.abs(one - other).max() <= 1e-5 * scale, name


@pytest.mark.parametrize("kind", SHAPES)
def test_moving_averages_and_inference_are_those_of_keras(kind):
    shape = SHAPES[kind]
    fused, plain = twins(shape)
    for seed in range(4):
        for layer in (fused, plain):
            layer(inputs_of(shape, seed), training=True)
    assert np.allclose(fused.moving_mean, plain.moving_mean, rtol=1e-5, atol=1e-6)
    # At a batch of two the unbiased variance would be twice the biased one.
    assert np.allclose(fused.moving_variance, plain.moving_variance, rtol=1e-5, atol=1e-6)
    new = inputs_of(shape, 9)
    assert np.allclose(fused(new, training=False), plain(new, training=False), rtol=1e-5, atol=1e-5)


def test_inference_leaves_the_moving_averages_alone():
    fused, _ = twins((20, 7))
    before = fused.get_weights()
    fused(inputs_of((20, 7)), training=False)
    assert all(np.array_equal(a, b) for a, b in zip(before, fused.get_weights(), strict=True))


def test_batch_size_may_be_unknown_when_traced():
    fused, plain = twins((20, 7))
    traced = tf.function(lambda x: fused(x, training=True), input_signature=[tf.TensorSpec((None, 7))])
    for count in (20, 3):
        inputs = inputs_of((count, 7))
        assert np.allclose(traced(inputs), plain(inputs, training=True), atol=1e-5)
    assert np.allclose(fused.moving_variance, plain.moving_variance, rtol=1e-5)


@pytest.mark.parametrize("rate", [0.01, 0.0001])
def test_twenty_steps_of_adam_are_those_of_keras(rate):
    generator = np.random.default_rng(0)
    start = [generator.normal(size=shape).astype(np.float32) for shape in ((30, 4), (5,), ())]
    settings = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8}
    optimizers = FusedAdam(rate, **settings), keras.optimizers.Adam(rate, **settings)
    sets = [[keras.Variable(value) for value in start] for _ in optimizers]
    for optimizer, variables in zip(optimizers, sets, strict=True):
        optimizer.build(variables)
    for step in range(20):
        # From 1e-6 to 1e3, so that epsilon and both moments matter.
        gradients = [(generator.normal(size=v.shape) * 10.0 ** (step % 10 - 6)).astype(np.float32) for v in start]
        for optimizer, variables in zip(optimizers, sets, strict=True):
            optimizer.apply([tf.constant(gradient) for gradient in gradients], variables)
    for first, fused, plain in zip(start, *sets, strict=True):
        assert np.abs(fused.numpy() - plain.numpy()).max() <= 1e-6
        assert np.abs(plain.numpy() - first).max() > rate  # they did move
    assert int(optimizers[0].iterations) == int(optimizers[1].iterations) == 20
    for one, other in zip(optimizers[0].variables, optimizers[1].variables, strict=True):
        # The kernel takes 1 - beta_2 from the float32 0.999, which is off by up to 2^-25: 3e-5 of 0.001.
        assert np.abs(one - other).max() <= 3e-5 * np.abs(other).max(), one.path


def test_adam_follows_a_changed_rate():
    weight = keras.Variable(np.zeros(3, np.float32))
    optimizer = FusedAdam(0.1)
    optimizer.build([weight])
    optimizer.learning_rate = 0.5
    optimizer.apply([tf.ones(3)], [weight])
    assert np.allclose(weight, -0.5, atol=1e-5)  # Adam's first step is the rate


@pytest.mark.parametrize("threads", ["1", "2"])
def test_the_ordered_layer_and_its_gradients_are_those_of_keras(threads, monkeypatch):
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", threads)  # decides the form; TensorFlow itself has its threads
    generator = np.random.default_rng(0)
    inputs, upstream = (tf.constant(generator.normal(size=(9, n)), tf.float32) for n in (20, 50))
    weights = [generator.normal(size=shape).astype(np.float32) for shape in ((20, 50), (50,))]
    found = []
    for kind in (OrderedDense, keras.layers.Dense):
        layer = kind(50)
        layer.build((None, 20))
        layer.set_weights(weights)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs)
        variables = [inputs, *(variable.value for variable in layer.trainable_variables)]
        found.append([outputs, *tape.gradient(outputs, variables, output_gradients=upstream)])
    for name, one, other in zip(("outputs", "inputs", "kernel", "bias"), *found, strict=True):
        assert np.abs(one - other).max() <= 1e-6 * np.abs(other).max(), name


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5])
def test_activation_and_dropout_in_one_are_those_of_keras(rate):
    inputs, found = tf.constant(inputs_of((30, 7))), []
    assert np.any(inputs < 0) and np.any(inputs > 0)
    fused, dropout = LeakyDropout(rate, negative_slope=0.2, seed=3), keras.layers.Dropout(rate, seed=3)
    for layer in (fused, lambda x, training: dropout(keras.layers.LeakyReLU(0.2)(x), training=training)):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = [layer(inputs, training=True) for _ in range(2)]
        found.append([*outputs, tape.gradient(outputs[1], inputs), layer(inputs, training=False)])
    for one, other in zip(*found, strict=True):
        assert np.array_equal(np.asarray(one) == 0.0, np.asarray(other) == 0.0)
        assert np.array_equal(one, other) if rate == 0.5 else np.allclose(one, other, rtol=1e-6, atol=0)
    first, second = (np.asarray(outputs) == 0.0 for outputs in found[0][:2])
    assert rate == 0.0 or (np.any(first != second) and abs(first.mean() - rate) < 0.15)


def test_activation_and_dropout_in_one_can_be_built_from_its_settings():
    layer = LeakyDropout(0.3, negative_slope=0.1, seed=3, name="dropout")
    twin = LeakyDropout.from_config(layer.get_config())
    assert (twin.rate, twin.negative_slope, twin.name) == (0.3, 0.1, "dropout")
