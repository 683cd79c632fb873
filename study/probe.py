"""What pulls at the generator over training: the discriminator's gradient beside the penalty's.

python -m study probe --tests 3 --arms plain moments mean variance --seeds 0 1 2    # what is missing of them

Writes <results>/gradients/<profile>/<name>/: gradients.csv, one row a measured step, and run.json, what
the run ended with and its provenance.
"""

import json
import math
import os
from pathlib import Path
import shutil

from helpers import data, losses
import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from study import catalogue, files, training
from study.experiment import DEFAULT_DATA
from study.gradients import COLUMNS, KEYS, SCHEMA_VERSION, load  # noqa: F401  `load` for notebooks
from study.settings import MOMENT_WEIGHT, RECORDED

EVERY = 10  # steps between two measurements
BATCHES = 200


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


def batch_gaps(generator, images, batch_size, batches=BATCHES):
    """How far generated batches are from real ones, what of that is scatter, and which way the gaps point.

    Args:
        generator: model from noise (batch, latent_dim) to images (batch, 28, 28, 1) in [-1, 1]; left as it was.
        images: float32 (n, 28, 28, 1) in [-1, 1], real ones to draw batches from.
        batch_size: images in a batch, 2 or more.
        batches: how many generated batches to compare, each with a real one.

    Returns:
        A dict of floats named <mode>_<moment>_<what>; the mode is "training" (a batch normalised by itself)
        or "inference" (by moving averages), the moment "mean" or "variance". What: `gap`, the gap summed
        over pixels, in units of that of two real batches (the floor); `scatter`, the same after each pixel's
        mean difference over all batches is taken off it; `agreement`, in [0, 1], the absolute mean sign of a
        pixel's difference, averaged over pixels with the weights that they have in the floor. Where only
        chance drives the signs it is about sqrt(2 / (pi * batches)).
    """
    kept = generator.get_weights()
    latents = data.draw_latents(batches * batch_size, data.PROBED_LATENTS, 1).reshape(batches, batch_size, -1)
    drawn = np.random.default_rng((data.PROBED_LATENTS, 2)).integers(0, len(images), (2, batches, batch_size))
    real, other = (_moments(images[batch] for batch in half) for half in drawn)
    floor = np.abs(real - other).mean(axis=0)
    found = {}
    for mode in ("training", "inference"):
        made = _moments(generator(batch, training=mode == "training").numpy() for batch in latents)
        differences = made - real
        scatter = differences - differences.mean(axis=0)
        signs = np.abs(np.sign(differences).mean(axis=0))
        for index, moment in enumerate(("mean", "variance")):
            total = floor[index].sum()
            found[f"{mode}_{moment}_gap"] = float(np.abs(differences[:, index]).mean(axis=0).sum() / total)
            found[f"{mode}_{moment}_scatter"] = float(np.abs(scatter[:, index]).mean(axis=0).sum() / total)
            found[f"{mode}_{moment}_agreement"] = float(np.average(signs[index], weights=floor[index]))
    generator.set_weights(kept)
    return found


def _moments(batches):
    """Per-pixel mean and variance of each batch: float64 (batches, 2, pixels)."""
    flat = [batch.reshape(len(batch), -1) for batch in batches]
    return np.array([[f(batch, axis=0, dtype=float) for f in (np.mean, np.var)] for batch in flat])


class Probe(keras.callbacks.Callback):
    """Measures a GAN before the first step and after every few; the run goes on as if without it.

    Args:
        experiment: the `Experiment`; the measured batch is as large as its batches: the first
            validation images, with noise of their own.
        folder: where to keep what was seen, epoch by epoch, so that a stopped run can go on.
        every: steps between two measurements, 1 or more; a multiple of the steps that are taken together.

    Raises:
        ValueError: `every` is below 1, or no such multiple; or the run is not on digits.

    After `fit`, `rows()` gives what `measure` found, each with its `step`, and `batches()` what
    `batch_gaps` did; it is empty after a run that failed.
    """

    def __init__(self, experiment, folder, every=EVERY):
        super().__init__()
        if every < 1:
            raise ValueError(f"Every: expected 1 step or more between two measurements, found {every}.")
        if experiment.data != DEFAULT_DATA:
            raise ValueError(f"Probe: expected runs on {DEFAULT_DATA}, found {experiment.name}.")
        if every % experiment.steps_per_execution:
            raise ValueError(f"Every: expected a multiple of {experiment.steps_per_execution} steps, found {every}.")
        self.experiment, self.folder, self.every = experiment, Path(folder), every
        self.images = data.load_mnist().validation_images[: experiment.batch_size]
        self.latents = data.draw_latents(experiment.batch_size, data.PROBED_LATENTS)
        self.folder.mkdir(parents=True, exist_ok=True)

    def on_epoch_begin(self, epoch, logs=None):
        """Start an epoch's rows; before the first one measure the untrained GAN."""
        self._rows, self._start = [], epoch * self.experiment.steps_per_epoch
        if epoch == 0:
            self._measure(0)

    def on_train_batch_end(self, batch, logs=None):
        """Measure at every so many steps."""
        steps = self._start + batch + 1
        if steps % self.every == 0:
            self._measure(steps)

    def on_epoch_end(self, epoch, logs=None):
        """Keep the epoch's rows; after the last one also what the generator's batches are like."""
        if epoch + 1 == self.experiment.epochs and not self.model.stop_training:
            # Before the run writes this epoch down: stopped after that, it would not train again.
            found = batch_gaps(self.model.generator, data.load_mnist().train_images, len(self.images))
            self._keep("batches.json", found if all(map(math.isfinite, found.values())) else {})
        self._keep(f"epoch-{epoch + 1:05d}.json", self._rows)

    def rows(self):
        """All rows that were measured, in order."""
        paths = sorted(self.folder.glob("epoch-*.json"))
        return [row for path in paths for row in json.loads(path.read_text(encoding="utf-8"))]

    def batches(self):
        """What was found at the end of the training; empty if it failed."""
        path = self.folder / "batches.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    def _measure(self, steps):
        self._rows.append({"step": steps, **measure(self.model, self.images, self.latents)})

    def _keep(self, name, values):
        draft = self.folder / f".{name}"
        draft.write_text(json.dumps(values), encoding="utf-8")
        os.replace(draft, self.folder / name)


def record(experiment, results=RECORDED, every=EVERY):
    """Train an experiment with a probe in it and write what the probe saw, if it is not there yet.

    Stopped at any time, the same call goes on after the last whole epoch.

    Args:
        experiment: the `Experiment`; its own record is not kept.
        results: folder of records; the probe's go to its folder gradients/<profile>.
        every: steps between two measurements.

    Returns:
        The folder written, there whole or not at all.

    Raises:
        OSError: the results folder cannot be written, or its disk is full.
        ValueError: `every` is below 1, or the unfinished run began on another machine.
    """
    folder = Path(results) / "gradients" / experiment.profile / experiment.name
    if folder.exists():
        return folder
    files.check_writable(folder.parent)
    with files.only_writer(folder):
        if folder.exists():
            return folder
        files.remove_drafts(folder)
        scratch = folder.with_name(f".partial-{experiment.name}-{experiment.digest}-every{every}")
        probe = Probe(experiment, scratch / "seen", every)
        run = training.run(experiment, scratch, [probe], verbose=0)
        _write(folder, experiment, run, probe)
        shutil.rmtree(scratch)
    return folder


def _write(folder, experiment, run, probe):
    header = {
        "schema_version": SCHEMA_VERSION,
        **{key: getattr(run, key) for key in KEYS if key != "batches"},
        "batches": probe.batches(),
    }
    labels = {**catalogue.labels(experiment), "seed": experiment.seed}
    table = pd.DataFrame([{**labels, **row} for row in probe.rows()])[list(COLUMNS)]
    with files.placing(folder) as draft:
        text = json.dumps(header, indent=2, ensure_ascii=False, allow_nan=False)
        (draft / "run.json").write_text(text + "\n", encoding="utf-8", newline="\n")
        table.to_csv(draft / "gradients.csv", index=False, float_format="%.6g", lineterminator="\n")
