"""The losses, as pure `keras.ops` maths: the same code for TensorFlow and JAX."""

from keras import ops

REAL_TARGET = 0.9  # one-sided label smoothing (Salimans et al., 2016)


def binary_cross_entropy(logits, target):
    """Mean binary cross-entropy of logits against one constant target.

    Args:
        logits: float tensor (batch, 1), any real value.
        target: float in [0, 1], the probability of "real" that the logits should express.

    Returns:
        Scalar, in nats: the batch mean of -t log p - (1 - t) log(1 - p) with p = sigmoid(logit),
        written as softplus(logit) - t * logit so that no logarithm overflows.
    """
    return ops.mean(ops.softplus(logits) - target * logits)


def discriminator_loss(real_logits, fake_logits):
    """Loss of the discriminator: real images towards 0.9, generated ones towards 0.

    Args:
        real_logits: float tensor (batch, 1), the discriminator's answer to real images.
        fake_logits: float tensor (batch, 1), its answer to generated images.

    Returns:
        Scalar, in nats: the sum of the two cross-entropies (Goodfellow et al., 2014, with
        the one-sided label smoothing of Salimans et al., 2016).
    """
    return binary_cross_entropy(real_logits, REAL_TARGET) + binary_cross_entropy(fake_logits, 0.0)


def moment_gaps(fake, real):
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


def generator_loss(fake_logits, gaps, moment_weight):
    """Loss of the generator: fool the discriminator, and match the moments.

    Args:
        fake_logits: float tensor (batch, 1), the updated discriminator's answer to generated images.
        gaps: `(mean_gap, variance_gap)` as `moment_gaps` returns them.
        moment_weight: float >= 0, the weight lambda of each gap; 0 is the plain GAN.

    Returns:
        Scalar: the non-saturating loss of Goodfellow et al. (2014) plus
        moment_weight * (mean_gap + variance_gap).
    """
    mean_gap, variance_gap = gaps
    return binary_cross_entropy(fake_logits, 1.0) + moment_weight * (mean_gap + variance_gap)
