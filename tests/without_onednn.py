"""Twenty steps of the study's networks in float32, fused and plain, each from the same state; prints what differs.

Run with TF_ENABLE_ONEDNN_OPTS=0 and TF_NUM_INTRAOP_THREADS=1: oneDNN sums in an order of its own, which
alone moves features by 3e-4, and so do several threads.
"""

import json

import numpy as np
import tensorflow as tf

from helpers import bench, data
from helpers.gan import GAN

SIZE, STEPS = 10, 20
LARGEST = 4  # the kernel of 1024 x 12,544 among the generator's trained variables


def variables(gan):
    """Everything that a step starts from, in the same order for both."""
    parts = gan.generator, gan.discriminator, gan.generator_optimizer, gan.discriminator_optimizer
    return [variable for part in parts for variable in part.variables]


def largest(pairs):
    """Largest absolute difference over pairs of arrays."""
    return max(float(np.abs(np.asarray(one, float) - np.asarray(other, float)).max()) for one, other in pairs)


def pairs(fused, plain):
    """Variables of both side by side, by what they are: momentum, velocity, moving_mean, moving_variance."""
    found = {}
    for one, other in zip(fused, plain, strict=True):
        name = one.path.split("/")[-1].split("_")[-1] if "mom" in one.path or "vel" in one.path else one.name
        found.setdefault(name, []).append((np.asarray(one), np.asarray(other)))
    return found


def main():
    fused = bench.build_gan()
    plain = GAN(*map(bench.plain, (fused.generator, fused.discriminator)), bench.MOMENT_WEIGHT)
    plain.compile(*bench.plain_optimizers(), jit_compile=False)
    batches = data.Batches(data.load_mnist().train_images[: SIZE * STEPS], SIZE)
    found = {}

    def note(name, value):
        found[name] = max(found.get(name, 0.0), float(value))

    for step in range(STEPS):
        for one, other in zip(variables(fused), variables(plain), strict=True):
            one.assign(other)
        before = np.array(plain.generator.trainable_variables[LARGEST])
        batch = [tf.constant(part) for part in batches[step]]
        logs = [gan.train_step(batch) for gan in (fused, plain)]
        note("losses", max(abs(1.0 - float(logs[0][name] / logs[1][name])) for name in logs[0]))
        for network in ("generator", "discriminator"):
            averages = pairs(*[getattr(gan, network).non_trainable_variables for gan in (fused, plain)])
            for name in ("moving_mean", "moving_variance"):
                note(f"{network} {name}", largest(averages[name]))
            moments = pairs(*[getattr(gan, f"{network}_optimizer").variables for gan in (fused, plain)])
            for name in ("momentum", "velocity"):
                note(name, largest(moments[name]) / max(np.abs(other).max() for _, other in moments[name]))
            if network == "generator":
                gradient = np.abs(moments["momentum"][LARGEST][1])
                clear = gradient > 1e-2 * gradient.max()  # elsewhere rounding is too large a part of it
                weights = [np.asarray(gan.generator.trainable_variables[LARGEST]) for gan in (fused, plain)]
                note("weights", largest([[weight[clear] for weight in weights]]))
                found["clear"] = min(found.get("clear", 1.0), float(clear.mean()))
                found["moved"] = float(np.abs(weights[1] - before)[clear].max())
    print(json.dumps(found))


if __name__ == "__main__":
    main()
