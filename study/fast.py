"""Faster ways to compute what Keras' layers and Adam compute, swapped in for a run by `accelerate`.

Each computes what its Keras parent computes, to rounding. The rounding is part of a run: the records in
results/ were made with these, and come again to the bit with these only.
"""

import helpers  # noqa: F401  TensorFlow, quietly
import keras
from keras import layers
import tensorflow as tf


def accelerate(network):
    """Return a copy of a network with faster layers in place of Keras' own, and the same weights.

    Args:
        network: `keras.Model` whose layers are made of Keras' own.

    Returns:
        A `keras.Model` of the same layers' names, the same weights and the same dropout seeds.
    """

    def copy(layer):
        kind = type(layer)
        # The kernel normalises over the last axis and has both gamma and beta; others stay Keras' own.
        if kind is layers.BatchNormalization and layer.scale and layer.center:
            kind = FusedBatchNormalization if layer.axis in (-1, layer.input.ndim - 1) else kind
        return kind.from_config(layer.get_config())

    found = keras.models.clone_model(network, clone_function=copy)
    found.set_weights(network.get_weights())
    return found


def build_optimizer(learning_rate, beta_1=0.9):
    """The study's Adam (see `helpers.gan.build_optimizer`) with one kernel a variable."""
    return FusedAdam(learning_rate, beta_1=beta_1, beta_2=0.999, epsilon=1e-8)


class FusedBatchNormalization(layers.BatchNormalization):
    """`BatchNormalization` over the last axis whose training pass is one TensorFlow kernel.

    Takes and returns float32 (batch, channels) or (batch, height, width, channels); the moving
    averages see the biased batch variance, as in Keras.
    """

    def call(self, inputs, training=None, mask=None):
        """Normalise by the batch in training, by the moving averages otherwise."""
        if not training:
            return super().call(inputs, training=training, mask=mask)
        images = inputs if len(inputs.shape) == 4 else tf.reshape(inputs, (-1, 1, 1, inputs.shape[-1]))
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=images,
            scale=self.gamma,
            offset=self.beta,
            mean=self.moving_mean,
            variance=self.moving_variance,
            epsilon=self.epsilon,
            is_training=True,
        )
        # The kernel reports the unbiased variance; Keras averages the biased one.
        count = tf.cast(tf.size(images) // images.shape[-1], variance.dtype)
        self._update_average(self.moving_mean, mean)
        self._update_average(self.moving_variance, variance * (count - 1.0) / count)
        return tf.reshape(outputs, tf.shape(inputs))

    def _update_average(self, average, value):
        average.assign(average * self.momentum + value * (1.0 - self.momentum))


class FusedAdam(keras.optimizers.Adam):
    """`Adam` whose update of one variable is one TensorFlow kernel: one pass through memory."""

    def update_step(self, gradient, variable, learning_rate):
        """Update `variable` and its two moments in place."""
        step = tf.cast(self.iterations + 1, variable.dtype)
        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(self._momentums[index]),
            v=_handle(self._velocities[index]),
            beta1_power=tf.pow(tf.cast(self.beta_1, variable.dtype), step),
            beta2_power=tf.pow(tf.cast(self.beta_2, variable.dtype), step),
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )

    def _all_reduce_sum_gradients(self, grads_and_vars):
        """Nothing to add up on one device; Keras' own way keeps the step's graph, and with it the weights, for good."""
        return grads_and_vars


def _handle(variable):
    """The TensorFlow resource behind a Keras or TensorFlow variable."""
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle
