"""The training step against one written independently, in float64: plain Keras layers, two forwards, NumPy's Adam.

In float32 rounding decides the sign of a gradient of zero, which is all that Adam's first step takes of it, and on
which side of zero an activation lies, which changes its gradient fivefold.
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
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(label * tf.ones_like(logits), logits))


class Reference:
    """A moment-stabilised GAN that shares no code with the package; a weight of None is the plain GAN."""

    def __init__(self, generator, discriminator, weight, penalty, discriminator_penalty):
        self.generator, self.discriminator, self.weight, self.penalty = generator, discriminator, weight, penalty
        self.discriminator_penalty = discriminator_penalty
        self.generator_adam, self.discriminator_adam = NumpyAdam(0.01), NumpyAdam(0.01)

    def step(self, images, latents):
        """One step; the four values it logs."""
        with tf.GradientTape() as tape:
            fake = self.generator(latents, training=True)
            real_loss = cross_entropy(self.discriminator(images, training=True), 0.9)
            discriminator_loss = real_loss + cross_entropy(self.discriminator(fake, training=True), 0.0)
            if self.discriminator_penalty:
                discriminator_loss += self.discriminator_penalty(self.discriminator, tf.constant(images), fake)
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


@pytest.fixture(autouse=True)
def _networks_of_float64(monkeypatch):
    monkeypatch.setitem(models.PINNED, "dtype", "float64")


def twins(weight=0.1, reference_weight=0.1, penalty=None, discriminator_penalty=None):
    """The package's GAN with its own networks, made narrow, and a `Reference` of the same weights and dropout."""
    keras.utils.set_random_seed(0)
    generator = models.build_generator(widths=NARROW["generator"])
    discriminator = models.build_discriminator(widths=NARROW["discriminator"])
    others = plain_generator(NARROW["generator"], "float64"), plain_discriminator(NARROW["discriminator"], "float64")
    for one, other in zip((generator, discriminator), others, strict=True):
        other.set_weights(one.get_weights())
    for network in (discriminator, others[1]):
        network.get_layer("dropout").seed_generator.state.assign(np.array([7, 0], np.uint32))
    gan = GAN(generator, discriminator, weight, penalty, discriminator_penalty)
    gan.compile(build_optimizer(0.01), build_optimizer(0.01))
    return gan, Reference(*others, reference_weight, penalty, discriminator_penalty)


def check_same_weights(gan, reference):
    """Of both networks, averages included. Keras has Adam's rate in float32: 2^-24 of 0.01 a step, and 6 steps."""
    for network in ("generator", "discriminator"):
        found, expected = (getattr(one, network).get_weights() for one in (gan, reference))
        assert max(np.abs(one - other).max() for one, other in zip(found, expected, strict=True)) < 1e-8


def by_step(gaps, fake, real, step):
    """Terms of all that a hook is given; the gaps are logged whatever they are."""
    return gaps[1] * tf.cast(step, fake.dtype), tf.reduce_sum((fake - 2.0 * real) ** 2)


def r1(discriminator, real, fake):
    """Mescheder et al. (2018): the squared gradient by the real images."""
    with tf.GradientTape() as tape:
        tape.watch(real)
        logits = discriminator(real, training=True)
    return 2.0 * tf.reduce_mean(tf.reduce_sum(tape.gradient(logits, real) ** 2, axis=(1, 2, 3)))


@pytest.mark.parametrize("case", [(0.1, 0.1), (2.0, 2.0), (0.0, None), (0.1, 0.1, by_step), (0.1, 0.1, None, r1)])
def test_steps_and_images_equal_an_independent_implementation(case):
    (gan, reference), generator = twins(*case), np.random.default_rng(0)
    for step in range(3):
        images = np.tanh(generator.normal(-0.5, 1.0, (8, 28, 28, 1)))  # they differ from what a generator makes
        latents = data.draw_latents(8, data.NOISE, 0, step).astype(np.float64)
        logged = gan.train_step((tf.constant(images), tf.constant(latents)))
        found = {name: float(value) for name, value in logged.items()}
        assert tuple(found) == LOGGED and found == pytest.approx(reference.step(images, latents), rel=1e-11)
    check_same_weights(gan, reference)
    # Called on noise it uses the moving averages.
    reference.generator.set_weights(gan.generator.get_weights())
    made = gan(latents).numpy()
    assert np.abs(made - reference.generator(latents, training=False)).max() <= 1e-12
    # An image does not depend on its neighbours, as it would with the batch's own statistics.
    assert np.abs(gan(latents[:1]).numpy() - made[:1]).max() <= 1e-12
    assert np.abs(gan(latents, training=True).numpy()[:1] - made[:1]).max() > 1e-2


def test_what_fit_does_is_that_step(mnist):
    """Traced, on the batches that `Batches` serves, and not compiled by XLA."""
    gan, reference = twins()
    keep, logged = keras.callbacks.Callback(), []
    keep.on_train_batch_end = lambda step, logs: logged.append(dict(logs))
    fitted, served = (data.Batches(mnist.train_images[:24], 8, seed=3) for _ in range(2))
    fitted.images = served.images = fitted.images.astype(np.float64)
    gan.fit(fitted, epochs=2, shuffle=False, verbose=0, callbacks=[keep])
    assert gan.jit_compile is False
    for step, values in enumerate(logged):
        if step % 3 == 0:
            served.on_epoch_begin()
        assert values == pytest.approx(reference.step(*served[step % 3]), rel=1e-11), step
    check_same_weights(gan, reference)
