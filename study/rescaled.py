"""The plain GAN whose generator moves as far as with moments: is it the direction, or the size of the steps?"""

from helpers import losses
from helpers.gan import GAN
import tensorflow as tf


def build(name):
    """The kind of GAN that a penalty of a name needs."""
    return RescaledGAN if name == "rescaled" else GAN


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
