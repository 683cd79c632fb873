"""The training step against one written independently: plain Keras layers, two forwards, Adam in NumPy.

In float64: in float32 rounding decides the sign of a gradient of zero, which is all that Adam's first step takes
of it, and on which side of zero an activation lies, which changes its gradient fivefold.
"""

from helpers import data, models
from helpers.gan import GAN, build_optimizer
import keras
from networks import NARROW, NumpyAdam, plain_discriminator, plain_generator
import numpy as np
import pytest
import tensorflow as tf

LOGGED = ("discriminator_loss", "generator_loss", "mean_gap", "variance_gap")


def cross_entropy(logits, label):
    labels = tf.fill(tf.shape(logits), tf.constant(label, logits.dtype))
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits))


class Reference:
    """A moment-stabilised GAN that shares no code with the package; a weight of None is the plain GAN."""

    def __init__(self, generator, discriminator, weight, penalty):
        self.generator, self.discriminator, self.weight, self.penalty = generator, discriminator, weight, penalty
        self.generator_adam, self.discriminator_adam = NumpyAdam(0.01), NumpyAdam(0.01)

    def step(self, images, latents):
        """One step; the four values it logs."""
        with tf.GradientTape() as tape:
            fake = self.generator(latents, training=True)
            real_loss = cross_entropy(self.discriminator(images, training=True), 0.9)
            discriminator_loss = real_loss + cross_entropy(self.discriminator(fake, training=True), 0.0)
        variables = self.discriminator.trainable_variables
        self.discriminator_adam.apply(tape.gradient(discriminator_loss, variables), variables)

        # The study makes one forward pass; a second one must not move the averages again.
        averages = [np.array(variable) for variable in self.generator.non_trainable_variables]
        with tf.GradientTape() as tape:
            fake = self.generator(latents, training=True)
            loss = cross_entropy(self.discriminator(fake, training=True), 1.0)
            moments = zip(tf.nn.moments(fake, 0), tf.nn.moments(tf.constant(images), 0), strict=True)
            gaps = [tf.reduce_sum(tf.abs(one - other)) for one, other in moments]
            if self.weight is not None:
                terms = self.penalty(gaps, fake, images, self.generator_adam.step) if self.penalty else gaps
                loss = loss + self.weight * terms[0] + self.weight * terms[1]
        for variable, value in zip(self.generator.non_trainable_variables, averages, strict=True):
            variable.assign(value)
        variables = self.generator.trainable_variables
        self.generator_adam.apply(tape.gradient(loss, variables), variables)
        return dict(zip(LOGGED, map(float, (discriminator_loss, loss, *gaps)), strict=True))


def in_float64(network):
    """A copy of a network of the package that computes in float64, with the same weights."""

    def copy(layer):
        return type(layer).from_config({**layer.get_config(), "dtype": "float64"})

    inputs = keras.Input(network.input_shape[1:], dtype="float64")
    found = keras.models.clone_model(network, input_tensors=inputs, clone_function=copy)
    found.set_weights(network.get_weights())
    return found


def twins(weight=0.1, reference_weight=0.1, penalty=None):
    """The package's GAN with its own networks, made narrow, and a `Reference` of the same weights and dropout."""
    keras.utils.set_random_seed(0)
    generator = in_float64(models.build_generator(widths=NARROW["generator"]))
    discriminator = in_float64(models.build_discriminator(widths=NARROW["discriminator"]))
    others = plain_generator(NARROW["generator"], "float64"), plain_discriminator(NARROW["discriminator"], "float64")
    for one, other in zip((generator, discriminator), others, strict=True):
        other.set_weights(one.get_weights())
    for network in (discriminator, others[1]):
        network.get_layer("dropout").seed_generator.state.assign(np.array([7, 0], np.uint32))
    gan = GAN(generator, discriminator, weight, penalty)
    gan.compile(build_optimizer(0.01), build_optimizer(0.01))
    return gan, Reference(*others, reference_weight, penalty)


def batches(count):
    """Seeded real images, which differ from what a generator makes, and noise."""
    generator = np.random.default_rng(0)
    for step in range(count):
        images = np.tanh(generator.normal(-0.5, 1.0, (8, 28, 28, 1)))
        yield images, data.draw_latents(8, data.NOISE, 0, step).astype(np.float64)


def check_same_weights(gan, reference):
    """Of both networks, averages included. Keras has Adam's rate in float32: 2^-24 of 0.01 a step, and 6 steps."""
    for network in ("generator", "discriminator"):
        found, expected = (getattr(one, network).get_weights() for one in (gan, reference))
        assert max(np.abs(one - other).max() for one, other in zip(found, expected, strict=True)) < 1e-8


def step_values(gan, images, latents):
    return {name: float(value) for name, value in gan.train_step((tf.constant(images), tf.constant(latents))).items()}


def by_step(gaps, fake, real, step):
    """Terms of all that a hook is given; the gaps are logged whatever they are."""
    return gaps[1] * tf.cast(step, fake.dtype), tf.reduce_sum((fake - 2.0 * real) ** 2)


@pytest.mark.parametrize("case", [(0.1, 0.1), (2.0, 2.0), (0.0, None), (0.1, 0.1, by_step)])
def test_steps_equal_an_independent_implementation(case):
    gan, reference = twins(*case)
    for images, latents in batches(3):
        found = step_values(gan, images, latents)
        assert tuple(found) == LOGGED and found == pytest.approx(reference.step(images, latents), rel=1e-11)
    check_same_weights(gan, reference)


class Batches(data.Batches):
    def __getitem__(self, step):
        return tuple(part.astype(np.float64) for part in super().__getitem__(step))


def test_what_fit_does_is_that_step(mnist):
    """Traced, on the batches that `Batches` serves, and not compiled by XLA."""
    gan, reference = twins()
    keep, logged = keras.callbacks.Callback(), []
    keep.on_train_batch_end = lambda step, logs: logged.append(dict(logs))
    fitted, served = (Batches(mnist.train_images[:24], 8, seed=3) for _ in range(2))
    gan.fit(fitted, epochs=2, shuffle=False, verbose=0, callbacks=[keep])
    assert gan.jit_compile is False
    for step, values in enumerate(logged):
        if step % 3 == 0:
            served.on_epoch_begin()
        assert values == pytest.approx(reference.step(*served[step % 3]), rel=1e-11), step
    check_same_weights(gan, reference)


def test_called_on_noise_it_uses_the_moving_averages():
    gan, reference = twins()
    images, latents = next(batches(1))
    step_values(gan, images, latents)  # averages that are not the initial ones
    reference.generator.set_weights(gan.generator.get_weights())
    made = gan(latents).numpy()
    assert np.abs(made - reference.generator(latents, training=False)).max() <= 1e-12
    # An image does not depend on its neighbours, as it would with the batch's own statistics.
    assert np.abs(gan(latents[:1]).numpy() - made[:1]).max() <= 1e-12
    assert np.abs(gan(latents, training=True).numpy()[:1] - made[:1]).max() > 1e-2


def test_a_discriminator_penalty_is_added_and_trained_by():
    """R1 (Mescheder et al., 2018) of a linear discriminator: the gradient by an image is the kernel itself."""

    def r1(discriminator, real, fake):
        with tf.GradientTape() as tape:
            tape.watch(real)
            logits = discriminator(real, training=True)
        return 2.0 * tf.reduce_mean(tf.reduce_sum(tape.gradient(logits, real) ** 2, axis=(1, 2, 3)))

    flat = [keras.Input((28, 28, 1), dtype="float64"), keras.layers.Flatten(dtype="float64")]
    linear = keras.Sequential([*flat, keras.layers.Dense(1, dtype="float64")])
    gan = GAN(twins()[0].generator, linear, discriminator_penalty=r1)
    gan.compile(build_optimizer(0.01), keras.optimizers.SGD(1.0))
    images, latents = next(batches(1))
    fake = gan.generator(latents, training=True).numpy()
    kernel, bias = (weight.ravel() for weight in linear.get_weights())
    loss, by_kernel, by_bias = 2.0 * (kernel**2).sum(), 4.0 * kernel, 0.0
    for batch, target in ((images.reshape(8, -1), 0.9), (fake.reshape(8, -1), 0.0)):
        read = 1.0 / (1.0 + np.exp(-batch @ kernel - bias))
        loss -= np.mean(target * np.log(read) + (1 - target) * np.log(1 - read))
        by_kernel = by_kernel + (read - target) @ batch / 8
        by_bias += np.mean(read - target)
    assert step_values(gan, images, latents)["discriminator_loss"] == pytest.approx(loss, rel=1e-12)
    moved = zip(linear.get_weights(), (kernel - by_kernel, bias - by_bias), strict=True)
    assert all(np.allclose(found.ravel(), expected, rtol=0, atol=1e-12) for found, expected in moved)
