"""The GAN: two networks and the step that trains them, driven by `fit`. Taught in notebook 04."""

from collections.abc import Callable

from helpers import losses
import keras
import tensorflow as tf


class GAN(keras.Model):
    """A generator and a discriminator, trained together.

    Args:
        generator: model from noise (batch, latent_dim) to images (batch, height, width, channels) in [-1, 1].
        discriminator: model from such images to logits (batch, 1).
        moment_weight: float >= 0, the weight lambda of the two terms; 0 is the plain GAN.
        generator_penalty: hook for other terms than the study's moment gaps. Called with
            `(gaps, fake, real, step=...)`: the two gaps that every step logs, the generated and the real
            batch, and how many updates the generator has had; returns two scalars, unweighted.
        discriminator_penalty: hook for a term of the discriminator's loss. Called with
            `(discriminator, real, fake)`; returns a scalar that is added to the loss.
        adversarial_weight: float >= 0, the weight of fooling the discriminator in the generator's loss;
            0 leaves the penalty alone, as feature matching does (Salimans et al., 2016).

    Called on noise it returns generated images, in inference mode with moving averages.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        moment_weight: float = 0.0,
        generator_penalty: Callable | None = None,
        discriminator_penalty: Callable | None = None,
        adversarial_weight: float = 1.0,
        **kwargs,
    ):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.generator = generator
        self.discriminator = discriminator
        self.moment_weight = moment_weight
        self.generator_penalty = generator_penalty
        self.discriminator_penalty = discriminator_penalty
        self.adversarial_weight = adversarial_weight
        self.built = True  # both networks bring their weights along

    def call(self, latents, training=False):
        """Images (batch, height, width, channels), float32 in [-1, 1], from noise (batch, latent_dim)."""
        return self.generator(latents, training=training)

    def compile(
        self,
        generator_optimizer: keras.optimizers.Optimizer,
        discriminator_optimizer: keras.optimizers.Optimizer,
        **kwargs,
    ) -> None:
        """Set one optimizer for each network and create their variables at once.

        Both are built here, before the first traced step, as TensorFlow requires. XLA is off unless
        asked for: its convolutions are many times slower on a CPU.
        """
        super().compile(optimizer=generator_optimizer, **{"jit_compile": False, **kwargs})
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        generator_optimizer.build(self.generator.trainable_variables)
        discriminator_optimizer.build(self.discriminator.trainable_variables)

    def train_step(self, batch) -> dict:
        """One step on `(images, latents)`: update the discriminator, then the generator.

        Returns the step's `discriminator_loss`, `generator_loss` (penalties included),
        `mean_gap` and `variance_gap` (unweighted, whatever the penalty), as scalars.
        """
        images, latents = batch
        with tf.GradientTape(persistent=True) as generator_tape:  # a subclass may ask it twice
            fake = self.generator(latents, training=True)
        discriminator_loss = self._update_discriminator(images, fake)

        # The noise is shared and G has not changed, so the same images serve both updates.
        with tf.GradientTape() as tape:
            tape.watch(fake)
            fake_logits = self.discriminator(fake, training=True)
            gaps = terms = losses.moment_gaps(fake, images)
            if self.generator_penalty:
                terms = self.generator_penalty(gaps, fake, images, step=self.generator_optimizer.iterations)
            generator_loss = losses.generator_loss(fake_logits, terms, self.moment_weight, self.adversarial_weight)
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
            if self.discriminator_penalty:
                loss += self.discriminator_penalty(self.discriminator, images, fake)
        variables = self.discriminator.trainable_variables
        self.discriminator_optimizer.apply(tape.gradient(loss, variables), variables)
        return loss


def build_optimizer(learning_rate: float) -> keras.optimizers.Adam:
    """Return the study's Adam: beta_1 0.9, beta_2 0.999, epsilon 1e-8 (Kingma and Ba, 2015).

    Args:
        learning_rate: float > 0; the study uses the same rate for both networks.
    """
    return keras.optimizers.Adam(learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8)
