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

# What is trained on: how many training images there are, how many to judge by, and the shape of one.
DEFAULT_DATA = "mnist"
DATA = {DEFAULT_DATA: (55_000, 10_000, (28, 28, 1)), "faces": (4_000, 2_000, (32, 32, 3))}
TRAIN_IMAGES, TEST_IMAGES, _ = DATA[DEFAULT_DATA]
GRID_IMAGES = 40
FEWEST_JUDGED = 20
MOST_SEED = 2**32 - 1  # what NumPy's, Python's and Keras' generators all take
FLOAT32 = (1.2e-38, 3.4e38)  # what a float32 tells from zero and from infinity

# What the generator may pay for, with the usual weight of each; `penalties.build` makes them.
DEFAULT_PENALTY = "moments"
TERMS = ("moments", "mean", "variance")
VARIANTS = (
    *(*TERMS, "early", "late", "rescaled", "debiased"),
    *("placebo", "dataset", "averaged", "features"),
)
PENALTY_WEIGHTS = {
    **dict.fromkeys(VARIANTS, MOMENT_WEIGHT),
    **{"feature-matching": 1.0, "variance-hinge": 25 / 784, "covariance": 1.0},  # as published: see `rivals`
}
PENALTIES = tuple(PENALTY_WEIGHTS)

# What may be done to the discriminator, with the usual weight of each; `networks` and `rivals` make them.
NO_REGULARIZER = "none"
REGULARIZER_WEIGHTS = {NO_REGULARIZER: 0.0, "spectral": 0.0, "r1": 10.0, "minibatch-stddev": 0.0}

# Pairs of networks; `networks.build` makes them.
DEFAULT_NETWORK = "dcgan"
NETWORKS = (
    *("dcgan", "dcgan-w2", "dcgan-w4", "dcgan-w8", "dcgan-g2", "dcgan-g4", "dcgan-g8"),
    *("dcgan-no-bn-g", "dcgan-no-bn-d", "dense-g-conv-d", "conv-g-dense-d"),
    *("dense-1", "dense-2", "dense-2-bn", "dense-4", "dense-4-bn", "dense-4-dead", "dense-4-dead-bn-dropout"),
)
BETA_1 = 0.9


@dataclass(frozen=True)
class Experiment:
    """One training run, described by all that its outcome depends on, the machine aside.

    Args:
        learning_rate: float > 0, of both networks.
        moment_weight: float >= 0, the weight of the moment gaps, or of another penalty; 0 is the plain arm.
        seed: integer from 0 to 2**32 - 1; weights, data order, noise and dropout derive from it,
            so the two arms of a pair share all of them.
        profile: label of the sizes below, and the folder that the record goes to.
        epochs: passes over the training images, >= 1.
        batch_size: images a step, 2 to `train_images`.
        train_images: how many training images to use, the first ones.
        judged_images: how many images to generate for the metrics after an epoch.
        frames_per_epoch: how many sample grids to keep an epoch; 0 keeps one alone, at the end of the run.
        frame_images: how many images to judge at each frame, for curves finer than an epoch, 2 or
            more; 0 judges none.
        penalty: a name from `PENALTIES`, what the weight is the weight of; the plain arm
            has the default.
        network: a name from `NETWORKS`, the pair that is trained.
        discriminator_rate: float > 0, if the discriminator's rate is another one.
        beta_1: float in [0, 1), of both Adams.
        variance_weight: float > 0, if the weight of the variance gap is another than that of the mean gap.
        regularizer: a name from `REGULARIZER_WEIGHTS`, what is done to the discriminator.
        regularizer_weight: float > 0, of a regularizer that has a weight; without one, the published weight.
        judged_epochs: the numbers of the epochs, counted from 1, after which images are judged, the last
            among them; None judges after each.
        steps_per_execution: steps that TensorFlow takes in one call, a divisor of an epoch's; the losses of
            the last of them are logged.
        grid_images: images of a sample grid, 1 to 40.
        data: a name from `DATA`, what is trained on: that of the profile.

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
    network: str = DEFAULT_NETWORK
    discriminator_rate: float | None = None
    beta_1: float = BETA_1
    variance_weight: float | None = None
    regularizer: str = NO_REGULARIZER
    regularizer_weight: float | None = None
    judged_epochs: tuple[int, ...] | None = None
    steps_per_execution: int = 1
    grid_images: int = GRID_IMAGES
    data: str = DEFAULT_DATA

    def __post_init__(self):
        for checks in (_data, _sizes, _looks, _choices):
            for name, value in checks(self).items():
                object.__setattr__(self, name, value)  # the way to normalise a field of a frozen dataclass

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
    def of_test(cls, test, moments, seed=0, profile=None, penalty=DEFAULT_PENALTY, moment_weight=None, **settings):
        """The experiment of test 1, 2 or 3, with or without moments, in a profile.

        Args:
            test: 1, 2 or 3, for learning rates 0.01, 0.001 and 0.0001.
            moments: True for the stabilised arm, False for the plain one.
            seed: integer >= 0.
            profile: a name from `settings.PROFILES`; without one, the profile in force.
            penalty: a name from `PENALTIES`.
            moment_weight: float > 0, of the stabilised arm; without one the usual (0.1 for moments).
            settings: other fields of an experiment, which go before the profile's.

        Raises:
            ValueError: there is no such test, profile or penalty.
        """
        if test not in LEARNING_RATES:
            raise _unexpected("Test", "1, 2 or 3", test)
        profile = check_profile(profile) if profile else current_profile()
        usual = usual_weight(penalty) if moment_weight is None else moment_weight
        chosen = {"learning_rate": LEARNING_RATES[test], **PROFILES[profile], **settings}
        return cls(moment_weight=usual if moments else 0.0, seed=seed, profile=profile, penalty=penalty, **chosen)

    @property
    def name(self):
        """Name of the run's folder, from what tells runs of one profile apart."""
        return _name(self)

    @property
    def test(self):
        """Number of the study's test that has this learning rate; 0 if none has."""
        return {rate: test for test, rate in LEARNING_RATES.items()}.get(self.learning_rate, 0)

    @property
    def arm(self):
        """What is compared: plain or the penalty, with what else is not usual, such as "plain+beta0.5"."""
        return _arm(self)

    @property
    def image_shape(self):
        """Height, width and channels of an image."""
        return DATA[self.data][2]

    @property
    def steps_per_epoch(self):
        """Updates of each network in one epoch."""
        return self.train_images // self.batch_size

    @property
    def frame_steps(self):
        """Steps of the whole run after which a frame is kept, in order; 0 is before training."""
        if not self.frames_per_epoch:
            return [self.epochs * self.steps_per_epoch]
        every = self.steps_per_epoch / self.frames_per_epoch
        within = [round(every * k) for k in range(1, self.frames_per_epoch + 1)]
        return [0, *(epoch * self.steps_per_epoch + step for epoch in range(self.epochs) for step in within)]

    def is_judged(self, epoch):
        """Whether images are judged after an epoch, counted from 1."""
        return self.judged_epochs is None or epoch in self.judged_epochs

    @property
    def digest(self):
        """Short hash of all settings: an unfinished run with others is another run."""
        default = {"data": DEFAULT_DATA}.items()  # left out: unfinished runs from before there were others go on
        settings = json.dumps(dict(dataclasses.asdict(self).items() - default), sort_keys=True)
        return hashlib.sha256(settings.encode()).hexdigest()[:8]

    def folder(self, results):
        """Where the run's record stands, or will stand, below a folder of records."""
        return Path(results) / self.profile / self.name


def usual_weight(penalty):
    """The weight that a penalty usually has: the study's 0.1, or a rival's published one; 0 for another name."""
    return PENALTY_WEIGHTS.get(penalty, 0.0)


def _name(experiment):
    """The name of `Experiment.name`."""
    network = "" if experiment.data == DEFAULT_DATA else f"{experiment.data}-"
    network += "" if experiment.network == DEFAULT_NETWORK else f"{experiment.network}-"
    apart = "" if experiment.variance_weight is None else f"-variance{experiment.variance_weight:g}"
    rate = "" if experiment.discriminator_rate is None else f"-discriminator{experiment.discriminator_rate:g}"
    momentum = "" if experiment.beta_1 == BETA_1 else f"-beta{experiment.beta_1:g}"
    penalty = "" if experiment.penalty == DEFAULT_PENALTY else f"-{experiment.penalty}"
    weight = "" if experiment.regularizer_weight is None else f"-{experiment.regularizer_weight:g}"
    regularizer = "" if experiment.regularizer == NO_REGULARIZER else f"-{experiment.regularizer}{weight}"
    start = f"{network}lr{experiment.learning_rate:g}-moments{experiment.moment_weight:g}{apart}-seed{experiment.seed}"
    return f"{start}{penalty}{rate}{momentum}{regularizer}"


def _arm(experiment):
    """The label of `Experiment.arm`."""
    weight, penalty = experiment.moment_weight, experiment.penalty
    parts = [penalty if weight else "plain"]
    if experiment.variance_weight is not None:
        parts = [f"mean({weight:.3g})", f"variance({experiment.variance_weight:.3g})"]
    elif weight and weight != usual_weight(penalty):
        parts = [f"{penalty}({weight:.3g})"]
    if experiment.discriminator_rate is not None:
        parts.append(f"rates1:{experiment.discriminator_rate / experiment.learning_rate:.3g}")
    if experiment.beta_1 != BETA_1:
        parts.append(f"beta{experiment.beta_1:g}")
    if experiment.regularizer != NO_REGULARIZER:
        usual = experiment.regularizer_weight in (None, REGULARIZER_WEIGHTS[experiment.regularizer])
        parts.append(experiment.regularizer + ("" if usual else f"({experiment.regularizer_weight:.3g})"))
    return "+".join(parts)


def _data(experiment):
    """What is trained on, which the sizes depend on."""
    _check_name(experiment, "data", tuple(DATA))
    profile = check_profile(experiment.profile)
    expected = PROFILES[profile].get("data", DEFAULT_DATA)
    if experiment.data != expected:
        raise _unexpected("Data", f"{expected} with the profile {profile}", experiment.data)
    return {}


def _check_name(experiment, field, known):
    value = getattr(experiment, field)
    if not isinstance(value, str) or value not in known:
        raise _unexpected(field.capitalize(), f"one of {', '.join(known)}", value)


def _sizes(experiment):
    """The rates, weights and sizes, as numbers of their kinds."""
    weight, images = experiment.moment_weight, experiment.train_images
    most, judged, _ = DATA[experiment.data]
    expected = "a number above 0 that float32 can hold"
    if not _is_zero(weight):
        weight = _float(weight, "Moment weight", f"0, or {expected}")
    found = {
        "learning_rate": _float(experiment.learning_rate, "Learning rate", expected),
        "moment_weight": float(weight) + 0.0,  # -0.0 is 0, in name and digest too
        "seed": _count(experiment, "seed", 0, MOST_SEED),
        "epochs": _count(experiment, "epochs", 1),
        "train_images": _count(experiment, "train_images", 2, most, " (the images there are)"),
        "batch_size": _count(experiment, "batch_size", 2, images, " (one image has no variance; there are no more)"),
        "judged_images": _count(experiment, "judged_images", FEWEST_JUDGED, judged, " (the test images there are)"),
    }
    steps = found["train_images"] // found["batch_size"]
    found["frames_per_epoch"] = _count(experiment, "frames_per_epoch", 0, steps, " (the steps of an epoch)")
    for name in ("discriminator_rate", "variance_weight", "regularizer_weight"):
        value = getattr(experiment, name)
        title = name.replace("_", " ").capitalize()
        found[name] = None if value is None else _float(value, title, f"None, or {expected}")
    if found["discriminator_rate"] == found["learning_rate"]:
        found["discriminator_rate"] = None  # one experiment, one name
    if found["variance_weight"] == found["moment_weight"]:
        found["variance_weight"] = None
    if not _is_number(experiment.beta_1) or not 0 <= experiment.beta_1 < 1:
        raise _unexpected("Beta 1", "a number from 0 to below 1", experiment.beta_1)
    return {**found, "beta_1": float(experiment.beta_1)}


def _looks(experiment):
    """When a run is looked at, and how closely."""
    steps, judged = experiment.steps_per_epoch, experiment.judged_images
    shown = _count(experiment, "frame_images", 0, judged, " (the images judged after an epoch)")
    if shown == 1:
        raise _unexpected("Frame images", "0, or 2 and more (a distance needs a variance)", 1)
    together = _count(experiment, "steps_per_execution", 1, steps, " (the steps of an epoch)")
    found = {
        "frame_images": shown,
        "grid_images": _count(experiment, "grid_images", 1, GRID_IMAGES),
        "steps_per_execution": together,
        "judged_epochs": _judged_epochs(experiment.judged_epochs, experiment.epochs),
    }
    between = [step for step in experiment.frame_steps if step % together]
    if steps % together or between:
        expected = f"a divisor of an epoch's {steps} steps, and of the steps between two frames"
        raise _unexpected("Steps per execution", expected, together)
    return found


def _judged_epochs(epochs, last):
    if epochs is None:
        return None
    expected = f"None, or numbers of epochs from 1 to {last}, rising, the last of them {last}"
    if not isinstance(epochs, (tuple, list)) or not all(_is_whole(epoch) for epoch in epochs):
        raise _unexpected("Judged epochs", expected, epochs)
    whole = tuple(map(int, epochs))
    if list(whole) != sorted(set(whole)) or not whole or whole[0] < 1 or whole[-1] != last:
        raise _unexpected("Judged epochs", expected, epochs)
    return whole


def _choices(experiment):
    """The names that an experiment is chosen by, and what does not go together."""
    for name, known in {"penalty": PENALTIES, "network": NETWORKS, "regularizer": tuple(REGULARIZER_WEIGHTS)}.items():
        _check_name(experiment, name, known)
    penalty, plain = experiment.penalty, not experiment.moment_weight
    if experiment.data != DEFAULT_DATA and (penalty not in TERMS or experiment.frame_images):
        expected = f"{' or '.join(TERMS)}, and no images judged at a frame, with the data {experiment.data}"
        raise _unexpected("Penalty", expected, f"{penalty}, with {experiment.frame_images} at a frame")
    if penalty != DEFAULT_PENALTY and plain:
        expected = f"{DEFAULT_PENALTY} with a moment weight of 0 (the plain arm, under one name)"
        raise _unexpected("Penalty", expected, penalty)
    if experiment.variance_weight is not None and (plain or penalty != DEFAULT_PENALTY):
        expected = f"None without the penalty {DEFAULT_PENALTY} and a weight of the mean gap (see penalty variance)"
        raise _unexpected("Variance weight", expected, experiment.variance_weight)
    if penalty == "debiased" and experiment.batch_size < 4:
        raise _unexpected("Batch size", "4 or more for the debiased penalty", experiment.batch_size)
    if experiment.regularizer == "minibatch-stddev" and experiment.batch_size % 4:
        raise _unexpected("Batch size", "a multiple of 4 for minibatch-stddev", experiment.batch_size)
    usual = REGULARIZER_WEIGHTS[experiment.regularizer]
    if experiment.regularizer_weight is not None and not usual:
        raise _unexpected("Regularizer weight", f"None for {experiment.regularizer}", experiment.regularizer_weight)
    return {"regularizer_weight": experiment.regularizer_weight or usual or None}


def _is_number(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _is_zero(value):
    return _is_number(value) and value == 0


def _is_whole(value):
    return _is_number(value) and (isinstance(value, numbers.Integral) or (math.isfinite(value) and value == int(value)))


def _float(value, title, expected):
    """Return `value` as a float if it is a positive number that float32 can hold."""
    if not _is_number(value) or not FLOAT32[0] <= value <= FLOAT32[1]:
        raise _unexpected(title, expected, value)
    return float(value)


def _count(experiment, name, low, high=None, why=""):
    """One whole number of an experiment as an `int`, which JSON and seeds need."""
    value = getattr(experiment, name)
    expected = f"an integer from {low} to {high}{why}" if high else f"an integer, {low} or more"
    if not _is_whole(value) or value < low or (high is not None and value > high):
        raise _unexpected(name.replace("_", " ").capitalize(), expected, value)
    return int(value)


def _unexpected(name, expected, found):
    return ValueError(f"{name}: expected {expected}, found {reprlib.repr(found)}.")
