"""Faster ways on TensorFlow to compute what Keras' layers and Adam compute.

Each computes what its Keras parent computes, to rounding; without TensorFlow it is the parent.
"""

import keras
from keras import layers, ops

from helpers import machine

IS_TENSORFLOW = keras.backend.backend() == "tensorflow"
if IS_TENSORFLOW:
    import tensorflow as tf


class FusedBatchNormalization(layers.BatchNormalization):
    """`BatchNormalization` over the last axis whose training pass is one TensorFlow kernel.

    Takes and returns float32 (batch, channels) or (batch, height, width, channels); the moving
    averages see the biased batch variance, as in Keras.
    """

    def call(self, inputs, training=None, mask=None):
        """Normalise by the batch in training, by the moving averages otherwise."""
        if not training or not IS_TENSORFLOW:
            return super().call(inputs, training=training, mask=mask)
        images = inputs if len(inputs.shape) == 4 else ops.reshape(inputs, (-1, 1, 1, inputs.shape[-1]))
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
        return ops.reshape(outputs, ops.shape(inputs))

    def _update_average(self, average, value):
        average.assign(average * self.momentum + value * (1.0 - self.momentum))


class OrderedDense(layers.Dense):
    """`Dense` whose two large gradients are computed in an order and a form that suit several cores.

    That by the inputs comes before that by the kernel, since side by side they compete for the cores;
    and with several threads as (W dY')', which divides better among them than dY W'.

    Takes float (batch, inputs), returns (batch, units); with a bias and no activation. What the study's
    networks compute on TensorFlow 2.21 is the same bit for bit, with one thread as with two.
    """

    def call(self, inputs, training=None):
        """The affine map of the inputs."""
        if not IS_TENSORFLOW:
            return super().call(inputs, training=training)
        return _affine(inputs, *map(tf.convert_to_tensor, (self.kernel, self.bias)))


if IS_TENSORFLOW:

    @tf.custom_gradient
    def _affine(inputs, kernel, bias):
        def gradients(upstream):
            if machine.threads() > 1:
                by_inputs = tf.transpose(tf.matmul(kernel, upstream, transpose_b=True))
            else:
                by_inputs = tf.matmul(upstream, kernel, transpose_b=True)
            with tf.control_dependencies([by_inputs]):
                by_kernel = tf.matmul(inputs, upstream, transpose_a=True)
            return by_inputs, by_kernel, tf.raw_ops.BiasAddGrad(out_backprop=upstream)

        return tf.nn.bias_add(tf.matmul(inputs, kernel), bias), gradients


class LeakyDropout(layers.Dropout):
    """`LeakyReLU` and then `Dropout`: in training one product with a factor for each unit.

    The factor is 0 for a dropped unit, else the slope at its input over the share that is kept. The
    random numbers are those that Keras' layer draws: the same bits as the two layers at a rate of 0.5.

    Args:
        rate: share of the units to drop, from 0 to 1.
        negative_slope: slope of the activation below zero.
        **kwargs: as for `Dropout`.
    """

    def __init__(self, rate, negative_slope, **kwargs):
        super().__init__(rate, **kwargs)
        self.negative_slope = negative_slope

    def call(self, inputs, training=False):
        """Activations of the shape of `inputs`, in training a share `rate` of them 0 and the rest scaled up."""
        if not (training and IS_TENSORFLOW and 0 < self.rate < 1):
            return super().call(ops.leaky_relu(inputs, self.negative_slope), training=training)
        numbers = keras.random.uniform(ops.shape(inputs), dtype=inputs.dtype, seed=self.seed_generator)
        kept = ops.floor(numbers + (1.0 - self.rate)) * (1.0 / (1.0 - self.rate))
        factors = tf.raw_ops.LeakyReluGrad(gradients=kept, features=inputs, alpha=self.negative_slope)
        return inputs * tf.stop_gradient(factors)

    def get_config(self):
        """What the layer can be built from again."""
        return {**super().get_config(), "negative_slope": self.negative_slope}


class FusedAdam(keras.optimizers.Adam):
    """`Adam` whose update of one variable is one TensorFlow kernel: one pass through memory."""

    def update_step(self, gradient, variable, learning_rate):
        """Update `variable` and its two moments in place."""
        if not IS_TENSORFLOW:
            super().update_step(gradient, variable, learning_rate)
            return
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


def _handle(variable):
    """The TensorFlow resource behind a Keras or TensorFlow variable."""
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle
