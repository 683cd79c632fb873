"""One run of the study: a frozen description of all that its outcome depends on. Imports no TensorFlow."""

import dataclasses
from dataclasses import dataclass
import hashlib
import json
import math
import numbers
from pathlib import Path
import reprlib

from study.settings import LEARNING_RATES, MOMENT_WEIGHT, PROFILES, check_profile, current_profile

TRAIN_IMAGES, TEST_IMAGES = 55_000, 10_000
FEWEST_JUDGED = 20
MOST_SEED = 2**32 - 1  # what NumPy's, Python's and Keras' generators all take
FLOAT32 = (1.2e-38, 3.4e38)  # what a float32 tells from zero and from infinity

# What the generator may pay for; `penalties.build` makes them.
DEFAULT_PENALTY = "moments"
PENALTIES = (
    *("moments", "mean", "variance", "early", "late", "rescaled", "debiased"),
    *("placebo", "dataset", "averaged", "features"),
)


@dataclass(frozen=True)
class Experiment:
    """One training run, described by all that its outcome depends on, the machine aside.

    Args:
        learning_rate: float > 0, of both networks.
        moment_weight: float >= 0, the weight of the moment gaps; 0 is the plain arm.
        seed: integer from 0 to 2**32 - 1; weights, data order, noise and dropout derive from it,
            so the two arms of a pair share all of them.
        profile: label of the sizes below, and the folder that the record goes to.
        epochs: passes over the training images, >= 1.
        batch_size: images a step, 2 to `train_images`.
        train_images: how many training images to use, the first ones.
        judged_images: how many images to generate for the metrics after each epoch.
        frames_per_epoch: how many sample grids to keep an epoch.
        frame_images: how many images to judge at each frame, for curves finer than an epoch, 2 or
            more; 0 judges none.
        penalty: a name from `PENALTIES`, what the weight is the weight of; the plain arm
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
    train_images: int = TRAIN_IMAGES
    judged_images: int = TEST_IMAGES
    frames_per_epoch: int = 1
    frame_images: int = 0
    penalty: str = DEFAULT_PENALTY

    def __post_init__(self):
        rate = _float(self.learning_rate, "Learning rate", "a number above 0 that float32 can hold")
        weight = self.moment_weight
        if not _is_zero(weight):
            weight = _float(weight, "Moment weight", "0, or a number above 0 that float32 can hold")
        images, judged = self.train_images, self.judged_images
        found = {
            "learning_rate": rate,
            "moment_weight": float(weight) + 0.0,  # -0.0 is 0, in name and digest too
            "seed": _count(self, "seed", 0, MOST_SEED),
            "epochs": _count(self, "epochs", 1),
            "train_images": _count(self, "train_images", 2, TRAIN_IMAGES, " (the images there are)"),
            "batch_size": _count(self, "batch_size", 2, images, " (one image has no variance; there are no more)"),
            "judged_images": _count(self, "judged_images", FEWEST_JUDGED, TEST_IMAGES, " (the test images there are)"),
        }
        for name, value in found.items():
            object.__setattr__(self, name, value)  # the way to normalise a field of a frozen dataclass
        frames = _count(self, "frames_per_epoch", 1, self.steps_per_epoch, " (the steps of an epoch)")
        shown = _count(self, "frame_images", 0, judged, " (the images judged after an epoch)")
        if shown == 1:
            raise _unexpected("Frame images", "0, or 2 and more (a distance needs a variance)", 1)
        object.__setattr__(self, "frames_per_epoch", frames)
        object.__setattr__(self, "frame_images", shown)
        check_profile(self.profile)
        self._check_penalty()

    def _check_penalty(self):
        if self.penalty not in PENALTIES:
            raise _unexpected("Penalty", f"one of {', '.join(PENALTIES)}", self.penalty)
        if self.penalty != DEFAULT_PENALTY and not self.moment_weight:
            expected = f"{DEFAULT_PENALTY} with a moment weight of 0 (the plain arm, under one name)"
            raise _unexpected("Penalty", expected, self.penalty)
        if self.penalty == "debiased" and self.batch_size < 4:
            raise _unexpected("Batch size", "4 or more for the debiased penalty", self.batch_size)

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
                f"Settings: expected {', '.join(fields)}, found {', '.join(map(str, config))}. "
                "Mend it with the version of the code that recorded them."
            )
        return cls(**config)

    @classmethod
    def of_test(cls, test, moments, seed=0, profile=None, penalty=DEFAULT_PENALTY, moment_weight=MOMENT_WEIGHT):
        """The experiment of test 1, 2 or 3, with or without moments, in a profile.

        Args:
            test: 1, 2 or 3, for learning rates 0.01, 0.001 and 0.0001.
            moments: True for the stabilised arm, False for the plain one.
            seed: integer >= 0.
            profile: a name from `settings.PROFILES`; without one, the profile in force.
            penalty: a name from `PENALTIES`.
            moment_weight: float > 0, of the stabilised arm; the study's is 0.1.

        Raises:
            ValueError: there is no such test, profile or penalty.
        """
        if test not in LEARNING_RATES:
            raise _unexpected("Test", "1, 2 or 3", test)
        profile = check_profile(profile) if profile else current_profile()
        weight = moment_weight if moments else 0.0
        return cls(LEARNING_RATES[test], weight, seed, profile, **PROFILES[profile], penalty=penalty)

    @property
    def name(self):
        """Name of the run's folder, from what tells runs of one profile apart."""
        suffix = "" if self.penalty == DEFAULT_PENALTY else f"-{self.penalty}"
        return f"lr{self.learning_rate:g}-moments{self.moment_weight:g}-seed{self.seed}{suffix}"

    @property
    def test(self):
        """Number of the study's test that has this learning rate; 0 if none has."""
        return {rate: test for test, rate in LEARNING_RATES.items()}.get(self.learning_rate, 0)

    @property
    def arm(self):
        """The name of the penalty; plain without moments."""
        return self.penalty if self.moment_weight > 0 else "plain"

    @property
    def steps_per_epoch(self):
        """Updates of each network in one epoch."""
        return self.train_images // self.batch_size

    @property
    def frame_steps(self):
        """Steps of an epoch, counted from 1, after which a frame is kept; the last is the epoch's last."""
        every = self.steps_per_epoch / self.frames_per_epoch
        return [round(every * k) for k in range(1, self.frames_per_epoch + 1)]

    @property
    def digest(self):
        """Short hash of all settings: an unfinished run with others is another run."""
        settings = json.dumps(dataclasses.asdict(self), sort_keys=True)
        return hashlib.sha256(settings.encode()).hexdigest()[:8]

    def folder(self, results):
        """Where the run's record stands, or will stand, below a folder of records."""
        return Path(results) / self.profile / self.name


def _is_number(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _is_zero(value):
    return _is_number(value) and value == 0


def _float(value, title, expected):
    """Return `value` as a float if it is a positive number that float32 can hold."""
    if not _is_number(value) or not FLOAT32[0] <= value <= FLOAT32[1]:
        raise _unexpected(title, expected, value)
    return float(value)


def _count(experiment, name, low, high=None, why=""):
    """One whole number of an experiment as an `int`, which JSON and seeds need."""
    value = getattr(experiment, name)
    expected = f"an integer from {low} to {high}{why}" if high else f"an integer, {low} or more"
    whole = _is_number(value) and (
        isinstance(value, numbers.Integral) or (math.isfinite(value) and value == int(value))
    )
    if not whole or value < low or (high is not None and value > high):
        raise _unexpected(name.replace("_", " ").capitalize(), expected, value)
    return int(value)


def _unexpected(name, expected, found):
    return ValueError(f"{name}: expected {expected}, found {reprlib.repr(found)}.")
