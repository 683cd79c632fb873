"""How fast our training step is beside a plain Keras one, side by side in one run of this machine."""

from concurrent.futures import ProcessPoolExecutor
import multiprocessing
import statistics
import time

from helpers import data
from helpers.gan import GAN, build_optimizer
from helpers.models import build_discriminator, build_generator
import keras
import numpy as np

from study import fast, machine
from study.settings import MOMENT_WEIGHT

RATE, BATCH_SIZE = 0.001, 100


def build(fused):
    """The study's GAN, compiled, the same weights every time: with the faster layers and Adam, or plain."""
    keras.utils.set_random_seed(0)
    networks, optimizer = [build_generator(), build_discriminator()], build_optimizer
    if fused:
        networks, optimizer = map(fast.accelerate, networks), fast.build_optimizer
    gan = GAN(*networks, MOMENT_WEIGHT)
    gan.compile(optimizer(RATE), optimizer(RATE))
    return gan


WAYS = {"ours": True, "plain Keras": False}


class _Stopwatch(keras.callbacks.Callback):
    """Notes when each step of `fit` ends."""

    def on_train_begin(self, logs=None):
        self.ends = []

    def on_train_batch_end(self, batch, logs=None):
        float(logs["generator_loss"])  # the step's losses are there
        self.ends.append(time.perf_counter())


def _start(fused, steps):
    global _gan, _batches
    _gan = build(fused)
    _batches = data.Batches(data.load_mnist().train_images[: (steps + 1) * BATCH_SIZE], BATCH_SIZE)


def _turn():
    """Median seconds of a step, the first of the epoch aside."""
    watch = _Stopwatch()
    _gan.fit(_batches, verbose=0, shuffle=False, callbacks=[watch])
    return float(np.median(np.diff(watch.ends)))


def measure(rounds=5, turns=5, steps=10):
    """Time a step of each way, each in a process of its own, strictly turn by turn.

    Args:
        rounds: sets of fresh processes; one may be lucky with where its memory lies.
        turns: of each way in a round, after one that compiles.
        steps: timed steps a turn, 2 or more.

    Returns:
        A dict from way to the seconds of its turns.

    Raises:
        ValueError: fewer than one round.
    """
    if rounds < 1:
        raise ValueError(f"Rounds: expected 1 or more, found {rounds}.")
    seconds = {way: [] for way in WAYS}
    spawn = multiprocessing.get_context("spawn")
    for _ in range(rounds):
        pools = {way: ProcessPoolExecutor(1, spawn, _start, (fused, steps)) for way, fused in WAYS.items()}
        try:
            for turn in range(turns + 1):
                for way, pool in pools.items():
                    found = pool.submit(_turn).result()
                    seconds[way].extend([found] if turn else [])
        finally:
            for pool in pools.values():
                pool.shutdown()
    return seconds


def text(seconds):
    """The measurement as one small table to print."""
    here, ours = machine.provenance(), statistics.median(seconds["ours"])
    lines = [
        f"{here['device']}, {here['cores']} cores, {here['threads']} threads, TensorFlow {here['tensorflow']}; "
        f"batch {BATCH_SIZE}; {len(seconds['ours'])} turns each",
        f"{'':12s}  ms a step: median (lowest to highest)   times ours",
    ]
    for way, values in seconds.items():
        middle, low, high = (1e3 * f(values) for f in (statistics.median, min, max))
        lines.append(f"{way:12s}  {middle:9.1f} ({low:.1f} to {high:.1f}) {middle / (1e3 * ours):18.2f}")
    return "\n".join(lines)
