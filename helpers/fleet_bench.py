"""How fast a fleet trains here: steps a second for 1, 2, 4, ... 60 members, together and one after another.

KERAS_BACKEND=jax python -m helpers.fleet_bench                              # a minute or two on a GPU
KERAS_BACKEND=jax python -m helpers.fleet_bench --precision tensorfloat32    # coarser matrix products
KERAS_BACKEND=jax python -m helpers.fleet_bench --members 1 2 --batch-size 10 --steps 3 --matrix 512    # on a CPU
"""

import argparse
import itertools
import json
import statistics
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp

from helpers import convolutions, data, penalties, speed
from helpers.fleet import PRECISIONS, Fleet
from helpers.machine import provenance

MEMBERS = (1, 2, 4, 8, 16, 32, 60)
STUDY_STEPS = 6 * 10 * 20 * 550  # arms, seeds, epochs, steps an epoch


def bench(members=MEMBERS, batch_size=100, steps=50, repetitions=5, precision="float32", convolution=None, matrix=8192):
    """Measure fleets and the device's own rates.

    Args:
        members: sizes of the fleets to measure.
        batch_size: images a step.
        steps: steps in one timed program.
        repetitions: timed programs, after one that compiles and warms up.
        precision, convolution: as in `Fleet`.
        matrix: rows of the square matrices behind the measured rate of matrix products.

    Returns:
        A dict: provenance, the settings, `matmul` (FLOP/s), `copy` (bytes/s), `convolutions` (seconds
        of each way) and `fleets`, a list of dicts with members, compile_seconds, memory_bytes,
        step_ms (low, median, high), steps_per_second (of all members together), against_one
        (how many times as many as one member alone makes) and flops (FLOP/s of matrix work).
    """
    ways = convolutions.measure(4, batch_size)
    convolution = convolution or min(ways, key=ways.get)
    images = data.load_mnist().train_images
    fleets = [_fleet(count, images, batch_size, steps, repetitions, precision, convolution) for count in members]
    alone = _fleet(1, images, batch_size, steps, repetitions, precision, convolution) if 1 not in members else fleets[0]
    work = speed.matrix_work(batch_size)
    for row in fleets:
        row["against_one"] = row["steps_per_second"] / alone["steps_per_second"]
        row["flops"] = row["steps_per_second"] * work
    return {
        "provenance": provenance(),
        "batch_size": batch_size,
        "precision": precision,
        "convolution": convolution,
        "convolutions": ways,
        "matmul": matmul_rate(matrix, precision),
        "copy": copy_rate(8 * matrix**2),
        "fleets": sorted(fleets, key=lambda row: row["members"]),
    }


def _fleet(count, images, batch_size, steps, repetitions, precision, convolution):
    """Measure one fleet of so many members."""
    arms = [(rate, weight) for rate in (0.01, 0.001, 0.0001) for weight in (0.0, 0.1)]
    members = [
        SimpleNamespace(learning_rate=rate, moment_weight=weight, seed=i // 6, penalty=penalties.DEFAULT)
        for i, (rate, weight) in zip(range(count), itertools.cycle(arms))
    ]
    fleet = Fleet(members, images, batch_size, convolution=convolution, precision=precision)
    start = time.perf_counter()
    memory = fleet.needed_bytes(steps)
    compiling = time.perf_counter() - start
    fleet.start()

    def train():
        fleet.begin_epoch(0)
        jax.block_until_ready(fleet.state)  # planning on the host is another matter
        return speed.timed(lambda: jax.block_until_ready(fleet.advance(steps)))[0] / steps

    train()
    seconds = [train() for _ in range(repetitions)]
    return {
        "members": count,
        "compile_seconds": compiling,
        "memory_bytes": memory,
        "step_ms": speed.spread(seconds),
        "steps_per_second": count / statistics.median(seconds),
    }


def matmul_rate(size, precision="float32", repetitions=5):
    """FLOP/s of the product of two square float32 matrices, best of some."""
    matrix = jax.random.normal(jax.random.key(0), (size, size))
    with jax.default_matmul_precision(precision):
        product = jax.jit(lambda a: a @ a).lower(matrix).compile()
    return 2 * size**3 / _best(product, matrix, repetitions)


def copy_rate(size, repetitions=5):
    """Bytes/s, read and written, of adding one to an array of `size` bytes, best of some."""
    array = jnp.zeros(size // 4)
    return 2 * size / _best(jax.jit(lambda a: a + 1), array, repetitions)


def _best(function, array, repetitions):
    return min(speed.timed(lambda: jax.block_until_ready(function(array)), repetitions + 1)[1:])


def text(found):
    """The measurement as a table to print."""
    device, ways = found["provenance"]["device"], found["convolutions"]
    lines = [
        f"{device}, JAX {found['provenance']['jax']}, batch {found['batch_size']}, {found['precision']}, "
        f"convolutions: {found['convolution']} "
        f"({', '.join(f'{way} {1e3 * seconds:.2f} ms' for way, seconds in ways.items())})",
        f"measured: matrix products {found['matmul'] / 1e12:.2f} TFLOP/s, copies {found['copy'] / 1e9:.0f} GB/s",
        "members  ms/step  steps/s  against one  TFLOP/s  of matmul  memory GB  compile s  study min",
    ]
    for row in found["fleets"]:
        lines.append(
            f"{row['members']:7d} {row['step_ms']['median']:8.2f} {row['steps_per_second']:8.0f} "
            f"{row['against_one']:11.2f}x {row['flops'] / 1e12:8.2f} {row['flops'] / found['matmul']:10.0%} "
            f"{row['memory_bytes'] / 1e9:10.2f} {row['compile_seconds']:10.1f} "
            f"{STUDY_STEPS / row['steps_per_second'] / 60:10.1f}"
        )
    lines.append("against one: steps of all members a second, over those of a fleet of one; that is, together")
    lines.append("against the same runs one after another. study: 6 arms x 10 seeds x 11,000 steps, training alone.")
    return "\n".join(lines)


def main(arguments=None):
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m helpers.fleet_bench", description="Measure fleets on this device.")
    parser.add_argument("--members", type=int, nargs="+", default=list(MEMBERS), help="sizes of the fleets")
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--steps", type=int, default=50, help="steps in one timed program, up to an epoch's")
    parser.add_argument("--repetitions", type=int, default=5, help="timed programs")
    parser.add_argument("--precision", choices=PRECISIONS, default="float32")
    parser.add_argument("--convolution", choices=convolutions.WAYS, help="default: the faster one here")
    parser.add_argument("--matrix", type=int, default=8192, help="rows of the matrices behind the measured rates")
    parser.add_argument("--json", type=Path, help="file to write the numbers to")
    options = vars(parser.parse_args(arguments))
    path = options.pop("json")
    try:
        found = bench(**options)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if path:
        path.write_text(json.dumps(found, indent=2) + "\n")
    print(text(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
