"""The GAN: two networks and the step that trains them, driven by `fit`."""

import keras
import tensorflow as tf

from helpers import losses, penalties
from helpers.fused import FusedAdam


class GAN(keras.Model):
    """A generator and a discriminator, trained together.

    Args:
        generator: model from noise (batch, latent_dim) to images (batch, 28, 28, 1) in [-1, 1].
        discriminator: model from such images to logits (batch, 1).
        moment_weight: float >= 0, the weight lambda of the moment gaps; 0 is the plain GAN.
        penalty: what is weighted, as `penalties` describes it; the study's moment gaps by default.

    Called on noise it returns generated images, in inference mode with moving averages.
    """

    def __init__(self, generator, discriminator, moment_weight=0.0, penalty=penalties.moments, **kwargs):
        super().__init__(**kwargs)
        self.generator = generator
        self.discriminator = discriminator
        self.moment_weight = moment_weight
        self.penalty = penalty
        self.built = True  # both networks bring their weights along

    def call(self, latents, training=False):
        """Images (batch, 28, 28, 1), float32 in [-1, 1], from noise (batch, latent_dim)."""
        return self.generator(latents, training=training)

    def compile(self, generator_optimizer, discriminator_optimizer, **kwargs):
        """Set one optimizer for each network and create their variables at once.

        Both are built here, before the first traced step, as TensorFlow requires.
        """
        super().compile(optimizer=generator_optimizer, **kwargs)
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        generator_optimizer.build(self.generator.trainable_variables)
        discriminator_optimizer.build(self.discriminator.trainable_variables)

    def train_step(self, batch):
        """One step on `(images, latents)`: update the discriminator, then the generator.

        Returns the step's `discriminator_loss`, `generator_loss` (penalty included),
        `mean_gap` and `variance_gap` (unweighted, whatever the penalty), as scalars.
        """
        images, latents = batch
        with tf.GradientTape(persistent=True) as generator_tape:  # `RescaledGAN` asks it twice
            fake = self.generator(latents, training=True)
        discriminator_loss = self._update_discriminator(images, fake)

        # The noise is shared and G has not changed, so the same images serve both updates.
        with tf.GradientTape() as tape:
            tape.watch(fake)
            fake_logits = self.discriminator(fake, training=True)
            gaps = losses.moment_gaps(fake, images)
            terms = self.penalty(gaps, fake, images, step=self.generator_optimizer.iterations)
            generator_loss = losses.generator_loss(fake_logits, terms, self.moment_weight)
        self._update_generator(generator_tape, fake, tape.gradient(generator_loss, fake), images)
        return {
            "discriminator_loss": discriminator_loss,
            "generator_loss": generator_loss,
            "mean_gap": gaps[0],
            "variance_gap": gaps[1],
        }

    def _update_generator(self, tape, fake, fake_gradient, images):
        """Update the generator once, by the gradient of its loss by the generated images."""
        variables = self.generator.trainable_variables
        gradients = tape.gradient(fake, variables, output_gradients=fake_gradient)
        self.generator_optimizer.apply(gradients, variables)

    def _update_discriminator(self, images, fake):
        """Update the discriminator once; return its loss before the update."""
        with tf.GradientTape() as tape:
            real_logits = self.discriminator(images, training=True)
            fake_logits = self.discriminator(fake, training=True)
            loss = losses.discriminator_loss(real_logits, fake_logits)
        variables = self.discriminator.trainable_variables
        self.discriminator_optimizer.apply(tape.gradient(loss, variables), variables)
        return loss


class RescaledGAN(GAN):
    """The plain GAN whose generator moves as far each step as it would with moments.

    It tells whether the penalty helps by the direction or only by the size of the generator's
    steps. Adam divides a gradient by its own recent size, so a rescaled gradient would change
    nothing; what is rescaled is the update. A second Adam is fed the gradients with the penalty in
    them, all along the way; each step it moves the generator, the length of that move (over all
    weights) is taken, the move undone, and the plain move stretched to that length.

    The cost: one more backward pass, one more Adam, three copies of the generator's weights.
    `moment_weight` is the weight that the second Adam sees; the loss has no penalty.
    """

    def __init__(self, generator, discriminator, moment_weight, penalty=penalties.none, **kwargs):
        super().__init__(generator, discriminator, moment_weight, penalty, **kwargs)

    def compile(self, generator_optimizer, discriminator_optimizer, **kwargs):
        """As in `GAN`; the second Adam has the settings of the generator's."""
        super().compile(generator_optimizer, discriminator_optimizer, **kwargs)
        self.shadow_optimizer = type(generator_optimizer).from_config(generator_optimizer.get_config())
        self.shadow_optimizer.build(self.generator.trainable_variables)

    def _update_generator(self, tape, fake, fake_gradient, images):
        variables = self.generator.trainable_variables
        by_mean, by_variance = losses.moment_gap_gradients(fake, images)
        with_moments = fake_gradient + self.moment_weight * (by_mean + by_variance)
        gradients = tape.gradient(fake, variables, output_gradients=with_moments)
        before = [tf.identity(variable) for variable in variables]
        self.shadow_optimizer.apply(gradients, variables)
        wanted = _norm(_moves(variables, before))
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
        super()._update_generator(tape, fake, fake_gradient, images)
        moves = _moves(variables, before)
        ratio = tf.math.divide_no_nan(wanted, _norm(moves))
        for variable, value, move in zip(variables, before, moves, strict=True):
            variable.assign(value + ratio * move)


def _moves(variables, before):
    return [tf.convert_to_tensor(variable) - value for variable, value in zip(variables, before, strict=True)]


def _norm(tensors):
    """Euclidean norm over all entries of all tensors."""
    return tf.sqrt(tf.add_n([tf.reduce_sum(tensor**2) for tensor in tensors]))


def build_optimizer(learning_rate):
    """Return the study's Adam: beta_1 0.9, beta_2 0.999, epsilon 1e-8 (Kingma and Ba, 2015).

    Args:
        learning_rate: float > 0; the study uses the same rate for both networks.
    """
    return FusedAdam(learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8)
