"""How fast a training step is: ours, TensorFlow 1's way, plain Keras, and what the machine could do at best.

python -m helpers.bench            # some minutes on 2 quiet cores; writes figures/bench.json and figures/bench.png
python -m helpers.bench --quick    # does it run: one short repetition, nothing written
"""

import argparse
import contextlib
import json
import multiprocessing
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from helpers import data, fused, losses, models, speed
from helpers.gan import GAN, build_optimizer
from helpers.graph_session import SessionGAN
from helpers.machine import ROOT, keep_freed_memory, provenance

RATE, MOMENT_WEIGHT = 0.001, 0.1
BATCH_SIZE, BATCH_SIZES = 100, (10, 25, 50, 100, 200, 400)


class PlainGAN(keras.Model):
    """The same training in plain Keras: two forwards of the generator, one for each update."""

    def __init__(self, generator, discriminator, moment_weight):
        super().__init__()
        self.generator, self.discriminator, self.moment_weight = generator, discriminator, moment_weight
        self.built = True

    def compile(self, generator_optimizer, discriminator_optimizer):
        """Set one optimizer for each network."""
        super().compile(optimizer=generator_optimizer, jit_compile=False)
        self.generator_optimizer, self.discriminator_optimizer = generator_optimizer, discriminator_optimizer
        generator_optimizer.build(self.generator.trainable_variables)
        discriminator_optimizer.build(self.discriminator.trainable_variables)

    def train_step(self, batch):
        """Update the discriminator, then the generator; return both losses."""
        images, latents = batch
        fake = self.generator(latents, training=True)
        with tf.GradientTape() as tape:
            real_logits, fake_logits = (self.discriminator(x, training=True) for x in (images, fake))
            discriminator_loss = losses.discriminator_loss(real_logits, fake_logits)
        variables = self.discriminator.trainable_variables
        self.discriminator_optimizer.apply(tape.gradient(discriminator_loss, variables), variables)
        with tf.GradientTape() as tape:
            fake = self.generator(latents, training=True)
            gaps = losses.moment_gaps(fake, images)
            logits = self.discriminator(fake, training=True)
            generator_loss = losses.generator_loss(logits, gaps, self.moment_weight)
        variables = self.generator.trainable_variables
        self.generator_optimizer.apply(tape.gradient(generator_loss, variables), variables)
        return {"discriminator_loss": discriminator_loss, "generator_loss": generator_loss}


def build_networks():
    """The study's two networks, the same weights every time."""
    keras.utils.set_random_seed(0)
    return models.build_generator(), models.build_discriminator()


def build_gan():
    """Our GAN, compiled."""
    gan = GAN(*build_networks(), MOMENT_WEIGHT)
    gan.compile(build_optimizer(RATE), build_optimizer(RATE), jit_compile=False)
    return gan


def build_plain_gan():
    """`PlainGAN` from Keras' own layers and Adam, compiled, with the weights of ours."""
    networks = [plain(network) for network in build_networks()]
    gan = PlainGAN(*networks, MOMENT_WEIGHT)
    gan.compile(*plain_optimizers())
    return gan


def plain_optimizers():
    """Keras' own Adam with the study's settings, one for each network."""
    return [keras.optimizers.Adam(RATE, beta_1=0.9, beta_2=0.999, epsilon=1e-8) for _ in range(2)]


class PlainLeakyDropout(layers.Dropout):
    """What Keras' `LeakyReLU` and `Dropout` compute, one after the other."""

    def __init__(self, rate, negative_slope, **kwargs):
        super().__init__(rate, **kwargs)
        self.negative_slope = negative_slope

    def call(self, inputs, training=False):
        """As `fused.LeakyDropout`."""
        return super().call(keras.ops.leaky_relu(inputs, self.negative_slope), training=training)


def plain(network):
    """A copy of a network, weights and all, with Keras' own layers in place of the faster ones."""
    own = {
        fused.FusedBatchNormalization: layers.BatchNormalization,
        fused.LeakyDropout: PlainLeakyDropout,
        fused.OrderedDense: layers.Dense,
    }

    def copy(layer):
        return own.get(type(layer), type(layer)).from_config(layer.get_config())

    found = keras.models.clone_model(network, clone_function=copy)
    found.set_weights(network.get_weights())
    return found


def build_session(one_kernel=False):
    """`SessionGAN` with the weights of ours; `one_kernel` is its `fused`."""
    return SessionGAN(*build_networks(), MOMENT_WEIGHT, RATE, one_kernel)


BUILDERS = {
    "ours": build_gan,
    "ours, memory returned": build_gan,
    "graph session": build_session,
    "fused session": lambda: build_session(one_kernel=True),
    "plain Keras": build_plain_gan,
}
WAYS = tuple(BUILDERS)


class Stopwatch(keras.callbacks.Callback):
    """Notes when each step of `fit` ends."""

    def on_train_begin(self, logs=None):
        self.ends = []

    def on_train_batch_end(self, batch, logs=None):
        """Note the time once the step's losses are there."""
        float(logs["generator_loss"])
        self.ends.append(time.perf_counter())


def fitted(gan, batches):
    """Seconds of each step of an epoch of `fit` but its first, which starts the loop."""
    watch = Stopwatch()
    gan.fit(batches, verbose=0, shuffle=False, callbacks=[watch])
    return np.diff(watch.ends).tolist()


def sessioned(gan, batches):
    """Seconds of each step of an epoch of a `SessionGAN` but its first."""
    ends = []
    for step in range(len(batches)):
        gan.step(*batches[step])
        ends.append(time.perf_counter())
    return np.diff(ends).tolist()


class Worker:
    """One way to train, in a process of its own as its users would run it; it works only when asked.

    Args:
        way: one of `WAYS`. Only "ours" keeps freed memory, as `Experiment` has it.
        batch_size: images a step.
        steps: timed steps a turn.
    """

    def __init__(self, way, batch_size, steps):
        if way == "ours":
            keep_freed_memory()
        self.gan = BUILDERS[way]()
        self.images = data.load_mnist().train_images
        self.batches = data.Batches(self.images[: (steps + 1) * batch_size], batch_size)
        self.steps = steps

    def turn(self):
        """Median seconds of a step."""
        time_steps = sessioned if isinstance(self.gan, SessionGAN) else fitted
        return statistics.median(time_steps(self.gan, self.batches))

    def parts(self, repetitions, whole):
        """What `parts` finds."""
        return parts(self.gan, self.batches, repetitions, whole)

    def scaling(self, batch_size):
        """What `scaling` finds."""
        return scaling(self.gan, self.images, batch_size, self.steps)


def _start(*arguments):
    global _worker
    _worker = Worker(*arguments)


def _work(task, arguments):
    return getattr(_worker, task)(*arguments)


@contextlib.contextmanager
def workers(batch_size, steps):
    """Yield a function `(way, task, *arguments)` that has the process of a way do one of `Worker`'s tasks."""
    spawn = multiprocessing.get_context("spawn")
    with contextlib.ExitStack() as stack:
        pools = {
            way: stack.enter_context(ProcessPoolExecutor(1, spawn, _start, (way, batch_size, steps))) for way in WAYS
        }
        yield lambda way, task, *arguments: pools[way].submit(_work, task, arguments).result()


def bench(rounds=5, repetitions=5, steps=10, batch_sizes=BATCH_SIZES, matrix=2048):
    """Measure everything: each way in a process of its own, strictly turn by turn.

    Args:
        rounds: sets of fresh processes; one may be lucky with where its memory lies.
        repetitions: turns of each way in a round, after one that compiles.
        steps: timed steps a turn.
        batch_sizes: for the scaling of our way.
        matrix: rows of the square matrices behind the measured rate of matrix products.

    Returns:
        A dict: provenance; `step_ms` (low, median, high of each way's turns); `speedup` of ours over
        the others; `matmul` (FLOP/s) and `bandwidth` (bytes/s), medians taken between the turns;
        `work` (FLOP a step), `traffic` (bytes of Adam), `limit_ms` and `share` of it that ours
        reaches; `parts_ms` of our step; `scaling`, a list of batch_size, step_ms and images_per_second.
    """
    seconds, rates, bandwidths = {way: [] for way in WAYS}, [], []
    for _ in range(rounds):
        with workers(BATCH_SIZE, steps) as ask:
            for repetition in range(repetitions + 1):
                for way in WAYS:
                    found = ask(way, "turn")
                    seconds[way].extend([found] if repetition else [])
                rates.append(matmul_rate(matrix))
                bandwidths.append(bandwidth())
    step_ms = {way: speed.spread(values) for way, values in seconds.items()}
    ours = step_ms["ours"]["median"]
    with workers(BATCH_SIZE, steps) as ask:
        parts_ms = ask("ours", "parts", repetitions, ours)
        scaled = [ask("ours", "scaling", size) for size in batch_sizes]
    matmul, moved = statistics.median(rates), statistics.median(bandwidths)
    limit = 1e3 * (speed.matrix_work(BATCH_SIZE) / matmul + speed.adam_traffic() / moved)
    return {
        "provenance": provenance(),
        "batch_size": BATCH_SIZE,
        "rounds": rounds,
        "repetitions": repetitions,
        "steps": steps,
        "step_ms": step_ms,
        "speedup": {way: step_ms[way]["median"] / ours for way in WAYS[1:]},
        "matmul": matmul,
        "bandwidth": moved,
        "work": speed.matrix_work(BATCH_SIZE),
        "traffic": speed.adam_traffic(),
        "limit_ms": limit,
        "share": limit / ours,
        "parts_ms": parts_ms,
        "scaling": scaled,
    }


def scaling(gan, images, batch_size, steps):
    """Our step at another batch size."""
    batches = data.Batches(images[: (steps + 2) * batch_size], batch_size)
    seconds = fitted(gan, batches)[1:]  # the first of these may compile
    return {
        "batch_size": batch_size,
        "step_ms": speed.spread(seconds),
        "images_per_second": batch_size / statistics.median(seconds),
    }


def parts(gan, batches, repetitions, whole):
    """Milliseconds of the parts of our step, each run by itself, and of what they leave of the whole step.

    The rest holds the moments, the losses, the input and `fit`; it can fall below zero, since parts
    that run by themselves cannot share the cores with each other.
    """
    generator, discriminator = gan.generator, gan.discriminator
    images, latents = map(tf.constant, batches[0])
    fake = generator(latents, training=True)

    def generate():
        return generator(latents, training=True)

    def generate_and_pull_back():
        with tf.GradientTape() as tape:
            made = generator(latents, training=True)
        return tape.gradient(made, generator.trainable_variables, output_gradients=fake)

    def discriminate():
        with tf.GradientTape() as tape:
            logits = [discriminator(x, training=True) for x in (images, fake)]
            loss = losses.discriminator_loss(*logits)
        return tape.gradient(loss, discriminator.trainable_variables)

    def look_back():
        with tf.GradientTape() as tape:
            tape.watch(fake)
            loss = losses.binary_cross_entropy(discriminator(fake, training=True), 1.0)
        return tape.gradient(loss, fake)

    gradients = {network: [tf.zeros(v.shape) for v in network.trainable_variables]
                 for network in (generator, discriminator)}  # fmt: skip

    def update():
        gan.generator_optimizer.apply(gradients[generator], generator.trainable_variables)
        gan.discriminator_optimizer.apply(gradients[discriminator], discriminator.trainable_variables)

    found = {f.__name__: _median_ms(tf.function(f), repetitions)
             for f in (generate, generate_and_pull_back, discriminate, look_back, update)}  # fmt: skip
    named = {
        "generator, forwards": found["generate"],
        "generator, gradients": found["generate_and_pull_back"] - found["generate"],
        "discriminator, its update": found["discriminate"],
        "discriminator, for the generator": found["look_back"],
        "Adam": found["update"],
    }
    return {**named, "rest": whole - sum(named.values())}


def _median_ms(function, repetitions):
    function()
    return 1e3 * statistics.median(speed.timed(function, repetitions))


def matmul_rate(size):
    """FLOP/s of the product of two square float32 matrices, median of five."""
    matrix = tf.random.normal((size, size))
    return 2 * size**3 / (1e-3 * _median_ms(lambda: tf.matmul(matrix, matrix), 5))


def bandwidth(size=2**28):
    """Bytes/s of adding one array to another in place: two read, one written; median of five."""
    total, term = tf.Variable(tf.zeros(size // 4)), tf.ones(size // 4)
    return 3 * size / (1e-3 * _median_ms(lambda: total.assign_add(term), 5))


def text(found):
    """The measurement as text to print."""
    ours = found["step_ms"]["ours"]["median"]
    reached = f"{found['share']:.0%} of it ({found['work'] / ours / 1e6:.0f} GFLOP/s)"
    lines = [
        f"{found['provenance']['device']}, {found['provenance']['cores']} cores, TensorFlow "
        f"{found['provenance']['tensorflow']}; batch {found['batch_size']}; {found['rounds']} rounds of "
        f"{found['repetitions']} turns of each way, {found['steps']} steps a turn; median (middle half), ms per step:"
    ]
    for way, ms in found["step_ms"].items():
        ratio = f"{found['speedup'][way]:.2f}x ours" if way in found["speedup"] else ""
        lines.append(f"  {way:21s} {ms['median']:7.1f}  ({ms['low']:.1f} to {ms['high']:.1f})  {ratio}".rstrip())
    lines += [
        f"matrix products {found['matmul'] / 1e9:.0f} GFLOP/s, memory {found['bandwidth'] / 1e9:.1f} GB/s: "
        f"the limit is {found['limit_ms']:.0f} ms, ours reaches {reached}",
        "where ours goes, ms: " + ", ".join(f"{name} {ms:.1f}" for name, ms in found["parts_ms"].items()),
        "images/s by batch size: "
        + ", ".join(f"{row['batch_size']}: {row['images_per_second']:.0f}" for row in found["scaling"]),
    ]
    return "\n".join(lines)


def main(arguments=None):
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m helpers.bench", description="Measure the training step.")
    parser.add_argument("--rounds", type=int, default=5, help="sets of fresh processes")
    parser.add_argument("--repetitions", type=int, default=5, help="turns of each way in a round")
    parser.add_argument("--steps", type=int, default=10, help="timed steps a turn")
    parser.add_argument("--quick", action="store_true", help="one short turn, nothing written")
    parser.add_argument("--folder", type=Path, default=ROOT / "figures", help="where to write")
    options = parser.parse_args(arguments)
    if options.rounds < 1 or options.repetitions < 1 or options.steps < 2:
        print("error: Rounds, repetitions and steps: expected at least 1, 1 and 2.", file=sys.stderr)
        return 2
    if options.quick:
        print(text(bench(1, 1, 2, (10,), 512)))
        return 0
    from helpers import plots

    found = bench(options.rounds, options.repetitions, options.steps)
    print(text(found))
    options.folder.mkdir(parents=True, exist_ok=True)
    (options.folder / "bench.json").write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    (options.folder / "bench.png").write_bytes(plots.png(plots.bench(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
