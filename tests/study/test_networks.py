"""The table of networks: sizes, the study's pair unchanged, always-batch normalisation, regularized discriminators."""

import random

from helpers import data, models
from helpers.gan import GAN, build_optimizer
import keras
import numpy as np
import pytest

from study import fast, networks, rivals
from study.experiment import NETWORKS, REGULARIZER_WEIGHTS


def conv_sizes(dense, deep, shallow, normalised=True):
    """Parameters of a convolutional generator: kernels, biases, four numbers a normalised channel."""
    weights = 101 * dense + (dense + 1) * 49 * deep + (9 * deep + 1) * shallow + 9 * shallow + 1
    return weights + 4 * normalised * (dense + deep + shallow)


def judge_sizes(first, second, normalised=True):
    """Parameters of a convolutional discriminator."""
    return 10 * first + (9 * first + 1) * second + 49 * second + 1 + 4 * normalised * (first + second)


def dense_sizes(*hidden, normalised=False):
    """Parameters of a dense generator."""
    widths = [100, *hidden, 784]
    return sum((a + 1) * b for a, b in zip(widths, widths[1:], strict=False)) + 4 * normalised * sum(hidden)


G, D, DENSE_D = 13_040_321, 88_001, 785 * 128 + 129
SIZES = {
    "dcgan": (G, D),
    "dcgan-w2": (conv_sizes(512, 128, 16), judge_sizes(16, 128)),
    "dcgan-w4": (conv_sizes(256, 64, 8), judge_sizes(8, 64)),
    "dcgan-w8": (conv_sizes(128, 32, 4), judge_sizes(4, 32)),
    "dcgan-g2": (conv_sizes(512, 128, 16), D),
    "dcgan-g4": (conv_sizes(256, 64, 8), D),
    "dcgan-g8": (conv_sizes(128, 32, 4), D),
    "dcgan-no-bn-g": (conv_sizes(1024, 256, 32, False), D),
    "dcgan-no-bn-d": (G, judge_sizes(32, 256, False)),
    "dense-g-conv-d": (dense_sizes(128, 384), D),
    "conv-g-dense-d": (G, DENSE_D),
    "dense-1": (dense_sizes(128), DENSE_D),
    "dense-2": (dense_sizes(128, 384), DENSE_D),
    "dense-2-bn": (dense_sizes(128, 384, normalised=True), DENSE_D),
    "dense-4": (dense_sizes(128, 256, 384, 512), DENSE_D),
    "dense-4-bn": (dense_sizes(128, 256, 384, 512, normalised=True), DENSE_D),
    "dense-4-dead": (dense_sizes(128, 256, 384), DENSE_D),
    "dense-4-dead-bn-dropout": (dense_sizes(128, 256, 384, normalised=True), DENSE_D),
}


def pair(name, regularizer="none", seed=0):
    return networks.build(name, random.Random(seed), regularizer)


def images(count=8, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (count, 28, 28, 1)).astype(np.float32)


def take_step(generator, discriminator, hook=None):
    """One step of a GAN on 8 images; returns what it logged."""
    gan = GAN(generator, discriminator, 0.1, discriminator_penalty=hook)
    gan.compile(build_optimizer(0.001), build_optimizer(0.001))
    return gan.train_step((keras.ops.convert_to_tensor(images()), data.draw_latents(8, 0)))


def test_the_formulas_give_the_studys_sizes():
    assert (conv_sizes(1024, 256, 32), judge_sizes(32, 256)) == (G, D)


@pytest.mark.parametrize("name", NETWORKS)
def test_each_network_has_its_size_and_takes_a_step(name):
    networks_of = generator, discriminator = pair(name)
    assert tuple(network.count_params() for network in networks_of) == SIZES[name]
    before = [[np.array(v) for v in network.trainable_variables] for network in networks_of]
    logged = take_step(generator, discriminator)
    assert all(np.isfinite(float(value)) for value in logged.values())
    for network, weights in zip(networks_of, before, strict=True):
        for variable, old in zip(network.trainable_variables, weights, strict=True):
            new = np.array(variable)
            # Adam moves whatever has a gradient; biases before a normalisation have none but rounding.
            assert np.isfinite(new).all() and (variable.path.endswith("bias") or (new != old).any()), variable.path


def test_the_studys_pair_is_built_as_ever():
    """The same seeds in the same order as without a table, hence the same bits."""
    seeds = random.Random(3)
    expected = models.build_generator(seeds=seeds), models.build_discriminator(seeds)
    drawn = random.Random(3)
    for one, other in zip(networks.build("dcgan", drawn), expected, strict=True):
        for found, wanted in zip(one.get_weights(), other.get_weights(), strict=True):
            assert found.tobytes() == wanted.tobytes()
    assert drawn.getstate() == seeds.getstate()


def test_dropout_and_slopes_of_the_authors_networks():
    def settings(name):
        layers = pair(name)[0].layers
        slopes = {layer.negative_slope for layer in layers if isinstance(layer, keras.layers.LeakyReLU)}
        return slopes, [(layers[i - 1].name[:5], x.rate) for i, x in enumerate(layers) if x.name == "dropout"]

    assert settings("dense-4-dead-bn-dropout") == ({0.1}, [("leaky", pytest.approx(0.2))])
    assert settings("dense-4-dead") == ({0.01}, [])
    assert pair("dcgan")[1].get_layer("dropout").rate == 0.5


@pytest.mark.parametrize("accelerate", [lambda network: network, fast.accelerate])
def test_normalisation_of_dense_generators_goes_by_the_batch_always(accelerate):
    generator, latents = accelerate(pair("dense-2-bn")[0]), data.draw_latents(6, 0)
    sampled = np.array(generator(latents, training=False))
    x = latents.astype(np.float64)
    layers = [layer for layer in generator.layers if hasattr(layer, "kernel")]
    for layer in layers[:-1]:
        x = x @ np.float64(layer.kernel) + np.float64(layer.bias)
        x = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-3)
        x = np.maximum(x, 0.01 * x)
    x = np.tanh(x @ np.float64(layers[-1].kernel) + np.float64(layers[-1].bias))
    assert np.abs(sampled.reshape(6, -1) - x).max() < 1e-5  # float32 sums of 784 terms at most
    predicted = generator.predict(latents, verbose=0)  # which calls it with training=False
    assert np.abs(predicted - sampled).max() < 1e-5


@pytest.mark.parametrize("name", ["dcgan", "dcgan-g8", "dense-g-conv-d"])
@pytest.mark.parametrize("regularizer", ["spectral", *rivals.GRADIENT_PENALTIES])
def test_what_normalisation_would_spoil_is_refused(name, regularizer):
    with pytest.raises(ValueError, match=f"found the network {name}. Mend it with --network dcgan-no-bn-d"):
        pair(name, regularizer)


@pytest.mark.parametrize("name", ["dcgan-no-bn-d", "dense-2"])
@pytest.mark.parametrize("regularizer", [name for name in REGULARIZER_WEIGHTS if name != "none"])
def test_regularized_discriminators_take_a_step_accelerated_too(name, regularizer):
    plain, regularized = pair(name)[1], fast.accelerate(pair(name, regularizer)[1])
    added = {"spectral": sum(v.shape[-1] for v in plain.trainable_variables if v.path.endswith("kernel"))}
    added["minibatch-stddev"] = 1
    assert regularized.count_params() - plain.count_params() == added.get(regularizer, 0)
    before = regularized.get_weights()
    hook = rivals.regularizer(regularizer, REGULARIZER_WEIGHTS[regularizer])
    logged = take_step(pair("dense-2")[0], regularized, hook)
    assert all(np.isfinite(float(value)) for value in logged.values())
    pairs = zip(regularized.get_weights(), before, strict=True)
    moved = [np.isfinite(new).all() and (new != old).any() for new, old in pairs]
    assert all(moved)
    assert [layer.name for layer in regularized.layers].count("dropout") == (name == "dcgan-no-bn-d")


@pytest.mark.parametrize("name", ["dcgan-no-bn-d", "dense-2"])
def test_spectral_norms_are_near_one_after_steps(name):
    discriminator = pair(name, "spectral")[1]
    batch = images(4)
    for _ in range(30):  # the power iteration goes on, one round a call
        discriminator(batch, training=True)
    wrapped = [layer for layer in discriminator.layers if isinstance(layer, rivals.SpectralNormalization)]
    assert len(wrapped) == len([v for v in discriminator.trainable_variables if v.path.endswith("kernel")])
    for layer in wrapped:
        size = layer.kernel.shape[-1]
        kernel = np.float64(layer.kernel).reshape(-1, size)
        zero = np.zeros((1, *layer.input.shape[1:]), np.float32)
        inputs = np.random.default_rng(0).normal(size=zero.shape).astype(np.float32)
        divided = np.float64(layer(inputs)) - np.float64(layer(zero))
        whole = np.float64(layer.layer(inputs)) - np.float64(layer.layer(zero))
        divisor = np.abs(whole).max() / np.abs(divided).max()
        # Power iterations come from below, the slower the closer the two largest values lie.
        assert 0.9 < np.linalg.norm(kernel / divisor, 2) ** -1 <= 1 + 1e-4, layer.name


def test_the_statistic_sees_through_dropout():
    """Equal images have equal features before dropout, whatever its masks."""
    discriminator = pair("dcgan-no-bn-d", "minibatch-stddev")[1]
    reads = keras.Model(discriminator.input, discriminator.get_layer("logit").input)
    equal = np.repeat(images(1), 8, axis=0)
    assert np.abs(np.array(reads(equal, training=True))[:, -1] - 1e-4).max() < 1e-5  # the root of 1e-8
    assert np.array(reads(images(), training=True))[:, -1].min() > 0.01
