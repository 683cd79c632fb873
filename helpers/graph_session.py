"""The training step as TensorFlow 1 ran it: a graph, a session, `feed_dict`, two `run` calls a step.

For comparison only: the same networks, losses and Adam as `GAN`, in the way of the 2017 study.
"""

import numpy as np
import tensorflow as tf
from keras import layers

from helpers import losses
from helpers.fused import LeakyDropout

v1 = tf.compat.v1
MOMENTUM, EPSILON = 0.99, 1e-3


class GraphNetwork:
    """A Keras network rebuilt in the graph in force, from operations that TensorFlow 1 had.

    Args:
        weighted: list of (layer, its weights), of the layers that the study uses, as `weighted` returns it.
        fused: whether images are normalised by one kernel.
    """

    def __init__(self, weighted, fused):
        self.fused = fused
        self.layers = [(layer, [v1.Variable(weight) for weight in weights]) for layer, weights in weighted]
        # The last two weights of a batch normalisation are its moving averages.
        self.trained = [v for layer, vs in self.layers for v in (vs[:2] if _is_norm(layer) else vs)]
        self.updates = []

    def __call__(self, x):
        """Outputs in training mode; each call adds its updates of the moving averages to `updates`."""
        for layer, variables in self.layers:
            x = self._apply(layer, variables, x)
        return x

    def _apply(self, layer, variables, x):
        if isinstance(layer, layers.Dense):
            return x @ variables[0] + variables[1]
        if isinstance(layer, layers.Conv2DTranspose):
            shape = [tf.shape(x)[0], *layer.output.shape[1:]]
            return tf.nn.conv2d_transpose(x, variables[0], shape, layer.strides, "SAME") + variables[1]
        if isinstance(layer, layers.Conv2D):
            return tf.nn.conv2d(x, variables[0], layer.strides, "SAME") + variables[1]
        if isinstance(layer, layers.LeakyReLU):
            return tf.nn.leaky_relu(x, layer.negative_slope)
        if isinstance(layer, LeakyDropout):
            return tf.nn.dropout(tf.nn.leaky_relu(x, layer.negative_slope), rate=layer.rate)
        if isinstance(layer, (layers.Reshape, layers.Flatten)):
            return tf.reshape(x, [-1, *layer.output.shape[1:]])
        if isinstance(layer, layers.Activation):
            return tf.tanh(x)
        return self._normalise(*variables, x) if _is_norm(layer) else x

    def _normalise(self, gamma, beta, average, average_variance, x):
        """Batch normalisation as TensorFlow 1 offered it: by small operations, or one kernel for images."""
        axes = list(range(len(x.shape) - 1))
        if self.fused and len(axes) == 3:
            outputs, mean, variance = v1.nn.fused_batch_norm(x, gamma, beta, epsilon=EPSILON)
        else:
            mean, variance = tf.nn.moments(x, axes)
            outputs = tf.nn.batch_normalization(x, mean, variance, beta, gamma, EPSILON)
        for moving, value in ((average, mean), (average_variance, variance)):
            self.updates.append(moving.assign_sub((moving - value) * (1 - MOMENTUM)))
        return outputs


def weighted(network):
    """Layers of a Keras network with their weights, which can be read outside a graph only."""
    return [(layer, layer.get_weights()) for layer in network.layers]


def _is_norm(layer):
    return isinstance(layer, layers.BatchNormalization)


class SessionGAN:
    """A GAN that a session trains.

    Args:
        generator, discriminator: Keras models that give architecture and initial weights.
        moment_weight: float >= 0, the weight of the moment gaps.
        rate: learning rate of both networks.
        fused: whether images are normalised by one kernel. The batch normalisation of 2017
            (`tf.contrib.layers.batch_norm`) did so only when asked; that of TensorFlow 1.15 by itself.
    """

    def __init__(self, generator, discriminator, moment_weight, rate, fused=False):
        architectures = weighted(generator), weighted(discriminator)
        with tf.Graph().as_default():
            self.images = v1.placeholder(tf.float32, [None, 28, 28, 1])
            self.latents = v1.placeholder(tf.float32, [None, generator.input_shape[-1]])
            ours, theirs = (GraphNetwork(architecture, fused) for architecture in architectures)
            fake = ours(self.latents)
            real_logits, fake_logits = theirs(self.images), theirs(fake)
            self.discriminator_loss = losses.discriminator_loss(real_logits, fake_logits)
            gaps = losses.moment_gaps(fake, self.images)
            self.generator_loss = losses.generator_loss(fake_logits, gaps, moment_weight)
            self._train = [
                _minimise(self.discriminator_loss, theirs, rate),
                _minimise(self.generator_loss, ours, rate),
            ]
            self._session = v1.Session()
            self._session.run(v1.global_variables_initializer())

    def step(self, images, latents):
        """One step on NumPy arrays; returns both losses, the generator's after the discriminator's update."""
        feed = {self.images: images, self.latents: latents}
        _, discriminator_loss = self._session.run([self._train[0], self.discriminator_loss], feed_dict=feed)
        _, generator_loss = self._session.run([self._train[1], self.generator_loss], feed_dict=feed)
        return np.float32(discriminator_loss), np.float32(generator_loss)


def _minimise(loss, network, rate):
    """The operation that updates a network's weights and moving averages once."""
    with tf.control_dependencies(network.updates):
        return v1.train.AdamOptimizer(rate).minimize(loss, var_list=network.trained)
