"""Faster ways on TensorFlow to compute what Keras' layers and Adam compute.

Each computes what its Keras parent computes, to rounding; without TensorFlow it is the parent.
"""

import keras
from keras import layers, ops

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
    """`Dense` whose gradient by its inputs comes before that by its kernel; side by side they compete for the cores.

    Takes float (batch, inputs), returns (batch, units); with a bias and no activation. Same bits as Keras.
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
            by_inputs = tf.matmul(upstream, kernel, transpose_b=True)
            with tf.control_dependencies([by_inputs]):
                by_kernel = tf.matmul(inputs, upstream, transpose_a=True)
            return by_inputs, by_kernel, tf.raw_ops.BiasAddGrad(out_backprop=upstream)

        return tf.nn.bias_add(tf.matmul(inputs, kernel), bias), gradients


class FusedDropout(layers.Dropout):
    """`Dropout` that multiplies by a mask, from the random numbers that Keras draws: the same bits at a rate of 0.5.

    Keras scales the inputs and selects among them, and does both again for their gradient; here one
    product with the scaled mask serves each way.
    """

    def call(self, inputs, training=False):
        """Inputs of which a share `rate` is 0 and the rest scaled up; the inputs themselves without training."""
        if not (training and IS_TENSORFLOW and 0 < self.rate < 1):
            return super().call(inputs, training=training)
        numbers = keras.random.uniform(ops.shape(inputs), dtype=inputs.dtype, seed=self.seed_generator)
        return inputs * (ops.cast(numbers >= self.rate, inputs.dtype) * (1.0 / (1.0 - self.rate)))


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
