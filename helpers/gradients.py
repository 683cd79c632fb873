"""What pulls at the generator over training: the discriminator's gradient beside the penalty's.

python -m helpers.gradients --tests 3 --arms plain moments mean variance --seeds 0 1 2    # what is missing of them

Writes <results>/gradients/<name>/: gradients.csv, one row a measured step, and run.json, what the run
ended with and its provenance.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from helpers import data, losses, penalties, records
from helpers.experiment import LEARNING_RATES, MOMENT_WEIGHT, PROFILES, RECORDED, Experiment

EVERY = 10  # steps between two measurements
TIE_BATCHES = 200
ARMS = ("plain", *penalties.NAMES)


def measure(gan, images, latents, moment_weight=MOMENT_WEIGHT):
    """Both gradients of the generator as it is, on one batch; the GAN is left as it was.

    Args:
        gan: a `GAN`.
        images: float32 (batch, 28, 28, 1) in [-1, 1], real ones.
        latents: float32 (batch, latent_dim), as many.
        moment_weight: float > 0, the weight of the penalty, also where the GAN itself has none.

    Returns:
        A dict of floats. By all of the generator's weights: `adversarial_norm`, `penalty_norm`,
        `mean_norm`, `variance_norm` (Euclidean, weight included) and the cosines of the last three
        with the adversarial gradient; 0 where a gradient vanishes. By the generated images:
        `adversarial_pull` and `variance_pull`, how strongly descent drives the batch apart per unit
        of deviation (see `pull`). `spread`: the deviation of a pixel over the batch, averaged over pixels.
    """
    kept = [tf.identity(variable) for variable in gan.non_trainable_variables]
    with tf.GradientTape(persistent=True) as tape:
        fake = gan.generator(latents, training=True)
        adversarial = losses.binary_cross_entropy(gan.discriminator(fake, training=True), 1.0)
        mean, variance = (moment_weight * gap for gap in losses.moment_gaps(fake, images))
        penalty = mean + variance
    # Averages moved and dropout drew: both as if nothing had been.
    for variable, value in zip(gan.non_trainable_variables, kept, strict=True):
        variable.assign(value)
    terms = {"adversarial": adversarial, "penalty": penalty, "mean": mean, "variance": variance}
    weights = gan.generator.trainable_variables
    by_weights = {name: tape.gradient(term, weights) for name, term in terms.items()}
    norms = {name: np.sqrt(_dot(gradient, gradient)) for name, gradient in by_weights.items()}
    row = {f"{name}_norm": norm for name, norm in norms.items()}
    for name in ("penalty", "mean", "variance"):
        size = norms["adversarial"] * norms[name]
        row[f"{name}_cosine"] = _dot(by_weights["adversarial"], by_weights[name]) / size if size else 0.0
    for name in ("adversarial", "variance"):
        row[f"{name}_pull"] = pull(fake.numpy(), tape.gradient(terms[name], fake).numpy())
    return {**row, "spread": float(fake.numpy().std(axis=0).mean())}


def pull(fake, gradient):
    """How strongly descent along a gradient drives a batch apart, per unit of deviation, times n.

    Args:
        fake: array (n, ...), generated images.
        gradient: array of the same shape, of a loss by each of them.

    Returns:
        The slope of -n * gradient over the deviations from the batch mean, by least squares over all
        images and pixels: below 0 the batch is drawn together. For the variance term it is twice the
        weight where every pixel varies too little; 0 for a batch without deviations.
    """
    deviation = fake.astype(float) - fake.mean(axis=0, dtype=float)
    total = np.sum(deviation**2)
    return float(-len(fake) * np.sum(gradient * deviation) / total) if total else 0.0


def _dot(one, other):
    return float(tf.add_n([tf.reduce_sum(a * b) for a, b in zip(one, other, strict=True)]))


def batch_ties(generator, batch_size, batches=TIE_BATCHES):
    """How much the moments of generated batches vary, against batches of independent images.

    Args:
        generator: model from noise (batch, latent_dim) to images.
        batch_size: images in a batch, 2 or more.
        batches: how many batches to generate.

    Returns:
        A dict from "training" (each batch normalised by itself) and "inference" (by moving averages) to
        the variance over batches of a pixel's batch mean, summed over pixels, relative to what it is for
        independent images, 1: the sum of the pixels' variances over the batch size.
    """
    kept = generator.get_weights()
    latents = data.draw_latents(batches * batch_size, data.PROBED_LATENTS, 1).reshape(batches, batch_size, -1)
    found = {}
    for mode in ("training", "inference"):
        made = np.stack([generator(batch, training=mode == "training").numpy() for batch in latents])
        means = made.mean(axis=1, dtype=float)
        expected = made.var(axis=(0, 1), dtype=float).sum() / batch_size
        found[mode] = float(means.var(axis=0, ddof=1).sum() / expected)
    generator.set_weights(kept)
    return found


class Probe(keras.callbacks.Callback):
    """Measures a GAN before the first step and after every few; the run goes on as if without it.

    Args:
        batch_size: images of the measured batch: the first validation images, with noise of their own.
        every: steps between two measurements.

    After `fit`, `rows` holds what `measure` found, each with its `step`, and `ties` what `batch_ties` did.
    """

    def __init__(self, batch_size, every=EVERY):
        super().__init__()
        self.every = every
        self.images = data.load_mnist().validation_images[:batch_size]
        self.latents = data.draw_latents(batch_size, data.PROBED_LATENTS)
        self.rows, self.ties, self._steps = [], {}, 0

    def on_train_begin(self, logs=None):
        """Measure the untrained GAN."""
        self._measure()

    def on_train_batch_end(self, batch, logs=None):
        """Measure at every so many steps."""
        self._steps += 1
        if self._steps % self.every == 0:
            self._measure()

    def on_train_end(self, logs=None):
        """Compare the trained generator's batches with independent images."""
        self.ties = batch_ties(self.model.generator, len(self.images))

    def _measure(self):
        self.rows.append({"step": self._steps, **measure(self.model, self.images, self.latents)})


def record(experiment, results=RECORDED, every=EVERY):
    """Train an experiment with a probe in it and write what the probe saw, if it is not there yet.

    Args:
        experiment: the `Experiment`; its own record is not kept.
        results: folder of records; the probe's go to its folder gradients.
        every: steps between two measurements.

    Returns:
        The folder written, there whole or not at all.

    Raises:
        PermissionError: the results folder cannot be written.
    """
    folder = Path(results) / "gradients" / experiment.name
    if folder.exists():
        return folder
    records.check_writable(folder.parent)
    probe = Probe(experiment.batch_size, every)
    with tempfile.TemporaryDirectory() as scratch:
        run = experiment.run(scratch, [probe], verbose=0)
    header = {
        "config": run.config,
        "status": run.status,
        "reason": run.reason,
        "metrics": run.metrics,
        "ties": probe.ties,
        "provenance": run.provenance,
    }
    labels = {"test": experiment.test, "arm": experiment.arm, "seed": experiment.seed}
    with records.replacing(folder) as draft:
        text = json.dumps(header, indent=2, ensure_ascii=False, allow_nan=False)
        (draft / "run.json").write_text(text + "\n", encoding="utf-8")
        table = pd.DataFrame([{**labels, **row} for row in probe.rows])
        table.to_csv(draft / "gradients.csv", index=False, float_format="%.6g")
    return folder


def load(results=RECORDED):
    """All that probes have recorded below a folder.

    Returns:
        Two DataFrames. Steps: test, arm, seed, step and what `measure` returns. Runs, one row each:
        test, arm, seed, status, training and inference (of `batch_ties`), frechet_distance.

    Raises:
        ValueError: there is no such record.
    """
    folders = sorted(path.parent for path in Path(results).glob("gradients/*/run.json"))
    if not folders:
        raise ValueError(
            f"Gradients in {results}: expected gradients/<name>/run.json, found none. "
            "Mend it with: python -m helpers.gradients"
        )
    steps, runs = [], []
    for folder in folders:
        header = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        experiment = Experiment.from_config(header["config"])
        labels = {"test": experiment.test, "arm": experiment.arm, "seed": experiment.seed}
        distance = header["metrics"].get("frechet_distance", float("nan"))
        runs.append({**labels, "status": header["status"], **header["ties"], "frechet_distance": distance})
        steps.append(pd.read_csv(folder / "gradients.csv"))
    return pd.concat(steps, ignore_index=True), pd.DataFrame(runs)


def _experiment(test, arm, seed, profile):
    penalty = penalties.DEFAULT if arm == "plain" else arm
    return Experiment.of_test(test, arm != "plain", seed, profile, penalty)


def main(arguments=None):
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m helpers.gradients", description="Probe what is not yet recorded.")
    parser.add_argument("--tests", type=int, nargs="+", default=[1, 2, 3], choices=list(LEARNING_RATES))
    parser.add_argument("--arms", nargs="+", default=["plain", "moments"], choices=ARMS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--profile", choices=list(PROFILES), default="ablation")
    parser.add_argument("--results", type=Path, default=RECORDED, help="folder of the records")
    options = parser.parse_args(arguments)
    for seed in options.seeds:
        for test in options.tests:
            for arm in options.arms:
                try:
                    print(record(_experiment(test, arm, seed, options.profile), options.results).name, flush=True)
                except (ValueError, OSError) as error:
                    print(f"error: {error}", file=sys.stderr)
                    return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
