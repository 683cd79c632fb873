"""What tests/test_fleet.py runs in processes of their own, with Keras on JAX and without TensorFlow.

A scenario takes its inputs from a folder and leaves its results there, as .npz or .json.
"""

import json
import os
import signal
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
from keras.src.backend.common import dtypes
from networks import NARROW, CountedDropout, plain_discriminator, plain_generator

from helpers import classifier, convolutions, data, fleet, fleet_runs, losses, metrics, models
from helpers.experiment import Experiment

if os.environ.get("JAX_ENABLE_X64"):
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"  # on JAX, Keras' operations would round to float32

SIZES = {"epochs": 3, "batch_size": 20, "train_images": 60, "judged_images": 40, "frame_images": 20}
MEMBERS = [(0.01, 0.1, 0), (0.001, 0.0, 1), (1e30, 0.1, 0), (0.001, 0.1, 1)]
STEPS = 20


def member(rate, weight, seed, penalty="moments"):
    return SimpleNamespace(learning_rate=rate, moment_weight=weight, seed=seed, penalty=penalty)


def narrow(dtype="float64", dropout=None):
    generator = plain_generator(NARROW["generator"], dtype)
    return generator, plain_discriminator(NARROW["discriminator"], dtype, dropout=dropout)


def trained(members, images, batch_size, build=narrow, **settings):
    """Fleet and logs, by name (members, steps), after 20 steps."""
    made = fleet.Fleet(members, images, batch_size, build, **settings)
    made.start()
    epoch, logs = 0, []
    while sum(piece["mean_gap"].shape[1] for piece in logs) < STEPS:
        made.begin_epoch(epoch)
        logs.append({name: np.asarray(values) for name, values in made.advance(STEPS // 2).items()})
        epoch += 1
    return made, {name: np.concatenate([piece[name] for piece in logs], axis=1) for name in logs[0]}


def flat(made, row=0):
    """The float variables of both networks of one member, trainable ones first, by name."""
    found = {}
    for network in ("generator", "discriminator"):
        for kind in ("weights", "others"):
            for index, leaf in enumerate(made.state[network][kind]):
                if np.asarray(leaf).dtype.kind == "f":
                    found[f"{network}.{kind}.{index}"] = np.asarray(leaf)[row]
    return found


def with_weights(networks, given):
    for name, network in zip(("generator", "discriminator"), networks, strict=True):
        network.set_weights([given[f"{name}.{index}"] for index in range(len(network.get_weights()))])
    return networks


def twins(folder):
    """Fleets of one that start from the weights that the main process left in twin-*.npz."""
    for path in sorted(folder.glob("twin-*.npz")):
        given = dict(np.load(path))
        widths = {name: tuple(given[f"widths.{name}"].tolist()) for name in ("generator", "discriminator")}

        def build(given=given, widths=widths):
            dropout = CountedDropout(dtype="float64") if given["dropout"] else None
            networks = (
                plain_generator(widths["generator"], "float64"),
                plain_discriminator(widths["discriminator"], "float64", 0.0, dropout),
            )
            return with_weights(networks, given)

        one = member(float(given["rate"]), float(given["weight"]), int(given["seed"]), str(given["penalty"]))
        # A penalty is chosen among two, so that choosing is tested, too.
        members = [one] if one.penalty == "moments" else [one, member(0.01, 0.1, 0, "moments")]
        made, logs = trained(members, given["images"], int(given["batch_size"]), build, convolution="patches")
        np.savez(folder / path.name.replace("twin", "found"), **{k: v[0] for k, v in logs.items()}, **flat(made))


def three(folder):
    """A fleet of three, three fleets of one, and a fleet of three by the other way to convolve."""
    images = data.load_mnist().train_images[:80]
    members = [member(0.01, 0.1, 0, "placebo"), member(0.001, 0.0, 1), member(0.01, 2.0, 1, "averaged")]

    def save(name, made, logs, row):
        np.savez(folder / f"{name}.npz", **{k: v[row] for k, v in logs.items()}, **flat(made, row))

    for way in convolutions.WAYS:
        made, logs = trained(members, images, 8, convolution=way)
        for row in range(3):
            save(f"three-{way}-{row}", made, logs, row)
    for row, one in enumerate(members):
        save(f"one-{row}", *trained([one], images, 8, convolution="patches"), 0)


def dropout(folder):
    """The first discriminator loss of an epoch with Keras' dropout: of two members, and by hand without any fleet."""
    images, members = data.load_mnist().train_images[:16], [member(0.01, 0.1, 0), member(0.01, 0.1, 4)]
    made = fleet.Fleet(members, images, 8, narrow, convolution="grouped")
    made.start()
    made.begin_epoch(3)
    found = np.asarray(made.advance(1)["discriminator_loss"])[:, 0]
    expected = []
    for one in members:
        keras.utils.set_random_seed(one.seed)
        generator, discriminator = narrow()
        discriminator.get_layer("dropout").seed_generator.state.assign(data.dropout_state(one.seed, 3))
        order, latents = data.plan_epoch(16, 8, one.seed, 3)
        fake = generator(latents[:8].astype(float), training=True)
        real_logits = discriminator(images[order[:8]].astype(float), training=True)
        expected.append(float(losses.discriminator_loss(real_logits, discriminator(fake, training=True))))
    np.savez(folder / "dropout.npz", found=found, expected=expected)


def study_step(folder):
    """One step of the study's own networks in float32, from the weights in study.npz."""
    given = dict(np.load(folder / "study.npz"))

    def build():
        generator, discriminator = fleet.build_networks()
        discriminator.get_layer("dropout").rate = 0.0
        networks = generator, keras.models.clone_model(discriminator)  # the copy has no random state
        return with_weights(networks, given)

    made = fleet.Fleet([member(0.001, 0.1, 0)], given["images"], 20, build, convolution="patches")
    made.start()
    made.begin_epoch(0)
    before = made.generate(lambda seed: data.fixed_latents())
    np.savez(folder / "study-found.npz", before=before[0], **{k: np.asarray(v)[0] for k, v in made.advance(1).items()})


def planned():
    return [Experiment(*arm, "smoke", **SIZES) for arm in MEMBERS]


def small_study(folder):
    """Four runs, one of which fails, in two fleets; with KILL_AT, killed before that call of `advance`."""
    models.build_generator, models.build_discriminator = (lambda: narrow("float32")[0]), (lambda: narrow("float32")[1])
    few = classifier.classify(data.load_mnist().test_images[:200])[1]
    metrics.real_features = lambda: few  # all 10,000 would take longer than the rest
    whole = fleet.Fleet(planned(), data.load_mnist().train_images[:60], 20, convolution="patches").needed_bytes(3)
    advance, calls, kill_at = fleet.Fleet.advance, [], int(os.environ.get("KILL_AT", 0))

    def counted(self, steps):
        calls.append(len(self.members))
        if len(calls) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return advance(self, steps)

    fleet.Fleet.advance = counted
    settings = {"memory": 0.9 * whole, "convolution": "patches", "verbose": False}
    done = fleet_runs.run(planned(), folder / "results", **settings)
    (folder / "calls.json").write_text(json.dumps([calls, [record.name for record in done]]))


def errors(folder):
    """Messages of what a fleet refuses, by name."""
    images, good = data.load_mnist().train_images[:60], planned()
    longer = Experiment(0.01, 0.1, 0, "smoke", **{**SIZES, "epochs": 4})
    tries = {
        "no members": lambda: fleet.Fleet([], images, 20),
        "precision": lambda: fleet.Fleet(good, images, 20, precision="float16"),
        "convolution": lambda: fleet.Fleet(good, images, 20, narrow, convolution="fast"),
        "batch size": lambda: fleet.Fleet(good, images, 61),
        "pixels": lambda: fleet.Fleet(good, images * 2, 20),
        "nothing planned": lambda: fleet_runs.run([], folder),
        "two sizes": lambda: fleet_runs.run([good[0], longer], folder),
        "penalty": lambda: fleet.Fleet([member(0.01, 0.1, 0, "none")], images, 20),
        "twice": lambda: fleet_runs.run([good[0], good[0]], folder),
        "keep every": lambda: fleet_runs.run(good, folder, keep_every=0),
        "single run": lambda: good[0].build(),
    }
    messages = {}
    for name, attempt in tries.items():
        try:
            messages[name] = repr(attempt())
        except (ValueError, ImportError) as error:
            messages[name] = f"{type(error).__name__}: {error}"
    (folder / "errors.json").write_text(json.dumps(messages))


def reading(folder):
    """Share of some test images that the classifier reads right."""
    mnist = data.load_mnist()
    labels, features = classifier.classify(mnist.test_images[:500])
    right = float((labels == mnist.test_labels[:500]).mean())
    (folder / "reading.json").write_text(json.dumps({"right": right, "features": features.shape}))


def main(folder, *scenarios):
    for scenario in scenarios:
        globals()[scenario](Path(folder))
