"""The GAN: two networks and the step that trains them, driven by `fit`."""

import keras
import tensorflow as tf

from helpers import losses
from helpers.fused import FusedAdam


class GAN(keras.Model):
    """A generator and a discriminator, trained together.

    Args:
        generator: model from noise (batch, latent_dim) to images (batch, 28, 28, 1) in [-1, 1].
        discriminator: model from such images to logits (batch, 1).
        moment_weight: float >= 0, the weight lambda of the moment gaps; 0 is the plain GAN.

    Called on noise it returns generated images, in inference mode with moving averages.
    """

    def __init__(self, generator, discriminator, moment_weight=0.0, **kwargs):
        super().__init__(**kwargs)
        self.generator = generator
        self.discriminator = discriminator
        self.moment_weight = moment_weight
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
        `mean_gap` and `variance_gap` (unweighted), as scalars.
        """
        images, latents = batch
        with tf.GradientTape() as generator_tape:
            fake = self.generator(latents, training=True)
        discriminator_loss = self._update_discriminator(images, fake)

        # The noise is shared and G has not changed, so the same images serve both updates.
        with tf.GradientTape() as tape:
            tape.watch(fake)
            fake_logits = self.discriminator(fake, training=True)
            gaps = losses.moment_gaps(fake, images)
            generator_loss = losses.generator_loss(fake_logits, gaps, self.moment_weight)
        fake_gradient = tape.gradient(generator_loss, fake)
        variables = self.generator.trainable_variables
        gradients = generator_tape.gradient(fake, variables, output_gradients=fake_gradient)
        self.generator_optimizer.apply(gradients, variables)
        return {
            "discriminator_loss": discriminator_loss,
            "generator_loss": generator_loss,
            "mean_gap": gaps[0],
            "variance_gap": gaps[1],
        }

    def _update_discriminator(self, images, fake):
        """Update the discriminator once; return its loss before the update."""
        with tf.GradientTape() as tape:
            real_logits = self.discriminator(images, training=True)
            fake_logits = self.discriminator(fake, training=True)
            loss = losses.discriminator_loss(real_logits, fake_logits)
        variables = self.discriminator.trainable_variables
        self.discriminator_optimizer.apply(tape.gradient(loss, variables), variables)
        return loss


def build_optimizer(learning_rate):
    """Return the study's Adam: beta_1 0.9, beta_2 0.999, epsilon 1e-8 (Kingma and Ba, 2015).

    Args:
        learning_rate: float > 0; the study uses the same rate for both networks.
    """
    return FusedAdam(learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8)
