"""The losses against NumPy and SciPy, and the gradients of the gaps."""

from helpers import losses
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
import numpy as np
import pytest
from scipy import special
import tensorflow as tf

LOGITS = hnp.arrays(np.float32, st.tuples(st.integers(1, 40), st.just(1)), elements=st.floats(-50, 50, width=32))
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
    spread, centre = draw(st.sampled_from([0.0, 1e-3, 0.5, 1.0, 30.0])), draw(st.floats(-1, 1, width=32))
    values = [np.clip(centre + spread * generator.normal(size=(size, *shape)), -1, 1) for size in sizes]
    return [array.astype(np.float32) for array in values]


@given(LOGITS, LOGITS, st.floats(0, 1), st.floats(0, 100), st.floats(0, 100), st.sampled_from([0.0, 0.1, 2.0]))
def test_losses_are_scipys(real, fake, target, mean_gap, variance_gap, weight):
    terms = np.float32(mean_gap), np.float32(variance_gap)
    adversarial = cross_entropy(fake, 1.0)
    pairs = [
        (losses.binary_cross_entropy(real, target), cross_entropy(real, target)),
        (losses.discriminator_loss(real, fake), cross_entropy(real, 0.9) + cross_entropy(fake, 0.0)),
        (losses.generator_loss(fake, terms, weight), adversarial + weight * (mean_gap + variance_gap)),
    ]
    for loss, expected in pairs:
        assert float(loss) == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_cross_entropy_of_extreme_logits_is_finite():
    for logit, target, expected in [(1e4, 1.0, 0.0), (-1e4, 0.0, 0.0), (1e4, 0.0, 1e4), (0.0, 0.9, np.log(2))]:
        assert float(losses.binary_cross_entropy(np.float32([[logit]]), target)) == pytest.approx(expected, rel=1e-6)


@given(batches(), st.integers(0, 2**32))
def test_gaps_are_those_of_numpy_in_any_order(pair, seed):
    fake, real = pair
    shuffled = np.random.default_rng(seed).permutation(fake)
    for images in (fake, shuffled):
        found = [float(gap) for gap in losses.moment_gaps(images, real)]
        assert found == pytest.approx(gaps(fake, real), rel=1e-5, abs=ROUNDING * fake[0].size)
    assert np.array_equal(losses.moment_gaps(real, fake), losses.moment_gaps(fake, real))
    assert np.array_equal(losses.moment_gaps(fake, fake), [0.0, 0.0])


def test_gradients_of_the_gaps_are_the_hand_formula():
    generator = np.random.default_rng(0)
    fake = generator.uniform(-1, 1, (4, 5, 5, 1))  # float64: no rounding to allow for
    real = generator.uniform(-1, 1, (9, 5, 5, 1)) * 0.6
    images = tf.constant(fake)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(images)
        found = losses.moment_gaps(images, tf.constant(real))
    variance_sign = np.sign(fake.var(axis=0) - real.var(axis=0))
    assert {-1.0, 1.0} == set(np.unique(variance_sign))  # both signs are put to the test
    by_mean = np.broadcast_to(np.sign(fake.mean(axis=0) - real.mean(axis=0)) / len(fake), fake.shape)
    by_variance = variance_sign * 2.0 * (fake - fake.mean(axis=0)) / len(fake)
    written_out = losses.moment_gap_gradients(images, tf.constant(real))
    for gap, formula, expected in zip(found, written_out, (by_mean, by_variance), strict=True):
        assert np.abs(tape.gradient(gap, images) - expected).max() < 1e-14
        assert np.abs(formula - expected).max() < 1e-14
