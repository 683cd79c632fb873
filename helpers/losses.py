"""The losses, as pure `keras.ops` maths. Taught in notebooks 03, 04, 12 and 16."""

from typing import Any

from keras import ops

Tensor = Any  # a TensorFlow tensor, a Keras variable or a NumPy array

REAL_TARGET = 0.9  # one-sided label smoothing (Salimans et al., 2016)


def binary_cross_entropy(logits: Tensor, target: float) -> Tensor:
    """Mean binary cross-entropy of logits against one constant target.

    Args:
        logits: float tensor (batch, 1), any real value.
        target: float in [0, 1], the probability of "real" that the logits should express.

    Returns:
        Scalar, in nats: the batch mean of -t log p - (1 - t) log(1 - p) with p = sigmoid(logit),
        written as softplus(logit) - t * logit so that no logarithm overflows.
    """
    return ops.mean(ops.softplus(logits) - target * logits)


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Loss of the discriminator: real images towards 0.9, generated ones towards 0.

    Args:
        real_logits: float tensor (batch, 1), the discriminator's answer to real images.
        fake_logits: float tensor (batch, 1), its answer to generated images.

    Returns:
        Scalar, in nats: the sum of the two cross-entropies (Goodfellow et al., 2014, with
        the one-sided label smoothing of Salimans et al., 2016).
    """
    return binary_cross_entropy(real_logits, REAL_TARGET) + binary_cross_entropy(fake_logits, 0.0)


def moment_gaps(fake: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
    """How far the per-pixel mean and variance of two batches lie apart.

    Args:
        fake: float tensor (batch, ...), generated images, pixels in [-1, 1].
        real: float tensor (batch, ...) of the same image shape; the batch sizes may differ.

    Returns:
        `(mean_gap, variance_gap)`, two scalars: the absolute differences of the moments over
        the batch axis, summed over pixels, unweighted. The variance is the biased one (divided
        by the batch size). Source: the 2017 moment-stabilisation study.
    """
    mean_gap = ops.sum(ops.abs(ops.mean(fake, axis=0) - ops.mean(real, axis=0)))
    variance_gap = ops.sum(ops.abs(ops.var(fake, axis=0) - ops.var(real, axis=0)))
    return mean_gap, variance_gap


def moment_gap_gradients(fake: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
    """What each gap of `moment_gaps` pulls a generated pixel by: its gradient, written out.

    Args:
        fake: float tensor (batch, ...), generated images, pixels in [-1, 1].
        real: float tensor (batch, ...) of the same image shape; the batch sizes may differ.

    Returns:
        `(by_mean, by_variance)`, both of the shape of `fake`: sign(m - M) / n, the same for every
        image of the batch, and sign(v - V) * 2 (y - m) / n, towards the batch mean where v < V: descent goes away.
    """
    count = _count(fake)
    mean = ops.mean(fake, axis=0)
    by_mean = ops.sign(mean - ops.mean(real, axis=0)) / count
    by_variance = ops.sign(ops.var(fake, axis=0) - ops.var(real, axis=0)) * 2.0 * (fake - mean) / count
    return by_mean * ops.ones_like(fake), by_variance


def gaps_to_moments(fake: Tensor, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    """How far a batch lies from given moments: `moment_gaps` without a real batch's chance.

    Args:
        fake: float tensor (batch, ...), generated images, pixels in [-1, 1].
        mean, variance: float tensors of one image's shape, of all the real images there are.

    Returns:
        `(mean_gap, variance_gap)` as `moment_gaps` returns them. The given variance is multiplied
        by (n - 1) / n, which is what the biased variance of n real images is on average.
    """
    count = _count(fake)
    mean_gap = ops.sum(ops.abs(ops.mean(fake, axis=0) - mean))
    variance_gap = ops.sum(ops.abs(ops.var(fake, axis=0) - variance * ((count - 1.0) / count)))
    return mean_gap, variance_gap


def debiased_gaps(fake: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
    """Squared gaps of mean and variance, estimated without bias: zero on average where both agree.

    Args:
        fake, real: float tensors (batch, ...) of one image shape, 4 images or more in each: with
            fewer the result is not finite.

    Returns:
        `(mean_gap, variance_gap)`, two scalars, summed over pixels; they can be negative. With the
        k-statistics k1, k2 (unbiased estimates of the mean and variance) of each batch:
        (k1 - k1')^2 - k2/n - k2'/n' for the means, and k22 - 2 k2 k2' + k22' for the variances,
        where k22 = (n - 1)/(n + 1) (k2^2 - k4/n) estimates the squared variance (a polykay).

    Both are the U-statistics of their squared differences (Hoeffding, 1948); the means' one is the
    squared maximum mean discrepancy of a linear kernel (Gretton et al., 2012).
    """
    (mean, variance, squared), (real_mean, real_variance, real_squared) = (_unbiased(fake), _unbiased(real))
    chance = variance / _count(fake) + real_variance / _count(real)
    mean_gap = ops.sum((mean - real_mean) ** 2 - chance)
    variance_gap = ops.sum(squared - 2.0 * variance * real_variance + real_squared)
    return mean_gap, variance_gap


def _unbiased(images):
    """Unbiased estimates per pixel of the mean, the variance and the squared variance."""
    n = _count(images)
    mean = ops.mean(images, axis=0)
    squares = (images - mean) ** 2
    second, fourth = ops.mean(squares, axis=0), ops.mean(squares**2, axis=0)
    k2 = second * (n / (n - 1))
    k4 = ((n + 1) * fourth - 3 * (n - 1) * second**2) * (n**2 / ((n - 1) * (n - 2) * (n - 3)))
    return mean, k2, (k2**2 - k4 / n) * ((n - 1) / (n + 1))


def _count(images):
    """How many images a batch has, as a number of its dtype."""
    return ops.cast(ops.shape(images)[0], images.dtype)


def generator_loss(
    fake_logits: Tensor, gaps: tuple[Tensor, Tensor], moment_weight: float, adversarial_weight: float = 1.0
) -> Tensor:
    """Loss of the generator: fool the discriminator, and match the moments.

    Args:
        fake_logits: float tensor (batch, 1), the updated discriminator's answer to generated images.
        gaps: `(mean_gap, variance_gap)` as `moment_gaps` returns them, or as a penalty does.
        moment_weight: float >= 0, the weight lambda of each gap; 0 is the plain GAN.
        adversarial_weight: float >= 0, of fooling the discriminator.

    Returns:
        Scalar: adversarial_weight times the non-saturating loss of Goodfellow et al. (2014), plus
        moment_weight * (mean_gap + variance_gap).
    """
    mean_gap, variance_gap = gaps
    return adversarial_weight * binary_cross_entropy(fake_logits, 1.0) + moment_weight * (mean_gap + variance_gap)
