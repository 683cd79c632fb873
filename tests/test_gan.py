"""The training step against one written independently: plain Keras layers, two forwards, Adam in NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from networks import NARROW, plain_discriminator, plain_generator

from helpers import data, losses, penalties
from helpers.gan import GAN, RescaledGAN, build_optimizer

LOGGED = ("discriminator_loss", "generator_loss", "mean_gap", "variance_gap")


class NumpyAdam:
    """Algorithm 1 of Kingma and Ba (2015), in the form that Keras gives epsilon."""

    def __init__(self, rate):
        # Keras rounds these to float32 on their way into the step size, whatever the weights are.
        self.rate, *self.betas = (float(np.float32(value)) for value in (rate, 0.9, 0.999))
        self.step, self.first, self.second = 0, {}, {}

    def apply(self, gradients, variables):
        self.step += 1
        rate = self.rate * np.sqrt(1 - self.betas[1] ** self.step) / (1 - self.betas[0] ** self.step)
        for index, (gradient, variable) in enumerate(zip(gradients, variables, strict=True)):
            gradient = np.asarray(gradient, np.float64)
            self.first[index] = 0.9 * self.first.get(index, 0.0) + 0.1 * gradient
            self.second[index] = 0.999 * self.second.get(index, 0.0) + 0.001 * gradient**2
            change = rate * self.first[index] / (np.sqrt(self.second[index]) + 1e-8)
            variable.assign(np.asarray(variable, np.float64) - change)


def cross_entropy(logits, label):
    labels = tf.fill(tf.shape(logits), tf.constant(label, logits.dtype))
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits))


class Reference:
    """A moment-stabilised GAN that shares no code with the package."""

    def __init__(self, generator, discriminator, weight, rate):
        self.generator, self.discriminator, self.weight = generator, discriminator, weight
        self.generator_adam, self.discriminator_adam = NumpyAdam(rate), NumpyAdam(rate)

    def step(self, images, latents, update_discriminator_first=True):
        """One step; the four values, and the gradients of both networks."""
        logged = {}
        with tf.GradientTape() as tape:
            fake = self.generator(latents, training=True)
            real_loss = cross_entropy(self.discriminator(images, training=True), 0.9)
            loss = real_loss + cross_entropy(self.discriminator(fake, training=True), 0.0)
        logged["discriminator_loss"] = loss
        discriminator_gradients = tape.gradient(loss, self.discriminator.trainable_variables)
        if update_discriminator_first:
            self.discriminator_adam.apply(discriminator_gradients, self.discriminator.trainable_variables)

        # The study makes one forward pass; a second one must not move the averages again.
        averages = [np.array(variable) for variable in self.generator.non_trainable_variables]
        with tf.GradientTape() as tape:
            fake = self.generator(latents, training=True)
            loss = cross_entropy(self.discriminator(fake, training=True), 1.0)
            moments = zip(tf.nn.moments(fake, 0), tf.nn.moments(tf.constant(images), 0), strict=True)
            gaps = [tf.reduce_sum(tf.abs(one - other)) for one, other in moments]
            if self.weight is not None:  # None: the plain GAN, without a word of moments
                loss = loss + self.weight * gaps[0] + self.weight * gaps[1]
        for variable, value in zip(self.generator.non_trainable_variables, averages, strict=True):
            variable.assign(value)
        generator_gradients = tape.gradient(loss, self.generator.trainable_variables)
        self.generator_adam.apply(generator_gradients, self.generator.trainable_variables)
        logged |= {"generator_loss": loss, "mean_gap": gaps[0], "variance_gap": gaps[1]}
        return {name: float(logged[name]) for name in LOGGED}, generator_gradients, discriminator_gradients


def batches(count, size, dtype="float64"):
    """Seeded real images, which differ from what a generator makes, and noise."""
    generator = np.random.default_rng(0)
    for step in range(count):
        images = np.tanh(generator.normal(-0.5, 1.0, (size, 28, 28, 1)))
        yield images.astype(dtype), data.draw_latents(size, data.NOISE, 0, step).astype(dtype)


def narrow_twins(weight, reference_weight, rate=0.01, dropout=0.5):
    """A `GAN` and a `Reference` of small float64 networks with the same weights and dropout.

    In float32 a gradient of zero becomes rounding noise, which Adam's first steps turn into a
    full step of a random sign; in float64 that noise is far below epsilon, so that updated
    weights can be compared to many digits.
    """
    keras.utils.set_random_seed(0)
    networks = [
        (
            plain_generator(NARROW["generator"], "float64"),
            plain_discriminator(NARROW["discriminator"], "float64", dropout),
        )
        for _ in range(2)
    ]
    for one, other in zip(*networks, strict=True):
        other.set_weights(one.get_weights())
    same_dropout(networks[0][1], networks[1][1])
    gan = GAN(*networks[0], weight)
    gan.compile(build_optimizer(rate), build_optimizer(rate))
    return gan, Reference(*networks[1], reference_weight, rate)


def same_dropout(*discriminators):
    for discriminator in discriminators:
        dropout = discriminator.get_layer("dropout")
        if dropout.rate:
            dropout.seed_generator.state.assign(np.array([7, 0], np.uint32))


def largest_difference(gan, reference):
    """Over all weights of both networks, moving averages included."""
    found = [*gan.generator.variables, *gan.discriminator.variables]
    expected = [*reference.generator.variables, *reference.discriminator.variables]
    pairs = [pair for pair in zip(found, expected, strict=True) if pair[0].dtype == "float64"]
    return max(np.abs(np.asarray(one) - np.asarray(other)).max() for one, other in pairs)


def step_values(gan, images, latents):
    return {name: float(value) for name, value in gan.train_step((tf.constant(images), tf.constant(latents))).items()}


@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("weight", [0.1, 2.0])
def test_steps_equal_an_independent_implementation(weight, dropout):
    gan, reference = narrow_twins(weight, weight, dropout=dropout)
    for images, latents in batches(3, 8):
        expected, *_ = reference.step(images, latents)
        found = step_values(gan, images, latents)
        assert tuple(found) == LOGGED
        assert found == pytest.approx(expected, rel=1e-12)
    assert largest_difference(gan, reference) < 1e-7


def test_weight_zero_is_the_plain_gan():
    gan, reference = narrow_twins(0.0, None)
    for images, latents in batches(3, 8):
        expected, *_ = reference.step(images, latents)
        assert step_values(gan, images, latents) == pytest.approx(expected, rel=1e-12)
    assert largest_difference(gan, reference) < 1e-7


def test_generator_answers_to_the_updated_discriminator():
    images, latents = next(batches(1, 8))
    gan, reference = narrow_twins(0.1, 0.1)
    _, stale = narrow_twins(0.1, 0.1)
    updated, *_ = reference.step(images, latents)
    old, *_ = stale.step(images, latents, update_discriminator_first=False)
    assert abs(updated["generator_loss"] - old["generator_loss"]) > 1e-2  # so the two can be told apart
    assert updated["discriminator_loss"] == old["discriminator_loss"]
    assert step_values(gan, images, latents)["generator_loss"] == pytest.approx(updated["generator_loss"], rel=1e-12)


def test_generator_update_leaves_the_discriminators_weights_alone():
    images, latents = next(batches(1, 8))
    gan, _ = narrow_twins(0.1, 0.1)
    after_its_own = []
    update = gan.generator_optimizer.apply
    gan.generator_optimizer.apply = lambda *arguments: (
        after_its_own.extend(np.array(v) for v in gan.discriminator.trainable_variables),
        update(*arguments),
    )
    gan.train_step((tf.constant(images), tf.constant(latents)))
    for before, variable in zip(after_its_own, gan.discriminator.trainable_variables, strict=True):
        assert np.array_equal(before, variable)


@pytest.mark.parametrize("weight", [0.0, 0.1])
def test_gaps_are_returned_unweighted(weight):
    images, latents = next(batches(1, 8))
    gan, reference = narrow_twins(weight, weight)
    fake = reference.generator(latents, training=True).numpy()
    found = step_values(gan, images, latents)
    assert found["mean_gap"] == pytest.approx(np.abs(fake.mean(0) - images.mean(0)).sum(), rel=1e-12)
    assert found["variance_gap"] == pytest.approx(np.abs(fake.var(0) - images.var(0)).sum(), rel=1e-12)


def full_twins(tiny):
    """The study's own networks in float32, and plain ones with the same weights and dropout."""
    gan = tiny().build()
    reference = Reference(plain_generator(), plain_discriminator(), 0.1, 0.001)
    reference.generator.set_weights(gan.generator.get_weights())
    reference.discriminator.set_weights(gan.discriminator.get_weights())
    same_dropout(gan.discriminator, reference.discriminator)
    return gan, reference


def test_a_step_of_the_studys_networks(tiny):
    """Float32, fused kernels and all: the logged values, the gradients, and the weights they move."""
    gan, reference = full_twins(tiny)
    images, latents = next(batches(1, 20, "float32"))
    expected, *gradients = reference.step(images, latents)
    assert step_values(gan, images, latents) == pytest.approx(expected, rel=1e-5)

    check_updates(gan.generator_optimizer, gan.generator, reference.generator, gradients[0])
    check_updates(gan.discriminator_optimizer, gan.discriminator, reference.discriminator, gradients[1])
    averages = zip(gan.generator.non_trainable_variables, reference.generator.non_trainable_variables, strict=True)
    assert max(np.abs(one.numpy() - other.numpy()).max() for one, other in averages) <= 1e-6


def check_updates(optimizer, network, reference, gradients):
    """Compare one network's gradients, and its weights wherever the gradient is not rounding noise.

    A bias before batch normalisation has a gradient of zero, float32 leaves noise, and Adam's first
    step is the rate times the noise's sign: no implementation determines such a weight.
    """
    # After one step the first moment is a tenth of the gradient.
    found = [10.0 * moment.numpy() for moment in optimizer.variables if moment.path.endswith("momentum")]
    expected = [gradient.numpy() for gradient in gradients]
    largest = max(np.abs(gradient).max() for gradient in expected)
    weights = zip(network.trainable_variables, reference.trainable_variables, strict=True)
    compared = 0
    for gradient, wanted, (one, other) in zip(found, expected, weights, strict=True):
        size = np.abs(wanted).max()
        if size < 1e-5 * largest:
            assert np.abs(gradient).max() < 1e-5 * largest, one.path
            assert one.path.endswith("bias")
            continue
        assert np.abs(gradient - wanted).max() <= 1e-5 * size, one.path
        clear = np.abs(wanted) > 1e-3 * size
        assert np.abs(one.numpy() - other.numpy())[clear].max() <= 1e-6, one.path
        compared += clear.sum()
    assert compared > 0.98 * sum(gradient.size for gradient in expected)


def test_graph_and_eager_steps_agree(tiny, pair, mnist):
    """What `fit` recorded as its first step, rounded, is the independent step on that batch, noise and dropout."""
    images, latents = data.Batches(mnist.train_images[:60], 20, seed=0)[0]
    seed = np.random.SeedSequence((data.DROPOUT, 0, 0)).generate_state(1)[0]
    for record, weight in zip(pair, (None, 0.1), strict=True):
        _, reference = full_twins(tiny)
        reference.weight = weight
        dropout = reference.discriminator.get_layer("dropout")
        dropout.seed_generator.state.assign(np.array([seed, 0], np.uint32))
        expected, *_ = reference.step(images, latents)
        assert {name: record.steps[name][0] for name in LOGGED} == pytest.approx(expected, rel=1e-5 + 2.0**-16)


def test_called_on_noise_it_uses_the_moving_averages(tiny):
    gan, reference = full_twins(tiny)
    images, latents = next(batches(1, 20, "float32"))
    gan.train_step((tf.constant(images), tf.constant(latents)))  # averages that are not the initial ones
    reference.generator.set_weights(gan.generator.get_weights())
    before = gan.get_weights()
    made = gan(latents).numpy()
    assert np.abs(made - reference.generator(latents, training=False)).max() <= 1e-6
    # An image does not depend on its neighbours, as it would with the batch's own statistics.
    assert np.abs(gan(latents[:1]).numpy() - made[:1]).max() <= 1e-6
    assert np.abs(gan(latents, training=True).numpy()[:1] - made[:1]).max() > 1e-2
    gan(latents)
    assert data.check_images(gan.predict(latents, verbose=0)).shape == (20, 28, 28, 1)
    changed = [not np.array_equal(a, b) for a, b in zip(before, gan.get_weights(), strict=True)]
    assert sum(changed) == 6  # by the call in training mode: a mean and a variance for each of three layers


def snapshot(network):
    return [np.array(variable) for variable in network.trainable_variables]


def norm(arrays):
    return np.sqrt(sum(np.sum(array**2) for array in arrays))


def moves_of(adam, gradients, weights):
    """The moves that an optimizer makes from some weights, which stay as they are."""
    variables = [tf.Variable(weight) for weight in weights]
    adam.apply(gradients, variables)
    return [variable.numpy() - weight for variable, weight in zip(variables, weights, strict=True)]


def test_rescaled_moves_the_plain_way_as_far_as_with_moments():
    """Against two NumPy Adams, one fed with plain gradients and one with those of the penalty too."""
    gan, reference = narrow_twins(0.1, 0.1, dropout=0.0)
    rescaled = RescaledGAN(gan.generator, gan.discriminator, 0.1)
    rescaled.compile(build_optimizer(0.01), build_optimizer(0.01))
    adams, ratios = {0.0: NumpyAdam(0.01), 0.1: NumpyAdam(0.01)}, []
    for images, latents in batches(4, 8):
        weights = snapshot(gan.generator)
        logged = step_values(rescaled, images, latents)
        made = [after - before for after, before in zip(snapshot(gan.generator), weights, strict=True)]
        # The updated discriminator, on the generator as it was.
        reference.generator.set_weights(gan.generator.get_weights())
        reference.discriminator.set_weights(gan.discriminator.get_weights())
        for variable, value in zip(reference.generator.trainable_variables, weights, strict=True):
            variable.assign(value)
        moves = {}
        for weight, adam in adams.items():
            with tf.GradientTape() as tape:
                fake = reference.generator(latents, training=True)
                gaps = losses.moment_gaps(fake, tf.constant(images))
                loss = cross_entropy(reference.discriminator(fake, training=True), 1.0) + weight * sum(gaps)
            gradients = tape.gradient(loss, reference.generator.trainable_variables)
            moves[weight] = moves_of(adam, gradients, weights)
        ratios.append(norm(moves[0.1]) / norm(moves[0.0]))
        assert norm(made) == pytest.approx(norm(moves[0.1]), rel=1e-6)
        for found, plain in zip(made, moves[0.0], strict=True):
            assert np.abs(found - ratios[-1] * plain).max() < 1e-7
        adversarial = cross_entropy(reference.discriminator(fake, training=True), 1.0)
        assert logged["generator_loss"] == pytest.approx(float(adversarial), rel=1e-10)  # no penalty in it
        assert logged["mean_gap"] == pytest.approx(float(gaps[0]), rel=1e-10)
    assert ratios[0] == pytest.approx(1.0, abs=1e-3)  # Adam's first step has the same size whatever the gradient
    assert max(abs(ratio - 1.0) for ratio in ratios) > 0.01  # so that rescaling was put to the test


def test_gaps_are_logged_whatever_the_penalty():
    images, latents = next(batches(1, 8))
    logged = []
    for penalty in (penalties.moments, penalties.mean, penalties.none, penalties.debiased):
        gan, _ = narrow_twins(0.1, 0.1)
        gan.penalty = penalty
        logged.append(step_values(gan, images, latents))
    adversarial = logged[2]["generator_loss"]
    for values in logged:
        assert (values["mean_gap"], values["variance_gap"]) == (logged[0]["mean_gap"], logged[0]["variance_gap"])
    assert logged[1]["generator_loss"] - adversarial == pytest.approx(0.1 * logged[0]["mean_gap"], rel=1e-10)


def test_both_optimizers_are_built_by_compile(tiny):
    gan = tiny().build()
    for optimizer, network in (
        (gan.generator_optimizer, gan.generator),
        (gan.discriminator_optimizer, gan.discriminator),
    ):
        moments = [variable for variable in optimizer.variables if variable.path.endswith("velocity")]
        assert [m.shape for m in moments] == [v.shape for v in network.trainable_variables]
    assert gan.generator_optimizer is not gan.discriminator_optimizer


def test_optimizer_is_the_studys():
    settings = build_optimizer(0.01).get_config()
    assert settings["learning_rate"] == pytest.approx(0.01)
    assert (settings["beta_1"], settings["beta_2"], settings["epsilon"]) == (0.9, 0.999, 1e-8)
    assert not settings["amsgrad"] and settings["weight_decay"] is None and settings["clipnorm"] is None


def test_saved_weights_hold_networks_and_both_optimizers(tiny, tmp_path):
    gan, _ = full_twins(tiny)
    batch = [tf.constant(part) for part in next(batches(1, 20, "float32"))]
    gan.train_step(batch)
    gan.save_weights(tmp_path / "gan.weights.h5")
    other = tiny(seed=1).build()
    other.load_weights(tmp_path / "gan.weights.h5")
    for one in (gan, other):
        same_dropout(one.discriminator)
    # The next step depends on every weight and on both optimizers' moments and counts.
    assert step_values(gan, *batch) == step_values(other, *batch)
    assert step_values(gan, *batch) == step_values(other, *batch)
