"""The penalty and its variants: what the generator pays for moments that differ, selected by name.

Each is called with `(gaps, fake, real, step=...)`: the batch gaps `(mean_gap, variance_gap)` that every
run logs, the generated and the real batch (batch, 28, 28, 1), and how many updates the generator has
had. It returns two scalars, unweighted, in the place of the two gaps in `losses.generator_loss`.
"""

from helpers import losses
from helpers.models import IMAGE_SHAPE
import keras
from keras import ops
import numpy as np

from study import rivals

SWITCH = 100  # the step at which "early" ends and "late" begins
DECAY = 0.9


def none(gaps, fake, real, step):
    """No penalty: the plain GAN."""
    return 0.0, 0.0


def moments(gaps, fake, real, step):
    """Both gaps: the study's penalty."""
    return gaps


def mean(gaps, fake, real, step):
    """The mean gap only."""
    return gaps[0], 0.0


def variance(gaps, fake, real, step):
    """The variance gap only."""
    return 0.0, gaps[1]


def early(gaps, fake, real, step):
    """Both gaps for the first 100 steps, then none."""
    return _where(step < SWITCH, gaps)


def late(gaps, fake, real, step):
    """Both gaps, but not in the first 100 steps."""
    return _where(step >= SWITCH, gaps)


def _where(active, gaps):
    mean_gap, variance_gap = gaps
    share = ops.cast(active, mean_gap.dtype)
    return share * mean_gap, share * variance_gap


def debiased(gaps, fake, real, step):
    """The squared gaps as `losses.debiased_gaps` estimates them, with the weight of the others.

    One weight for both is a choice. The gradient of a squared gap is 2 |difference| times that of
    the absolute one: more than the original where a pixel's moments differ by over 1/2, as they do
    at the start, and less and less as they approach each other.
    """
    return losses.debiased_gaps(fake, real)


class Placebo(keras.layers.Layer):
    """Both gaps, the sign of each pixel's gradient drawn by lot: as strong a push, to nowhere.

    The values are those of the gaps. Their gradients by the generated images keep each entry's
    size, hence their norm; one lot a pixel, image and step serves both gaps.

    Args:
        seed: integer >= 0; the lots depend on it and on the step, and on nothing else.
    """

    def __init__(self, seed, **kwargs):
        super().__init__(**{"autocast": False, "dtype": "float32", **kwargs})
        self.lots = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, gaps, fake, real, step):
        """The two gaps, with gradients of random signs."""
        state = self.lots.state  # the seed, which stays, and a count
        state.assign(ops.stack([state[0], ops.cast(step, state.dtype)]))
        heads = keras.random.uniform(ops.shape(fake), dtype="float32", seed=self.lots) < 0.5
        signs = ops.cast(ops.where(heads, -1.0, 1.0), fake.dtype)
        slopes = losses.moment_gap_gradients(ops.stop_gradient(fake), real)
        return tuple(_with_gradient(gap, signs * slope, fake) for gap, slope in zip(gaps, slopes, strict=True))


def _with_gradient(value, slope, images):
    """A scalar of the given value whose gradient by `images` is `slope`."""
    return ops.stop_gradient(value) + ops.sum(slope * (images - ops.stop_gradient(images)))


class Dataset(keras.layers.Layer):
    """Gaps to the moments of all training images, in the place of a real batch's.

    Args:
        images: float32 (n, 28, 28, 1) in [-1, 1], the training images.
    """

    def __init__(self, images, **kwargs):
        super().__init__(**{"autocast": False, "dtype": "float32", **kwargs})
        self.mean = np.mean(images, axis=0, dtype=np.float64)
        self.variance = np.var(images, axis=0, dtype=np.float64)
        self.built = True

    def call(self, gaps, fake, real, step):
        """The two gaps between the generated batch and the training set."""
        mean, variance = (ops.cast(moment, fake.dtype) for moment in (self.mean, self.variance))
        return losses.gaps_to_moments(fake, mean, variance)


class Averaged(keras.layers.Layer):
    """Gaps between exponential averages of both batches' moments, over about ten steps.

    The averages are corrected for their start at zero, as Adam's are. The gradient goes through the
    current batch's moments as if they were the averages, so each push has the original's size, and
    the averages only decide its sign.

    Of each old average the share `DECAY` stays.
    """

    def __init__(self, **kwargs):
        super().__init__(**{"autocast": False, "dtype": "float32", **kwargs})
        names = ("fake_mean", "fake_variance", "real_mean", "real_variance")
        self.averages = [
            self.add_weight(shape=IMAGE_SHAPE, initializer="zeros", trainable=False, name=name) for name in names
        ]
        self.built = True

    def call(self, gaps, fake, real, step):
        """The two gaps between the averages, which are updated."""
        now = [moment(images, axis=0) for images in (fake, real) for moment in (ops.mean, ops.var)]
        start = 1.0 - DECAY ** ops.cast(step + 1, now[0].dtype)
        means, variances = ([self._average(index, now[index], start) for index in pair] for pair in ((0, 2), (1, 3)))
        return tuple(ops.sum(ops.abs(one - other)) for one, other in (means, variances))

    def _average(self, index, value, start):
        """The average with `value` in it, with the gradient of `value`."""
        average = self.averages[index]
        average.assign(DECAY * average + (1.0 - DECAY) * ops.stop_gradient(value))
        return value + ops.stop_gradient(average / start - value)


class Features(keras.layers.Layer):
    """Gaps between moments of the discriminator's features, in the place of pixels.

    The features are what the last convolution puts out (7 x 7 x 256), before its normalisation,
    which would set every channel's mean and variance to the same in both batches. Summed gaps are
    scaled by 784 over the number of features, so that they weigh like those of 784 pixels. Only
    the generator is trained by them.

    Args:
        discriminator: model from images (batch, 28, 28, 1) to logits.
    """

    def __init__(self, discriminator, **kwargs):
        super().__init__(**{"autocast": False, "dtype": "float32", **kwargs})
        convolutions = [layer for layer in discriminator.layers if isinstance(layer, keras.layers.Conv2D)]
        self.extractor = keras.Model(discriminator.inputs, convolutions[-1].output)
        self.built = True

    def call(self, gaps, fake, real, step):
        """The two gaps between features; images are normalised by their own batch, as in training."""
        features = [self.extractor(images, training=True) for images in (fake, real)]
        scale = np.prod(fake.shape[1:]) / np.prod(features[0].shape[1:])
        return tuple(scale * gap for gap in losses.moment_gaps(*features))


def apart(ratio):
    """Both gaps with weights of their own: the variance gap weighs `ratio` times as much as the mean gap."""
    return lambda gaps, fake, real, step: (gaps[0], ratio * gaps[1])


# "rescaled" has no penalty in its loss: `rescaled.RescaledGAN` takes the size of its steps from one.
FUNCTIONS = {
    "moments": moments,
    "mean": mean,
    "variance": variance,
    "early": early,
    "late": late,
    "rescaled": none,
    "debiased": debiased,
    "variance-hinge": rivals.variance_hinge,
}


def build(experiment, discriminator, load_images):
    """Return the penalty of an experiment.

    Args:
        experiment: an `Experiment`; of it, the penalty, the weights and, for the placebo's lots, the seed.
        discriminator: the network whose features may be compared.
        load_images: function that returns the training images, called if they are needed.
    """
    if experiment.variance_weight is not None:
        return apart(experiment.variance_weight / experiment.moment_weight)
    layers = {
        "placebo": lambda: Placebo(experiment.seed),
        "dataset": lambda: Dataset(load_images()),
        "averaged": lambda: Averaged(dtype=discriminator.outputs[0].dtype),
        "features": lambda: Features(discriminator),
        "feature-matching": lambda: rivals.FeatureMatching(discriminator),
        "covariance": lambda: rivals.Covariance(discriminator),
    }
    name = experiment.penalty
    if name not in {*FUNCTIONS, *layers}:
        raise ValueError(
            f"Penalty {name}: expected in penalties.FUNCTIONS, or as a layer in penalties.build, found none."
        )
    return FUNCTIONS.get(name) or layers[name]()
