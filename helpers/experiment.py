"""One run of the study: a frozen description that becomes one record on disk."""

import dataclasses
import hashlib
import math
import os
import random
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from helpers import data, journal, metrics, models, penalties, records
from helpers.machine import BACKEND, ROOT, accelerators, keep_freed_memory, provenance

RECORDED = ROOT / "results"

LEARNING_RATES = {1: 0.01, 2: 0.001, 3: 0.0001}
MOMENT_WEIGHT = 0.1

# A profile changes sizes, never code paths.
PROFILES = {
    "smoke": {"epochs": 2, "train_images": 400, "judged_images": 200, "frames_per_epoch": 2, "frame_images": 20},
    "lesson": {
        "epochs": 1,
        "train_images": 55_000,
        "judged_images": 10_000,
        "frames_per_epoch": 11,
        "frame_images": 1_000,
    },
    "full": {"epochs": 20, "train_images": 55_000, "judged_images": 10_000, "frames_per_epoch": 1, "frame_images": 0},
}
# The lesson's training under the penalty's variants: a folder of its own, and fewer frames for so many runs.
PROFILES["ablation"] = {**PROFILES["lesson"], "frames_per_epoch": 5}
# The same number of steps, 550, at smaller batches (that of 100 is the ablation).
BATCHES = {f"batch{size}": size for size in (10, 25, 50)}
PROFILES |= {
    name: {**PROFILES["ablation"], "batch_size": size, "train_images": 550 * size} for name, size in BATCHES.items()
}


def current_profile():
    """Name of the profile in force: STUDY_PROFILE, else "full" with a GPU and "lesson" without.

    Raises:
        ValueError: STUDY_PROFILE names no profile.
    """
    default = "full" if accelerators() else "lesson"
    return check_profile(os.environ.get("STUDY_PROFILE") or default)


def check_profile(name):
    """Return `name` if it is a profile.

    Raises:
        ValueError: it is not; the message lists the profiles.
    """
    if name not in PROFILES:
        raise ValueError(
            f"Profile: expected one of {', '.join(PROFILES)}, found {name!r}. "
            "Mend it with, for instance, STUDY_PROFILE=lesson."
        )
    return name


def live_results():
    """Folder for the reader's own runs: STUDY_RESULTS, else results/live (not committed)."""
    return Path(os.environ.get("STUDY_RESULTS") or RECORDED / "live").expanduser()


@dataclass(frozen=True)
class Experiment:
    """One training run, described by all that its outcome depends on.

    Args:
        learning_rate: float > 0, of both networks.
        moment_weight: float >= 0, the weight of the moment gaps; 0 is the plain arm.
        seed: integer >= 0; weights, data order, noise and dropout derive from it, so the two
            arms of a pair share all of them.
        profile: label of the sizes below, and the folder that the record goes to.
        epochs: passes over the training images, >= 1.
        batch_size: images a step, 2 to `train_images`.
        train_images: how many training images to use, the first ones.
        judged_images: how many images to generate for the metrics after each epoch.
        frames_per_epoch: how many sample grids to keep an epoch.
        frame_images: how many images to judge at each frame, for curves finer than an epoch;
            0 judges none.
        penalty: a name from `penalties.NAMES`, what the weight is the weight of; the plain arm
            has the default.

    Raises:
        ValueError: a value out of range, named with what was expected.
    """

    learning_rate: float
    moment_weight: float
    seed: int = 0
    profile: str = "full"
    epochs: int = 20
    batch_size: int = 100
    train_images: int = 55_000
    judged_images: int = 10_000
    frames_per_epoch: int = 1
    frame_images: int = 0
    penalty: str = penalties.DEFAULT

    def __post_init__(self):
        self._set("learning_rate", _number(self.learning_rate, "Learning rate", "a finite number above 0", 0, False))
        self._set("moment_weight", _number(self.moment_weight, "Moment weight", "a finite number, 0 or more", 0))
        self._set_count("seed", 0)
        self._set_count("epochs", 1)
        self._set_count("train_images", 2, data.TRAIN_IMAGES, " (the images there are)")
        self._set_count("batch_size", 2, self.train_images, " (one image has no variance; there are no more images)")
        self._set_count("judged_images", 2 * metrics.KERNEL_BLOCKS, data.TEST_IMAGES, " (the test images there are)")
        self._set_count("frames_per_epoch", 1, self.steps_per_epoch, " (the steps of an epoch)")
        self._set_count("frame_images", 0, self.judged_images, " (the images judged after an epoch)")
        check_profile(self.profile)
        self._check_penalty()

    def _check_penalty(self):
        if self.penalty not in penalties.NAMES:
            raise _unexpected("Penalty", f"one of {', '.join(penalties.NAMES)}", self.penalty)
        if self.penalty != penalties.DEFAULT and not self.moment_weight:
            expected = f"{penalties.DEFAULT} with a moment weight of 0 (the plain arm, under one name)"
            raise _unexpected("Penalty", expected, self.penalty)
        if self.penalty == "debiased" and self.batch_size < 4:
            raise _unexpected("Batch size", "4 or more for the debiased penalty", self.batch_size)

    def _set(self, name, value):
        object.__setattr__(self, name, value)  # the way to normalise a field of a frozen dataclass

    def _set_count(self, name, low, high=None, why=""):
        """Check one whole number and store it as an `int`, which JSON and seeds need."""
        value = getattr(self, name)
        expected = f"an integer from {low} to {high}{why}" if high else f"an integer, {low} or more"
        title = name.replace("_", " ").capitalize()
        number = _number(value, title, expected, low)
        if number != int(number) or (high is not None and number > high):
            raise _unexpected(title, expected, value)
        self._set(name, int(number))

    @classmethod
    def from_config(cls, config):
        """The experiment of a record's `config`; what older records do not name has its default.

        Raises:
            ValueError: a field that experiments do not have, one missing, or a value out of range.
        """
        fields = {field.name: field.default for field in dataclasses.fields(cls)}
        missing = [name for name, default in fields.items() if default is dataclasses.MISSING and name not in config]
        if missing or not set(config) <= set(fields):
            raise ValueError(
                f"Settings: expected {', '.join(fields)}, found {', '.join(config)}. "
                "Mend it with the version of the code that recorded them."
            )
        return cls(**config)

    @classmethod
    def of_test(cls, test, moments, seed=0, profile=None, penalty=penalties.DEFAULT):
        """The experiment of test 1, 2 or 3, with or without moments, in a profile.

        Args:
            test: 1, 2 or 3, for learning rates 0.01, 0.001 and 0.0001.
            moments: True for the stabilised arm (weight 0.1), False for the plain one.
            seed: integer >= 0.
            profile: a name from `PROFILES`; without one, the profile in force.
            penalty: a name from `penalties.NAMES`.

        Raises:
            ValueError: there is no such test, profile or penalty.
        """
        if test not in LEARNING_RATES:
            raise _unexpected("Test", "1, 2 or 3", test)
        profile = check_profile(profile) if profile else current_profile()
        weight = MOMENT_WEIGHT if moments else 0.0
        return cls(LEARNING_RATES[test], weight, seed, profile, **PROFILES[profile], penalty=penalty)

    @property
    def name(self):
        """Name of the run's folder, from what tells runs of one profile apart."""
        suffix = "" if self.penalty == penalties.DEFAULT else f"-{self.penalty}"
        return f"lr{self.learning_rate:g}-moments{self.moment_weight:g}-seed{self.seed}{suffix}"

    @property
    def test(self):
        """Number of the study's test that has this learning rate; 0 if none has."""
        return {rate: test for test, rate in LEARNING_RATES.items()}.get(self.learning_rate, 0)

    @property
    def arm(self):
        """The name of the penalty; plain without moments."""
        return self.penalty if self.moment_weight > 0 else "plain"

    def folder(self, results):
        """Where the run's record stands, or will stand, below a folder of records."""
        return Path(results) / self.profile / self.name

    @property
    def _digest(self):
        """Short hash of all settings: an unfinished run with others is another run."""
        # As it was before there were other penalties, so that runs begun then are taken up.
        settings = repr(self).replace(f", penalty={penalties.DEFAULT!r}", "")
        return hashlib.sha256(settings.encode()).hexdigest()[:8]

    @property
    def steps_per_epoch(self):
        """Updates of each network in one epoch."""
        return self.train_images // self.batch_size

    def build(self):
        """Return the untrained `GAN`, its weights drawn from the seed.

        Raises:
            ImportError: Keras is not on TensorFlow.
        """
        if BACKEND != "tensorflow":
            raise ImportError(
                f"A run of its own: expected Keras on TensorFlow, found it on {BACKEND}. Mend it by unsetting "
                "KERAS_BACKEND, or train many at once on JAX with: python -m helpers.study run --fleet"
            )
        from helpers.gan import GAN, RescaledGAN, build_optimizer  # TensorFlow, which a fleet does without

        seeds = random.Random(self.seed)  # its own: a cluster worker's other threads draw from the global one
        generator, discriminator = models.build_generator(seeds=seeds), models.build_discriminator(seeds)
        penalty = penalties.build(self.penalty, self.seed, discriminator, self._load_images)
        kind = RescaledGAN if self.penalty == "rescaled" else GAN
        gan = kind(generator, discriminator, self.moment_weight, penalty)
        gan.compile(
            generator_optimizer=build_optimizer(self.learning_rate),
            discriminator_optimizer=build_optimizer(self.learning_rate),
            jit_compile=False,  # XLA's convolutions are many times slower on a CPU
        )
        return gan

    def _load_images(self):
        return data.load_mnist().train_images[: self.train_images]

    def run(self, results=None, callbacks=(), verbose="auto"):
        """Train, judge and record; or return the record, if this run has one.

        A run that was stopped resumes after its last finished epoch and ends with the same bits
        as an uninterrupted one. A loss that is not finite ends it as a failed run, on record.

        Args:
            results: folder of records; without one, the reader's own (`live_results`).
            callbacks: Keras callbacks to add.
            verbose: as in `fit`: 0 is silent, 1 a progress bar.

        Returns:
            The `records.Record`.

        Raises:
            PermissionError: the results folder cannot be written.
            records.RecordError: a damaged record stands where this one would.
            ValueError: the record there belongs to an experiment with other settings.
        """
        folder = self.folder(results or live_results())
        if folder.exists():
            return self._recorded(folder)
        records.check_writable(folder.parent)
        keep_freed_memory()
        recorder = _Recorder(self, folder.with_name(f".partial-{self.name}-{self._digest}"))
        gan = self.build()
        first_epoch = recorder.resume(gan)
        if not recorder.failed:
            gan.fit(
                data.Batches(self._load_images(), self.batch_size, self.seed, first_epoch),
                initial_epoch=first_epoch,
                epochs=self.epochs,
                callbacks=[*callbacks, recorder],
                verbose=verbose,
                shuffle=False,  # `Batches` has its own order; Keras would shuffle its batches
            )
        record = recorder.record()
        records.write(folder, record)
        shutil.rmtree(recorder.folder)
        return record

    def _recorded(self, folder):
        record = records.read(folder)
        if Experiment.from_config(record.config) != self:
            raise ValueError(
                f"Record {folder}: expected the settings {dataclasses.asdict(self)}, found "
                f"{record.config}. Mend it by naming another results folder."
            )
        return record


def _number(value, name, expected, low, low_included=True):
    """Return `value` as a float if it is a finite number that is not below `low`."""
    if not isinstance(value, (int, float, np.number)) or isinstance(value, bool) or not math.isfinite(value):
        raise _unexpected(name, expected, value)
    if value < low or (value == low and not low_included):
        raise _unexpected(name, expected, value)
    return float(value)


def _unexpected(name, expected, found):
    return ValueError(f"{name}: expected {expected}, found {found!r}.")


class _Recorder(keras.callbacks.Callback):
    """Keeps a run's journal: what its record is made of, and the weights to resume from.

    Each epoch's folder holds its log and the weights after it (optimizers included); the
    weights of earlier epochs are dropped. Keras' own BackupAndRestore writes weights and epoch
    number in two steps, between which a kill would make a resumed run repeat an epoch.
    """

    def __init__(self, experiment, folder):
        super().__init__()
        self.experiment, self.folder = experiment, folder
        self.failed = ""
        provenance()  # as it is now, should the code change while this runs
        self._started = journal.now()
        self._judged_latents = journal.judged_latents(experiment)
        self._frame_at = set(journal.frame_steps(experiment))

    def resume(self, gan):
        """Load the last finished epoch into `gan`; return the number of the next one."""
        done = journal.folders(self.folder)
        if not done:
            return 0
        self.failed = journal.failure(done[-1])
        if not self.failed:
            gan.load_weights(done[-1] / "gan.weights.h5")
        return len(done)

    def on_epoch_begin(self, epoch, logs=None):
        """Start an epoch's log, and give dropout the noise of (seed, epoch)."""
        self._clock = time.perf_counter()
        self._log = journal.Epoch(self.experiment, epoch)
        if epoch == 0:
            self._keep_frame()
        dropout = self.model.discriminator.get_layer("dropout")
        dropout.seed_generator.state.assign(data.dropout_state(self.experiment.seed, epoch))

    def on_train_batch_end(self, batch, logs=None):
        """Log one step; stop at a loss that is not finite."""
        self._log.add_step(logs)
        if batch + 1 in self._frame_at and not self._log.failed:
            self._keep_frame()
        self._stop_if_failed()

    def on_epoch_end(self, epoch, logs=None):
        """Judge the generator and write the epoch's folder."""
        self._log.row["seconds"] = time.perf_counter() - self._clock
        self._log.judge(self._generate(self._judged_latents))
        self._stop_if_failed()
        with records.replacing(self.folder / f"epoch-{epoch + 1:03d}") as draft:
            self._log.write(draft, time.perf_counter() - self._clock)
            if not self.failed:
                self.model.save_weights(draft / "gan.weights.h5")
        for earlier in journal.folders(self.folder)[:-1]:
            (earlier / "gan.weights.h5").unlink(missing_ok=True)

    def record(self):
        """Return the record of the epochs on disk."""
        return journal.record(self.experiment, journal.folders(self.folder), self._started)

    def _keep_frame(self):
        judged = self._judged_latents[: self.experiment.frame_images]
        self._log.add_frame(self._generate(data.fixed_latents()), self._generate(judged))
        self._stop_if_failed()

    def _stop_if_failed(self):
        self.failed = self._log.failed
        self.model.stop_training = self.model.stop_training or bool(self.failed)

    def _generate(self, latents):
        """Images of the generator as it is."""
        if not len(latents):
            return np.empty((0, 28, 28, 1), np.float32)
        return self.model.generator.predict(latents, batch_size=500, verbose=0)
