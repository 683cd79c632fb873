"""What others do against collapse: small pieces for the hooks of `helpers.gan.GAN`, at their published settings.

Add one: write it here, give it a name and its published weight in `experiment.PENALTY_WEIGHTS` (the generator
pays for it: two scalars, unweighted; the second may be 0) or `experiment.REGULARIZER_WEIGHTS` (it acts on the
discriminator: one scalar; 0.0 for what changes its layers). Enter a function in `penalties.FUNCTIONS`, a layer
in `penalties.build`, a gradient penalty on the discriminator in `GRADIENT_PENALTIES`, what changes its layers in
`IN_THE_NETWORK`. Test it in tests/study/test_rivals.py against a computation of its own.
"""

from helpers import models
import keras
from keras import layers, ops

GROUP = 4  # images that a minibatch statistic is of (Karras et al., 2018)
LEAST_VARIANCE = 1e-4


def adversarial_weight(penalty):
    """How much fooling the discriminator weighs beside a penalty: 0 for feature matching, which replaces it, else 1."""
    return 0.0 if penalty == "feature-matching" else 1.0


def regularizer(name, weight):
    """The discriminator's hook of a name from `experiment.REGULARIZER_WEIGHTS`; None where the network holds it all.

    Raises:
        ValueError: nothing stands behind the name.
    """
    if name == "none" or name in IN_THE_NETWORK:
        return None
    if name not in GRADIENT_PENALTIES:
        known = ", ".join(["none", *IN_THE_NETWORK, *GRADIENT_PENALTIES])
        raise ValueError(
            f"Regularizer: expected one of {known}, found {name!r}. Mend it by entering it in "
            "rivals.GRADIENT_PENALTIES or rivals.IN_THE_NETWORK."
        )
    return GRADIENT_PENALTIES[name](weight)


def r1(gamma):
    """Gradient penalty on real images: gamma / 2 times the mean squared length of the gradient of D by an image.

    Args:
        gamma: float > 0; published 10 (Mescheder et al., 2018), for a discriminator without batch normalisation.

    Returns:
        A function of `(discriminator, real, fake)`, as `GAN` takes it, that returns a scalar.
    """

    def penalty(discriminator, real, fake):
        gradient = input_gradient(lambda images: discriminator(images, training=True), real)
        return gamma / 2.0 * ops.mean(ops.sum(gradient**2, axis=tuple(range(1, len(real.shape)))))

    return penalty


# Not beside batch normalisation, see `networks.build`.
GRADIENT_PENALTIES = {"r1": r1}


def input_gradient(function, inputs):
    """Gradient of the sum of a function's values by its inputs, float32 of their shape; can be derived again."""
    if keras.backend.backend() == "jax":
        import jax

        return jax.grad(lambda images: ops.sum(function(images)))(inputs)
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(inputs)
        values = function(inputs)
    return tape.gradient(values, inputs)


class SpectralNormalization(layers.SpectralNormalization):
    """Divides a layer's kernel by its largest singular value, and learns the kernel that is divided.

    The value comes from one power iteration a call, and its gradient counts (Miyato et al., 2018, who have no
    batch normalisation beside it). Keras' own divides in place instead: with TensorFlow the gradient is then
    of the divided kernel, with JAX, whose kernel does not change within a step, of the learned one.

    The layer has a bias and no activation: it is linear, so its output is divided, not its kernel.
    """

    def call(self, inputs, training=False):
        """What the layer puts out with its kernel divided; the power iteration goes on in training."""
        kernel = ops.reshape(self.kernel, (-1, self.kernel_shape[-1]))
        left = _unit(ops.matmul(self.vector_u, ops.transpose(ops.stop_gradient(kernel))))
        right = _unit(ops.matmul(left, ops.stop_gradient(kernel)))
        if training:
            self.vector_u.assign(right)
        largest = ops.sum(ops.matmul(left, kernel) * right)
        return (self.layer(inputs) - self.layer.bias) / largest + self.layer.bias


def _unit(rows):
    """Rows scaled to length 1, except where they are about zero."""
    return rows / ops.sqrt(ops.maximum(ops.sum(rows**2, axis=-1, keepdims=True), 1e-12))


def with_spectral_norm(discriminator, seeds):
    """A copy of a discriminator, each kernel divided by its largest singular value (see `SpectralNormalization`).

    Args:
        discriminator: model of dense and convolutional layers without batch normalisation.
        seeds: `random.Random` that the first vectors of the power iterations are drawn from.
    """

    def wrap(layer):
        copy = type(layer).from_config(layer.get_config())
        if not isinstance(layer, (layers.Dense, layers.Conv2D)):
            return copy
        return SpectralNormalization(copy, name=f"spectral_{layer.name}", dtype="float32")

    wrapped = keras.models.clone_model(discriminator, clone_function=wrap)
    for layer in wrapped.layers:
        if isinstance(layer, SpectralNormalization):  # Keras draws its first vector without a seed
            draw = keras.initializers.TruncatedNormal(stddev=0.02, seed=models.draw_seed(seeds))
            layer.vector_u.assign(draw(layer.vector_u.shape, dtype="float32"))
    return wrapped


class MinibatchStddev(layers.Layer):
    """Appends to each image's features how far the images of its group lie apart.

    Takes float32 (batch, n), which get one more, and the features (batch, m) that are compared. The batch, a
    multiple of 4, falls into groups of 4; the number is the standard deviation over the group (biased, with
    1e-8 added to the variance), averaged over features. Source: Karras et al. (2018), who have it in a
    discriminator without batch normalisation; with any here.
    """

    def call(self, features, compared):
        """Features with one more: (batch, n + 1)."""
        groups = ops.reshape(compared, (GROUP, -1, compared.shape[-1]))  # of every so-many-th image, as published
        spread = ops.mean(ops.sqrt(ops.var(groups, axis=0) + 1e-8), axis=-1)
        return ops.concatenate([features, ops.reshape(ops.tile(spread, (GROUP,)), (-1, 1))], axis=-1)

    def compute_output_shape(self, features_shape, compared_shape):
        return (*features_shape[:-1], features_shape[-1] + 1)


def last_features(discriminator):
    """Model from images to what the discriminator's last layer reads, without dropout: (batch, features)."""
    inputs = discriminator.get_layer("logit").input
    before = [layer for layer in discriminator.layers if isinstance(layer, layers.Dropout)]
    return keras.Model(discriminator.input, before[-1].input if before else inputs)


def with_minibatch_stddev(discriminator, seeds):
    """A model that shares a discriminator's layers but the last, which reads one more number (see `MinibatchStddev`).

    The number is of the features before dropout, whose masks would set equal images apart.

    Args:
        discriminator: model whose last layer, dense, is named logit.
        seeds: `random.Random` that the new last layer's kernel is drawn from.
    """
    last = discriminator.get_layer("logit")
    features = MinibatchStddev(dtype="float32")(last.input, last_features(discriminator).outputs[0])
    config = last.get_config()
    config["kernel_initializer"] = keras.initializers.GlorotUniform(models.draw_seed(seeds))
    return keras.Model(discriminator.input, layers.Dense.from_config(config)(features), name="discriminator")


# Each changes the layers of a discriminator and takes `random.Random` for what it draws; nothing is added to the loss.
IN_THE_NETWORK = {"spectral": with_spectral_norm, "minibatch-stddev": with_minibatch_stddev}


class _OfFeatures(layers.Layer):
    """A penalty of what the discriminator's last layer reads.

    Args:
        discriminator: model from images to logits.
    """

    def __init__(self, discriminator, **kwargs):
        super().__init__(**{"autocast": False, "dtype": "float32", **kwargs})
        self.extractor = last_features(discriminator)
        self.built = True

    def features(self, *batches):
        """Features of each batch of images, float32 (batch, features), normalised as in training."""
        return [self.extractor(images, training=True) for images in batches]


class FeatureMatching(_OfFeatures):
    """Squared distance between the mean features of both batches; it replaces fooling the discriminator.

    The features are what the discriminator's last layer reads. Published weight 1 (Salimans et al., 2016),
    with the discriminator as it is.
    """

    def call(self, gaps, fake, real, step):
        """The distance, and 0."""
        means = [ops.mean(features, axis=0) for features in self.features(fake, real)]
        return ops.sum((means[0] - means[1]) ** 2), 0.0


def variance_hinge(gaps, fake, real, step):
    """By how much each pixel's standard deviation falls short of that of the real batch, summed; and 0.

    One-sided, as in VICReg (Bardes et al., 2022), where the target is 1 and the mean over d dimensions weighs 25:
    here the sum weighs 25 / 784. As there, 1e-4 is added to the variance.
    """
    wanted, found = (ops.sqrt(ops.var(images, axis=0) + LEAST_VARIANCE) for images in (real, fake))
    return ops.sum(ops.relu(wanted - found)), 0.0


class Covariance(_OfFeatures):
    """Squared Bures distance between the covariances of both batches' features.

    The features are what the discriminator's last layer reads, centred, then each image's scaled to length 1;
    products are summed over the batch, not averaged. So does the authors' code, with weight 1 (De Meulemeester
    et al., 2021, BuresGAN; batches of 256), with the discriminator as it is. With such features X and Y in
    rows, the distance is |X|^2 + |Y|^2 - 2 |X Y'|_*; the nuclear norm's gradient by its matrix is U V'.
    """

    def call(self, gaps, fake, real, step):
        """The distance, and 0."""
        return bures_distance(*self.features(fake, real)), 0.0


def bures_distance(fake, real):
    """Squared Bures distance of two sets of features, float32 (n, d) each: see `Covariance`. A scalar."""
    x, y = (_centred(features) for features in (fake, real))
    cross = ops.matmul(x, ops.transpose(y))
    left, _, right = ops.svd(ops.stop_gradient(cross), full_matrices=False)
    nuclear = ops.sum(ops.stop_gradient(ops.matmul(left, right)) * cross)  # its value and its gradient
    return ops.sum(x**2) + ops.sum(y**2) - 2.0 * nuclear


def _centred(features):
    return _unit(features - ops.mean(features, axis=0))
