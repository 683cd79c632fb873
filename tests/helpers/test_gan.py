"""The training step against one written independently: plain Keras layers, two forwards, Adam in NumPy.

In float64: in float32 a gradient of zero becomes rounding noise, which Adam's first steps turn into a full
step of a random sign, and an activation that rounding moves across zero changes its gradient fivefold.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
from networks import NARROW, NumpyAdam, plain_discriminator, plain_generator

from helpers import data, models
from helpers.gan import GAN, build_optimizer

LOGGED = ("discriminator_loss", "generator_loss", "mean_gap", "variance_gap")


def cross_entropy(logits, label):
    labels = tf.fill(tf.shape(logits), tf.constant(label, logits.dtype))
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits))


class Reference:
    """A moment-stabilised GAN that shares no code with the package; a weight of None is the plain GAN."""

    def __init__(self, generator, discriminator, weight, rate):
        self.generator, self.discriminator, self.weight = generator, discriminator, weight
        self.generator_adam, self.discriminator_adam = NumpyAdam(rate), NumpyAdam(rate)

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
                loss = loss + self.weight * gaps[0] + self.weight * gaps[1]
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


def compiled(*arguments, **penalties):
    gan = GAN(*arguments, **penalties)
    gan.compile(build_optimizer(0.01), build_optimizer(0.01))
    return gan


def twins(weight=0.1, reference_weight=0.1, rate=0.5):
    """The package's GAN with its own networks, made narrow, and a `Reference` of the same weights and dropout."""
    keras.utils.set_random_seed(0)
    generator = in_float64(models.build_generator(widths=NARROW["generator"]))
    discriminator = in_float64(models.build_discriminator(widths=NARROW["discriminator"]))
    others = plain_generator(NARROW["generator"], "float64"), plain_discriminator(NARROW["discriminator"], "float64")
    for one, other in zip((generator, discriminator), others, strict=True):
        other.set_weights(one.get_weights())
    for network in (discriminator, others[1]):
        dropout = network.get_layer("dropout")
        dropout.rate = rate
        dropout.seed_generator.state.assign(np.array([7, 0], np.uint32))
    return compiled(generator, discriminator, weight), Reference(*others, reference_weight, 0.01)


def batches(count, size=8):
    """Seeded real images, which differ from what a generator makes, and noise."""
    generator = np.random.default_rng(0)
    for step in range(count):
        images = np.tanh(generator.normal(-0.5, 1.0, (size, 28, 28, 1)))
        yield images, data.draw_latents(size, data.NOISE, 0, step).astype(np.float64)


def check_same_weights(gan, reference):
    """Of both networks, averages included. Keras has Adam's rate in float32: 2^-24 of 0.01 a step, and 6 steps."""
    for network in ("generator", "discriminator"):
        found, expected = (getattr(one, network).get_weights() for one in (gan, reference))
        assert max(np.abs(one - other).max() for one, other in zip(found, expected, strict=True)) < 1e-8


def step_values(gan, images, latents):
    return {name: float(value) for name, value in gan.train_step((tf.constant(images), tf.constant(latents))).items()}


@pytest.mark.parametrize(("weight", "reference", "rate"), [(0.1, 0.1, 0.5), (2.0, 2.0, 0.0), (0.0, None, 0.5)])
def test_steps_equal_an_independent_implementation(weight, reference, rate):
    gan, reference = twins(weight, reference, rate)
    for images, latents in batches(3):
        expected = reference.step(images, latents)
        found = step_values(gan, images, latents)
        assert tuple(found) == LOGGED
        assert found == pytest.approx(expected, rel=1e-11)
    check_same_weights(gan, reference)


class Batches(data.Batches):
    def __getitem__(self, step):
        return tuple(part.astype(np.float64) for part in super().__getitem__(step))


def test_what_fit_does_is_that_step(mnist):
    """Traced, on the batches that `Batches` serves, and not compiled by XLA."""
    gan, reference = twins()
    keep, logged = keras.callbacks.Callback(), []
    keep.on_train_batch_end = lambda step, logs: logged.append(dict(logs))
    gan.fit(Batches(mnist.train_images[:24], 8, seed=3), epochs=2, shuffle=False, verbose=0, callbacks=[keep])
    assert gan.jit_compile is False
    served = Batches(mnist.train_images[:24], 8, seed=3)
    for step in range(6):
        if step % 3 == 0:
            served.on_epoch_begin()
        assert logged[step] == pytest.approx(reference.step(*served[step % 3]), rel=1e-11), step
    check_same_weights(gan, reference)


def test_a_step_in_float32_logs_the_same():
    """As the package builds them, at the study's sizes. Losses are continuous, so rounding cannot do much."""
    keras.utils.set_random_seed(0)
    gan = compiled(models.build_generator(), models.build_discriminator(), 0.1)
    reference = Reference(plain_generator(dtype="float64"), plain_discriminator(dtype="float64"), 0.1, 0.01)
    reference.generator.set_weights(gan.generator.get_weights())
    reference.discriminator.set_weights(gan.discriminator.get_weights())
    for one in (gan, reference):
        one.discriminator.get_layer("dropout").rate = 0.0  # its lots depend on the type
    images, latents = next(batches(1, 20))
    found = step_values(gan, images.astype(np.float32), latents.astype(np.float32))
    assert found == pytest.approx(reference.step(images, latents), rel=1e-4)


def test_called_on_noise_it_uses_the_moving_averages():
    gan, reference = twins()
    images, latents = next(batches(1))
    gan.train_step((tf.constant(images), tf.constant(latents)))  # averages that are not the initial ones
    reference.generator.set_weights(gan.generator.get_weights())
    made = gan(latents).numpy()
    assert np.abs(made - reference.generator(latents, training=False)).max() <= 1e-12
    # An image does not depend on its neighbours, as it would with the batch's own statistics.
    assert np.abs(gan(latents[:1]).numpy() - made[:1]).max() <= 1e-12
    assert np.abs(gan(latents, training=True).numpy()[:1] - made[:1]).max() > 1e-2
    assert gan.predict(latents, verbose=0).shape == (8, 28, 28, 1)


def test_terms_of_a_hook_take_the_place_of_the_gaps():
    images, latents = next(batches(1))
    calls = []

    def penalty(gaps, fake, real, step):
        calls.append((int(step), fake.numpy(), real.numpy(), [float(gap) for gap in gaps]))
        return tf.reduce_sum(fake**2), gaps[1]

    gan, plain = twins()[0], twins(weight=0.0)[0]
    gan.generator_penalty = penalty
    logged = [[step_values(one, images, latents) for _ in range(2)] for one in (gan, plain)]
    assert [step for step, *_ in calls] == [0, 1]
    for (_, fake, real, gaps), values in zip(calls, logged[0], strict=True):
        assert np.array_equal(real, images)
        by_hand = [np.abs(fake.mean(0) - real.mean(0)).sum(), np.abs(fake.var(0) - real.var(0)).sum()]
        assert gaps == pytest.approx(by_hand, rel=1e-12)
        assert [values["mean_gap"], values["variance_gap"]] == gaps  # logged whatever the penalty
    difference = logged[0][0]["generator_loss"] - logged[1][0]["generator_loss"]
    assert difference == pytest.approx(0.1 * ((calls[0][1] ** 2).sum() + calls[0][3][1]), rel=1e-10)
    assert (calls[1][1] ** 2).sum() < (plain.generator(latents, training=True).numpy() ** 2).sum()  # trained by it


def test_a_discriminator_penalty_is_added_and_trained_by():
    """R1 (Mescheder et al., 2018) of a linear discriminator: the gradient by an image is the kernel itself."""

    def r1(discriminator, real, fake):
        with tf.GradientTape() as tape:
            tape.watch(real)
            logits = discriminator(real, training=True)
        return 2.0 * tf.reduce_mean(tf.reduce_sum(tape.gradient(logits, real) ** 2, axis=(1, 2, 3)))

    pixels, dense = keras.Input((28, 28, 1), dtype="float64"), keras.layers.Dense(1, dtype="float64")
    linear = keras.Model(pixels, dense(keras.layers.Flatten(dtype="float64")(pixels)))
    gan = GAN(twins()[0].generator, linear, discriminator_penalty=r1)
    gan.compile(build_optimizer(0.01), keras.optimizers.SGD(1.0))
    images, latents = next(batches(1))
    fake = gan.generator(latents, training=True).numpy()
    kernel, bias = linear.get_weights()

    gradients, losses = [4.0 * kernel[:, 0], 0.0], [2.0 * (kernel**2).sum()]
    for batch, target in ((images.reshape(8, -1), 0.9), (fake.reshape(8, -1), 0.0)):
        logits = batch @ kernel[:, 0] + bias
        read = 1.0 / (1.0 + np.exp(-logits))
        losses.append(-np.mean(target * np.log(read) + (1 - target) * np.log(1 - read)))
        gradients[0] = gradients[0] + (read - target) @ batch / 8
        gradients[1] += np.mean(read - target)
    found = step_values(gan, images, latents)["discriminator_loss"]
    assert found == pytest.approx(sum(losses), rel=1e-12)
    assert np.allclose(linear.get_weights()[0][:, 0], kernel[:, 0] - gradients[0], rtol=0, atol=1e-12)
    assert np.allclose(linear.get_weights()[1], bias - gradients[1], rtol=0, atol=1e-12)


def test_saved_weights_hold_networks_and_both_optimizers(tmp_path):
    gan, other = (twins(rate=0.0)[0] for _ in range(2))  # the lots of dropout are not among the weights
    images, latents = next(batches(1))
    step_values(gan, images, latents)
    gan.save_weights(tmp_path / "gan.weights.h5")
    other.load_weights(tmp_path / "gan.weights.h5")
    # The next steps depend on every weight and on both optimizers' moments and counts.
    for _ in range(2):
        assert step_values(gan, images, latents) == step_values(other, images, latents)
