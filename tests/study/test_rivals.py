"""The rivals, each against a computation of its own: by hand, by finite differences, by eigenvalues."""

import random

from helpers import data, losses
from helpers.gan import GAN, build_optimizer
import keras
import numpy as np
import pytest
from scipy.signal import correlate2d
import tensorflow as tf

from study import networks, penalties, rivals
from study.experiment import PENALTY_WEIGHTS, REGULARIZER_WEIGHTS, VARIANTS, Experiment

SHAPE = (4, 4, 1)
NAMES = [name for name in PENALTY_WEIGHTS if name not in VARIANTS]


def batch(seed, count=6, shape=SHAPE, spread=0.5):
    return np.random.default_rng(seed).uniform(-1, 1, (count, *shape)) * spread


def small(units=5):
    """A dense discriminator in float64, and what it computes, written out: features, then logits."""
    kernels = [np.random.default_rng(i).normal(size=size) for i, size in enumerate([(16, units), (units, 1)])]
    x = images = keras.Input(SHAPE, dtype="float64")
    x = keras.layers.Flatten(dtype="float64")(x)
    x = keras.layers.Dense(units, "tanh", dtype="float64")(x)
    network = keras.Model(images, keras.layers.Dense(1, name="logit", dtype="float64")(x))
    network.set_weights([kernels[0], np.zeros(units), kernels[1], np.zeros(1)])

    def features(images, first=kernels[0]):
        return np.tanh(images.reshape(len(images), -1) @ first)

    return network, features, kernels


def slopes(function, values, step=1e-6):
    """Central differences of a scalar function; their error is about 1e-10 of the function."""
    found = np.empty_like(values)
    for index in np.ndindex(values.shape):
        ends = []
        for sign in (1, -1):
            moved = values.copy()
            moved[index] += sign * step
            ends.append(function(moved))
        found[index] = (ends[0] - ends[1]) / (2 * step)
    return found


def term_and_gradient(penalty, fake, real):
    """The first term of a penalty, whose second is 0, and its gradient by the generated images."""
    fake, real = tf.constant(fake), tf.constant(real)
    with tf.GradientTape() as tape:
        tape.watch(fake)
        term, nothing = penalty(losses.moment_gaps(fake, real), fake, real, step=0)
    assert nothing == 0.0
    return float(term), tape.gradient(term, fake).numpy()


def assert_same(penalty, by_hand, fake, real):
    """Value to rounding of float64; the gradient to the error of finite differences."""
    value, gradient = term_and_gradient(penalty, fake, real)
    assert value == pytest.approx(by_hand(fake), rel=1e-9)
    np.testing.assert_allclose(gradient, slopes(by_hand, fake), rtol=1e-5, atol=1e-7)
    assert np.abs(gradient).max() > 1e-3


def test_behind_each_name_of_a_regularizer_stands_something():
    assert {"none", *rivals.GRADIENT_PENALTIES, *rivals.IN_THE_NETWORK} == set(REGULARIZER_WEIGHTS)
    assert all(callable(rivals.regularizer(name, 1.0)) for name in rivals.GRADIENT_PENALTIES)
    with pytest.raises(ValueError, match="expected one of none, spectral, .*, r1, found 'r3'.*GRADIENT_PENALTIES"):
        rivals.regularizer("r3", 1.0)


@pytest.mark.parametrize("name", rivals.IN_THE_NETWORK)
def test_what_changes_the_layers_draws_all_from_the_seed(name):
    images = data.load_mnist().train_images[:8]
    one, again, other = (networks.build("dense-2", random.Random(seed), name)[1] for seed in (0, 0, 1))
    found, same, apart = (np.asarray(network(images, training=True)) for network in (one, again, other))
    assert np.array_equal(found, same) and not np.array_equal(found, apart)


def test_r1_is_the_squared_slope_of_the_discriminator_at_real_images():
    network, features, (first, last) = small()
    real = batch(0)

    def by_hand(first):
        by_image = ((1 - features(real, first) ** 2) * last[:, 0]) @ first.T  # tanh' = 1 - tanh^2
        return 10.0 / 2 * np.mean(np.sum(by_image**2, axis=1))

    with tf.GradientTape() as tape:
        value = rivals.r1(10.0)(network, tf.constant(real), tf.constant(batch(1)))
    assert float(value) == pytest.approx(by_hand(first), rel=1e-12)
    gradient = tape.gradient(value, network.trainable_variables[0])
    np.testing.assert_allclose(gradient, slopes(by_hand, first), rtol=1e-5, atol=1e-6)


def test_feature_matching():
    network, features, _ = small()
    real = batch(1, 8)
    wanted = features(real).mean(0)
    penalty = rivals.FeatureMatching(network, dtype="float64")
    assert_same(penalty, lambda fake: np.sum((features(fake).mean(0) - wanted) ** 2), batch(0), real)
    assert [rivals.adversarial_weight(name) for name in ("feature-matching", "covariance", "moments")] == [0, 1, 1]


def test_variance_hinge_pays_for_spread_that_is_missing_only():
    fake, real = batch(0), batch(1, spread=0.4)
    fake[:, :2] *= 0.1  # too little spread in the upper half alone; in the lower, more than enough
    fake[:, 2:] *= 2

    def by_hand(fake):
        missing = np.sqrt(real.var(0) + 1e-4) - np.sqrt(fake.var(0) + 1e-4)
        return np.sum(missing[missing > 0])

    assert_same(rivals.variance_hinge, by_hand, fake, real)
    assert np.abs(term_and_gradient(rivals.variance_hinge, fake, real)[1][:, 2:]).max() == 0
    # One image, repeated: the slope is 0, not infinite.
    value, gradient = term_and_gradient(rivals.variance_hinge, np.repeat(fake[:1], 6, axis=0), real)
    assert value > 0 and np.isfinite(gradient).all()


@pytest.mark.parametrize("units", [3, 9])  # fewer and more than the six images
def test_covariance_is_the_bures_distance(units):
    network, features, _ = small(units)
    real = batch(1)

    def covariance(images):
        centred = features(images) - features(images).mean(0)
        rows = centred / np.linalg.norm(centred, axis=1, keepdims=True)
        return rows.T @ rows

    def by_hand(fake):
        one, other = covariance(fake), covariance(real)
        sizes, axes = np.linalg.eigh(one)
        root = axes * np.sqrt(np.maximum(sizes, 0)) @ axes.T
        eigenvalues = np.linalg.eigvalsh(root @ other @ root)
        return np.trace(one + other) - 2 * np.sqrt(np.maximum(eigenvalues, 0)).sum()

    fake = batch(0)
    value, gradient = term_and_gradient(rivals.Covariance(network, dtype="float64"), fake, real)
    # The root of an eigenvalue that is 0 up to 1e-16 is 1e-8.
    assert value == pytest.approx(by_hand(fake), abs=1e-6)
    np.testing.assert_allclose(gradient, slopes(by_hand, fake, 1e-4), rtol=1e-2, atol=1e-3 * np.abs(gradient).max())
    assert term_and_gradient(rivals.Covariance(network, dtype="float64"), real, real)[0] == pytest.approx(0, abs=1e-9)


def test_features_are_what_the_last_layer_reads_without_dropout():
    discriminator = networks.build("dcgan-no-bn-d", random.Random(0))[1]
    images = batch(0, 4, (28, 28, 1)).astype(np.float32)
    features = rivals.last_features(discriminator)(images, training=True)
    expected = keras.Model(discriminator.input, discriminator.get_layer("logit").input)(images, training=False)
    assert features.shape == (4, 12_544) and np.array_equal(features, expected)
    dense = networks.build("dense-2", random.Random(0))[1]
    assert rivals.last_features(dense)(images).shape == (4, 128)


def test_minibatch_stddev_is_of_groups_of_four():
    features, compared = batch(0, 8, (3,)), batch(1, 8, (5,))
    found = np.array(rivals.MinibatchStddev(dtype="float64")(features, compared))
    assert found.shape == (8, 4) and np.array_equal(found[:, :3], features)
    for group in ([0, 2, 4, 6], [1, 3, 5, 7]):
        expected = np.sqrt(compared[group].var(0) + 1e-8).mean()
        assert found[group, 3] == pytest.approx(np.full(4, expected), rel=1e-12)


def test_spectral_normalisation_divides_by_the_largest_singular_value_and_counts_its_gradient():
    kernel, bias, inputs = batch(0, 4, (3,)), batch(1, 3, ()), batch(2, 5, (4,))
    layer = rivals.SpectralNormalization(keras.layers.Dense(3, dtype="float64"), dtype="float64")
    layer(inputs)
    layer.layer.set_weights([kernel, bias])
    weights = batch(3, 5, (3,))
    for _ in range(60):
        layer(inputs, training=True)  # until the power iteration stands

    def by_hand(kernel):
        return np.sum(weights * (inputs @ (kernel / np.linalg.svd(kernel)[1][0]) + bias))

    with tf.GradientTape() as tape:
        value = tf.reduce_sum(weights * layer(inputs, training=True))
    assert float(value) == pytest.approx(by_hand(kernel), rel=1e-9)
    np.testing.assert_allclose(tape.gradient(value, layer.kernel.value), slopes(by_hand, kernel), rtol=1e-5, atol=1e-7)
    assert np.array_equal(layer.kernel, kernel)  # the learned kernel stays as it is
    held = np.array(layer.vector_u)
    layer.layer.kernel.assign(batch(4, 4, (3,)))
    layer(inputs, training=False)
    assert np.array_equal(layer.vector_u, held)


def test_spectral_normalisation_of_a_convolution():
    kernel, image = batch(0, 3, (3, 1, 2)), batch(1, 1, (5, 5, 1))
    inner = keras.layers.Conv2D(2, 3, dtype="float64", bias_initializer="ones")
    layer = rivals.SpectralNormalization(inner, dtype="float64")
    layer(image)
    inner.kernel.assign(kernel)
    for _ in range(60):
        layer(image, training=True)
    largest = np.linalg.svd(kernel.reshape(9, 2))[1][0]  # of the kernel as Miyato reads it, not of the map
    for channel in range(2):
        expected = correlate2d(image[0, :, :, 0], kernel[:, :, 0, channel] / largest, "valid") + 1
        np.testing.assert_allclose(layer(image)[0, :, :, channel], expected, rtol=1e-9)


@pytest.mark.parametrize("network", ["dcgan-w8", "dense-2"])
@pytest.mark.parametrize("name", NAMES)
def test_each_penalty_by_name_takes_a_step(name, network):
    run = Experiment(0.001, PENALTY_WEIGHTS[name], profile="smoke", penalty=name, network=network)
    generator, discriminator = networks.build(network, random.Random(0))
    penalty = penalties.build(run, discriminator, None)
    before = [np.array(v) for v in generator.trainable_variables if v.path.endswith("kernel")]
    gan = GAN(generator, discriminator, run.moment_weight, penalty, adversarial_weight=rivals.adversarial_weight(name))
    gan.compile(build_optimizer(0.001), build_optimizer(0.001))
    images = tf.constant(data.load_mnist().train_images[:8])
    logged = gan.train_step((images, data.draw_latents(8, 0)))
    assert all(np.isfinite(float(value)) for value in logged.values())
    after = [np.array(v) for v in generator.trainable_variables if v.path.endswith("kernel")]
    assert all(np.isfinite(new).all() and (new != old).any() for new, old in zip(after, before, strict=True))
