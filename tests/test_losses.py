"""The losses against NumPy and SciPy, the gradient of the gaps, and what two real batches differ by."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import special

from helpers import losses

LOGITS = hnp.arrays(np.float32, st.tuples(st.integers(1, 40), st.just(1)), elements=st.floats(-50, 50, width=32))
PIXELS = st.floats(-1, 1, width=32)
# Each pixel's moments are float32 sums over up to 50 values: 16 roundings of 2^-24.
ROUNDING = 2.0**-20


def cross_entropy(logits, target):
    """Mean of -t log p - (1 - t) log(1 - p), by SciPy's stable logarithms of the sigmoid in float64."""
    logits = logits.astype(np.float64)
    return np.mean(-target * special.log_expit(logits) - (1 - target) * special.log_expit(-logits))


def gaps(fake, real):
    """The two gaps in float64, by sums written out."""
    fake, real = fake.astype(np.float64), real.astype(np.float64)
    means = [batch.sum(axis=0) / len(batch) for batch in (fake, real)]
    squares = [((batch - mean) ** 2).sum(axis=0) / len(batch) for batch, mean in zip((fake, real), means, strict=True)]
    return np.abs(means[0] - means[1]).sum(), np.abs(squares[0] - squares[1]).sum()


@st.composite
def batches(draw):
    """Two batches of images of one small shape, whose sizes may differ."""
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=5))
    sizes = draw(st.tuples(st.integers(2, 50), st.integers(2, 50)))
    # Seeds rather than elements: arrays of this size are slow to draw one by one; the ends of the range are likely.
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    spread = draw(st.sampled_from([0.0, 1e-3, 0.5, 1.0, 30.0]))
    centre = draw(PIXELS)
    values = [np.clip(centre + spread * generator.normal(size=(size, *shape)), -1, 1) for size in sizes]
    return [array.astype(np.float32) for array in values]


@given(LOGITS, st.floats(0, 1))
def test_cross_entropy_is_scipys(logits, target):
    found = float(losses.binary_cross_entropy(logits, target))
    assert found == pytest.approx(cross_entropy(logits, target), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(
    ("logit", "target", "expected"), [(1e4, 1.0, 0.0), (-1e4, 0.0, 0.0), (1e4, 0.0, 1e4), (0.0, 0.9, np.log(2))]
)
def test_cross_entropy_of_extreme_logits_is_finite(logit, target, expected):
    assert float(losses.binary_cross_entropy(np.float32([[logit]]), target)) == pytest.approx(expected, rel=1e-6)


@given(LOGITS, LOGITS)
def test_discriminator_loss_by_hand(real, fake):
    expected = cross_entropy(real, 0.9) + cross_entropy(fake, 0.0)
    assert float(losses.discriminator_loss(real, fake)) == pytest.approx(expected, rel=1e-5, abs=1e-6)


@given(LOGITS, st.floats(0, 100), st.floats(0, 100), st.sampled_from([0.0, 0.1, 2.0]))
def test_generator_loss_by_hand(logits, mean_gap, variance_gap, weight):
    expected = cross_entropy(logits, 1.0) + weight * mean_gap + weight * variance_gap
    found = losses.generator_loss(logits, (np.float32(mean_gap), np.float32(variance_gap)), weight)
    assert float(found) == pytest.approx(expected, rel=1e-5, abs=1e-6)


@given(LOGITS, st.floats(0, 1e6, width=32))
def test_weight_zero_is_exactly_the_adversarial_loss(logits, gap):
    found = losses.generator_loss(logits, (tf.constant(gap), tf.constant(gap)), 0.0)
    assert float(found) == float(losses.binary_cross_entropy(logits, 1.0))


@given(batches())
def test_gaps_are_those_of_numpy(pair):
    found = [float(gap) for gap in losses.moment_gaps(*pair)]
    assert found == pytest.approx(gaps(*pair), rel=1e-5, abs=ROUNDING * pair[0][0].size)


def test_gaps_of_batches_worked_out_by_hand():
    fake = np.float32([[-1, 0], [1, 0]])  # means 0, 0; variances 1, 0
    real = np.float32([[0.5, 1], [0.5, 0], [0.5, 1], [0.5, 0]])  # means 0.5, 0.5; variances 0, 0.25
    assert [float(gap) for gap in losses.moment_gaps(fake, real)] == [1.0, 1.25]


@given(batches())
def test_gaps_of_a_batch_to_itself_are_zero(pair):
    assert [float(gap) for gap in losses.moment_gaps(pair[0], pair[0])] == [0.0, 0.0]


@given(batches())
def test_gaps_are_symmetric(pair):
    fake, real = pair
    assert [float(gap) for gap in losses.moment_gaps(fake, real)] == [
        float(gap) for gap in losses.moment_gaps(real, fake)
    ]


@given(batches(), st.integers(0, 2**32))
def test_gaps_do_not_depend_on_the_order_of_a_batch(pair, seed):
    fake, real = pair
    shuffled = np.random.default_rng(seed).permutation(fake)
    found = [float(gap) for gap in losses.moment_gaps(shuffled, real)]
    expected = [float(gap) for gap in losses.moment_gaps(fake, real)]
    assert found == pytest.approx(expected, rel=1e-5, abs=ROUNDING * fake[0].size)


@pytest.mark.parametrize("sizes", [(6, 6), (4, 9)])
def test_gradients_of_the_gaps_are_the_hand_formula(sizes):
    generator = np.random.default_rng(0)
    fake = generator.uniform(-1, 1, (sizes[0], 5, 5, 1))  # float64: no rounding to allow for
    real = generator.uniform(-1, 1, (sizes[1], 5, 5, 1)) * 0.6
    images = tf.constant(fake)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(images)
        mean_gap, variance_gap = losses.moment_gaps(images, tf.constant(real))
    count = len(fake)
    mean_sign = np.sign(fake.mean(axis=0) - real.mean(axis=0))
    variance_sign = np.sign(fake.var(axis=0) - real.var(axis=0))
    by_mean = np.broadcast_to(mean_sign / count, fake.shape)
    by_variance = variance_sign * 2.0 * (fake - fake.mean(axis=0)) / count
    assert {-1.0, 1.0} == set(np.unique(variance_sign))  # both signs are put to the test
    assert np.abs(tape.gradient(mean_gap, images) - by_mean).max() < 1e-14
    assert np.abs(tape.gradient(variance_gap, images) - by_variance).max() < 1e-14


def test_two_real_batches_differ_by_what_the_study_found(mnist):
    generator = np.random.default_rng(0)
    found = []
    for _ in range(300):
        rows = generator.choice(len(mnist.train_images), 200, replace=False)
        images = mnist.train_images[rows]
        found.append([float(gap) for gap in losses.moment_gaps(images[:100], images[100:])])
    mean_gap, variance_gap = 0.1 * np.mean(found, axis=0)
    assert mean_gap == pytest.approx(3.38, abs=0.08)
    assert variance_gap == pytest.approx(3.10, abs=0.06)
