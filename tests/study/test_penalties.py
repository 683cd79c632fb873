"""The penalty's variants: values and gradients against NumPy, the lots of the placebo, the debiased gaps' averages."""

import itertools

from helpers import losses, models
import keras
import numpy as np
import pytest
import tensorflow as tf

from study import penalties
from study.experiment import PENALTIES, Experiment
from study.penalties import Averaged, Dataset, Features, Placebo

SHAPE = (28, 28, 1)


def batch(seed, count=6, shape=SHAPE, spread=0.5):
    """Float64 images, so that no rounding has to be allowed for."""
    return np.random.default_rng(seed).uniform(-1, 1, (count, *shape)) * spread


def terms_and_gradients(penalty, fake, real, step=0):
    """Both terms of a penalty, and their gradients by the generated images."""
    images, real = tf.constant(fake), tf.constant(real)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(images)
        terms = penalty(losses.moment_gaps(images, real), images, real, step=step)
        terms = [tf.convert_to_tensor(term, images.dtype) for term in terms]
    gradients = [tape.gradient(term, images) for term in terms]
    zeros = np.zeros_like(fake)
    return [float(term) for term in terms], [zeros if g is None else g.numpy() for g in gradients]


def differences(fake, real):
    """What the means and variances of two batches differ by, pixel by pixel."""
    return fake.mean(0) - real.mean(0), fake.var(0) - real.var(0)


def by_hand(fake, mean, variance):
    """The gaps of such differences and their gradients by the generated images, written out."""
    slopes = np.sign(mean) / len(fake) + 0 * fake, np.sign(variance) * 2 / len(fake) * (fake - fake.mean(0))
    return (np.abs(mean).sum(), np.abs(variance).sum()), slopes


def assert_terms(found, expected, weights=(1, 1)):
    """Assert that terms and their gradients are those expected, weighted."""
    (terms, gradients), (gaps, slopes) = found, expected
    assert terms == pytest.approx(np.multiply(weights, gaps), rel=1e-12)
    for weight, gradient, slope in zip(weights, gradients, slopes, strict=True):
        assert np.abs(gradient - weight * slope).max() < 1e-14


TERMS = [("moments", 0, (1, 1)), ("mean", 0, (1, 0)), ("variance", 0, (0, 1)), ("rescaled", 5, (0, 0))]
TERMS += [("early", 99, (1, 1)), ("early", 100, (0, 0)), ("late", 99, (0, 0)), ("late", 100, (1, 1))]


@pytest.mark.parametrize(("name", "step", "weights"), TERMS)
def test_terms_are_the_gaps_that_the_name_says(name, step, weights):
    step = keras.Variable(step, dtype="int64")  # as an optimizer's iterations are
    fake, real = batch(0), batch(1, spread=0.3)
    found = terms_and_gradients(penalties.FUNCTIONS[name], fake, real, step)
    assert_terms(found, by_hand(fake, *differences(fake, real)), weights)


def test_placebo_keeps_values_and_sizes_and_draws_the_signs_by_seed_and_step_alone():
    fake, real = batch(0), batch(1, spread=0.3)
    gaps, slopes = by_hand(fake, *differences(fake, real))
    found, gradients = terms_and_gradients(Placebo(3, dtype="float64"), fake, real, 7)
    signs = np.sign(gradients[0] * slopes[0])
    assert_terms((found, gradients), (gaps, [signs * slope for slope in slopes]))  # one lot for both gaps
    assert np.linalg.norm(sum(gradients)) == pytest.approx(np.linalg.norm(sum(slopes)), rel=1e-12)
    assert abs(signs.mean()) < 5 / np.sqrt(signs.size) and set(np.unique(signs)) == {-1.0, 1.0}

    def drawn(seed, *steps):
        placebo = Placebo(seed, dtype="float64")
        return [terms_and_gradients(placebo, fake, batch(1), step)[1][0] for step in steps][-1]

    assert np.array_equal(drawn(0, 5), drawn(0, 1, 2, 5))
    for other in (drawn(0, 6), drawn(1, 5)):
        assert np.mean(drawn(0, 5) == other) == pytest.approx(0.5, abs=0.05)


def test_dataset_compares_with_the_moments_of_all_images():
    fake, images = batch(0), batch(1, 40, spread=0.3).astype(np.float32)
    found = terms_and_gradients(Dataset(images, dtype="float64"), fake, batch(2))
    mean, variance = images.mean(0, dtype=np.float64), images.var(0, dtype=np.float64) * 5 / 6
    assert_terms(found, by_hand(fake, fake.mean(0) - mean, fake.var(0) - variance))


def u_statistics(x, y):
    """Averages over all ways to draw different images, which is what a U-statistic is; one pixel."""
    fakes, reals = (list(itertools.permutations(values, 2)) for values in (x, y))
    means = np.mean([(a - c) * (b - d) for a, b in fakes for c, d in reals])
    # The squared variance is the mean of (a - b)^2 (c - d)^2 / 4 over all different a, b, c, d.
    quadruples = (itertools.permutations(values, 4) for values in (x, y))
    squared = [np.mean([(a - b) ** 2 * (c - d) ** 2 / 4 for a, b, c, d in drawn]) for drawn in quadruples]
    return means, squared[0] - 2 * x.var(ddof=1) * y.var(ddof=1) + squared[1]


def test_debiased_gaps_are_u_statistics():
    fake, real = batch(0, 6, (3,)), batch(1, 5, (3,), 0.3)
    found, _ = terms_and_gradients(penalties.debiased, fake, real)
    expected = np.sum([u_statistics(x, y) for x, y in zip(fake.T, real.T, strict=True)], axis=0)
    assert found == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("shift", "spread"), [(0.0, 1.0), (0.2, 1.0), (0.0, 1.5), (0.3, 0.5)])
def test_debiased_gaps_are_right_on_average(shift, spread):
    """Many pixels of one skewed distribution stand for many draws of one pixel."""
    generator, pixels, batches = np.random.default_rng(0), 20_000, 20
    found = []
    for _ in range(batches):
        fake = shift + spread * generator.exponential(size=(8, pixels))
        real = generator.exponential(size=(12, pixels))
        found.append([float(gap) / pixels for gap in losses.debiased_gaps(tf.constant(fake), tf.constant(real))])
    expected = (shift + spread - 1) ** 2, (spread**2 - 1) ** 2
    errors = np.std(found, axis=0, ddof=1) / np.sqrt(batches)
    assert (np.abs(np.mean(found, axis=0) - expected) < 4 * errors).all()
    assert (errors < 0.02).all()


def test_averaged_follows_the_recurrence():
    averaged, state = Averaged(dtype="float64"), np.zeros((4, *SHAPE))
    for step in range(4):
        fake, real = batch(step), batch(step + 10, spread=0.3)
        found = terms_and_gradients(averaged, fake, real, step)
        state = 0.9 * state + 0.1 * np.array([fake.mean(0), fake.var(0), real.mean(0), real.var(0)])
        # The gradients have the averages' sign, the original's size.
        assert_terms(found, by_hand(fake, *(state[:2] - state[2:]) / (1 - 0.9 ** (step + 1))))
    assert len(averaged.non_trainable_variables) == 4 and not averaged.trainable_variables


def test_features_are_those_of_the_last_convolution():
    keras.utils.set_random_seed(0)
    discriminator = models.build_discriminator()
    fake, real = batch(0).astype(np.float32), batch(1, spread=0.9).astype(np.float32)
    found, gradients = terms_and_gradients(Features(discriminator), fake, real)
    features = [tf.constant(images) for images in (fake, real)]
    for layer in discriminator.layers[1:5]:  # convolution, normalisation, LeakyReLU, convolution
        mode = {"training": True} if "normalization" in layer.name else {}
        features = [layer(x, **mode) for x in features]
    fake, real = (x.numpy().astype(np.float64) for x in features)
    assert fake.shape == (6, 7, 7, 256)
    assert found == pytest.approx(np.array(by_hand(fake, *differences(fake, real))[0]) / 16, rel=1e-4)
    assert all(np.isfinite(g).all() and np.abs(g).max() > 0 for g in gradients)


def test_weights_apart_are_those_of_the_two_gaps():
    run = Experiment.of_test(2, True, profile="smoke", moment_weight=0.5, variance_weight=0.125)
    terms = penalties.build(run, None, None)((8.0, 4.0), None, None, step=0)
    assert tuple(run.moment_weight * term for term in terms) == (0.5 * 8.0, 0.125 * 4.0)


def test_a_penalty_that_nobody_makes_is_named(monkeypatch):
    monkeypatch.delitem(penalties.FUNCTIONS, "mean")
    with pytest.raises(ValueError, match="Penalty mean: expected in penalties.FUNCTIONS"):
        penalties.build(Experiment.of_test(2, True, profile="smoke", penalty="mean"), None, None)


@pytest.mark.parametrize("name", PENALTIES)
def test_every_name_builds_a_penalty_of_two_scalars(name):
    images = batch(0, 8).astype(np.float32)
    run = Experiment.of_test(2, True, profile="smoke", penalty=name)
    penalty = penalties.build(run, models.build_discriminator(), lambda: images)
    terms, _ = terms_and_gradients(penalty, images, batch(1, 8).astype(np.float32))
    assert len(terms) == 2 and np.isfinite(terms).all()
