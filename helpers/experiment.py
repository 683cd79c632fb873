"""One run of the study: a frozen description that becomes one record on disk."""

import dataclasses
import datetime
import functools
import hashlib
import importlib.metadata
import math
import os
import platform
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from helpers import data, metrics, models, penalties, records
from helpers.gan import GAN, RescaledGAN, build_optimizer

ROOT = Path(__file__).resolve().parent.parent
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


def current_profile():
    """Name of the profile in force: STUDY_PROFILE, else "full" with a GPU and "lesson" without.

    Raises:
        ValueError: STUDY_PROFILE names no profile.
    """
    default = "full" if tf.config.list_physical_devices("GPU") else "lesson"
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
        """Return the untrained `GAN`, its weights drawn from the seed."""
        keras.utils.set_random_seed(self.seed)
        generator, discriminator = models.build_generator(), models.build_discriminator()
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
    """Keeps what a run's record is made of: one folder an epoch, whole or absent.

    Each epoch's folder holds its log and the weights after it (optimizers included); the
    weights of earlier epochs are dropped. Keras' own BackupAndRestore writes weights and epoch
    number in two steps, between which a kill would make a resumed run repeat an epoch.
    """

    def __init__(self, experiment, folder):
        super().__init__()
        self.experiment, self.folder = experiment, folder
        self.failed = ""
        provenance()  # as it is now, should the code change while this runs
        self._started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self._judged_latents = data.draw_latents(experiment.judged_images, data.JUDGED_LATENTS, experiment.seed)
        every = experiment.steps_per_epoch / experiment.frames_per_epoch
        self._frame_at = {round(every * k) for k in range(1, experiment.frames_per_epoch + 1)}

    def resume(self, gan):
        """Load the last finished epoch into `gan`; return the number of the next one."""
        done = _epoch_folders(self.folder)
        if not done:
            return 0
        self.failed = _read_json(done[-1] / "row.json").get("failed", "")
        if not self.failed:
            gan.load_weights(done[-1] / "gan.weights.h5")
        return len(done)

    def on_epoch_begin(self, epoch, logs=None):
        """Start an epoch's log, and give dropout the noise of (seed, epoch)."""
        self._clock = time.perf_counter()
        self._steps = {name: [] for name in records.STEP_NAMES}
        self._frames, self._frame_rows = [], []
        if epoch == 0:
            self._keep_frame(0)
        seed = np.random.SeedSequence((data.DROPOUT, self.experiment.seed, epoch)).generate_state(1)
        state = self.model.discriminator.get_layer("dropout").seed_generator.state
        state.assign(np.array([seed[0], 0], dtype=np.uint32))
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        """Log one step; stop at a loss that is not finite."""
        for name in records.STEP_NAMES:
            self._steps[name].append(float(logs[name]))
        bad = [name for name in records.STEP_NAMES if not math.isfinite(self._steps[name][-1])]
        step = self._epoch * self.experiment.steps_per_epoch + batch + 1
        if bad:
            self.failed = f"{bad[0]} was {self._steps[bad[0]][-1]} at step {step}"
            self.model.stop_training = True
        elif batch + 1 in self._frame_at:
            self._keep_frame(step)

    def on_epoch_end(self, epoch, logs=None):
        """Judge the generator and write the epoch's folder."""
        row = {"epoch": epoch + 1, "seconds": time.perf_counter() - self._clock}
        row |= {name: self._steps[name][-1] for name in records.STEP_NAMES}
        images = self._generate(self._judged_latents, (epoch + 1) * self.experiment.steps_per_epoch)
        if not self.failed:
            row |= {**metrics.judge(images), metrics.RATIO: metrics.variance_ratio(images)}
        row["total_seconds"] = time.perf_counter() - self._clock
        with records.replacing(self.folder / f"epoch-{epoch + 1:03d}") as draft:
            text = pd.Series({**row, "failed": self.failed}).to_json(double_precision=15)
            (draft / "row.json").write_text(text)
            steps = {name: records.compact(values) for name, values in self._steps.items()}
            np.savez(draft / "steps.npz", **steps)
            shape = (len(self._frames), len(data.fixed_latents()), 28, 28)
            np.savez(draft / "samples.npz", images=np.array(self._frames, np.uint8).reshape(shape))
            pd.DataFrame(self._frame_rows).to_json(draft / "frames.json", orient="records", double_precision=15)
            if not self.failed:
                self.model.save_weights(draft / "gan.weights.h5")
        for earlier in _epoch_folders(self.folder)[:-1]:
            (earlier / "gan.weights.h5").unlink(missing_ok=True)

    def record(self):
        """Return the record of the epochs on disk."""
        folders = _epoch_folders(self.folder)
        rows = pd.DataFrame([_read_json(folder / "row.json") for folder in folders])
        steps = [_read_arrays(folder / "steps.npz") for folder in folders]
        images = [_read_arrays(folder / "samples.npz")["images"] for folder in folders]
        frames = [pd.read_json(folder / "frames.json", orient="records") for folder in folders]
        seconds = float(rows.pop("total_seconds").sum())
        rows = rows.drop(columns="failed").reindex(columns=["epoch", "seconds", *records.STEP_NAMES, *metrics.RECORDED])
        last = rows.iloc[-1]
        return records.Record(
            name=self.experiment.name,
            config=dataclasses.asdict(self.experiment),
            status="failed" if self.failed else "finished",
            reason=self.failed,
            metrics={} if self.failed else {name: float(last[name]) for name in metrics.RECORDED},
            provenance={**provenance(), "started": self._started, "wall_seconds": round(seconds, 1)},
            epochs=rows,
            frames=pd.concat(frames, ignore_index=True).reindex(columns=self._frame_columns()),
            steps={name: np.concatenate([s[name] for s in steps]) for name in records.STEP_NAMES},
            images=np.concatenate(images),
        )

    def _frame_columns(self):
        return ["step", *(metrics.QUICK_NAMES if self.experiment.frame_images else ())]

    def _keep_frame(self, step):
        images = self._generate(data.fixed_latents(), step)
        judged = self._generate(self._judged_latents[: self.experiment.frame_images], step)
        if not self.failed:
            self._frames.append(data.unscale(images))
            self._frame_rows.append({"step": step, **(metrics.judge_quickly(judged) if len(judged) else {})})

    def _generate(self, latents, step):
        """Images of the generator as it is; if they are not finite, the run has failed."""
        if not len(latents):
            return np.empty((0, 28, 28, 1), np.float32)
        images = self.model.generator.predict(latents, batch_size=500, verbose=0)
        if not self.failed and not np.isfinite(images).all():
            self.failed = f"the generated images were not finite after step {step}"
            self.model.stop_training = True
        return images


def _epoch_folders(folder):
    return sorted(folder.glob("epoch-*"))


def _read_json(path):
    return pd.read_json(path, typ="series", convert_dates=False).to_dict()


def _read_arrays(path):
    with np.load(path, allow_pickle=False) as archive:
        return dict(archive)


@functools.cache
def provenance():
    """What a number depends on besides its experiment: versions, hardware, commit."""
    packages = ("keras", "tensorflow", "numpy", "scipy", "scikit-learn")
    gpus = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    return {
        "python": platform.python_version(),
        **{package: importlib.metadata.version(package) for package in packages},
        "backend": keras.backend.backend(),
        "system": f"{platform.system()} {platform.machine()}",
        "device": details[0].get("device_name", "GPU") if details else _processor(),
        "cores": os.cpu_count(),
        "commit": _commit(),
    }


def _processor():
    """The processor's name where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"


def _commit():
    """Commit of the code, with a + if the code differs from it; "unknown" outside a checkout."""
    git = ["git", "-C", str(ROOT)]
    try:
        commit = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run([*git, "status", "--porcelain", "helpers"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit.stdout.strip() + ("+" if changed.stdout.strip() else "")
