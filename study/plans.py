"""Which runs answer which question: named sets of experiments, each written down before its runs. No NumPy.

docs/hypotheses.md says what each set is to decide, and by which rule.
"""

from collections.abc import Callable
from dataclasses import dataclass

from study.experiment import DEFAULT_PENALTY, PENALTIES, PENALTY_WEIGHTS, REGULARIZER_WEIGHTS, Experiment
from study.settings import LEARNING_RATES, MOMENT_WEIGHT

ARMS = {"plain": False, "moments": True}
TERMS = ("plain", "moments", "mean", "variance")

DENSE_RATES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
CONV_RATES = DENSE_RATES[1:-1]
WEIGHTS = (0.01, 0.03, 0.1, 0.3, 1.0)
TIME_SCALES = 4  # the discriminator's rate over the generator's, as in self-attention GANs (Zhang et al., 2019)

# Rivals of the moments; two more are a beta_1 of 0.5 (Radford et al., 2016) and two time scales.
# The maps' runs were fixed with these: plan a further rival as a set of its own.
RIVAL_PENALTIES = ("feature-matching", "variance-hinge", "covariance")
RIVAL_REGULARIZERS = ("spectral", "r1", "minibatch-stddev")

ABLATIONS = (
    (3, ("mean", "variance", "early", "late", "placebo", "rescaled")),
    (2, ("mean", "variance")),
    (1, ("mean", "variance")),
)
BETTER = (
    (3, ("debiased", "dataset", "averaged", "features")),
    (2, ("debiased", "dataset", "averaged", "features")),
    (3, ("moments",)),
    (2, ("moments",)),
)


def experiments(tests=(1, 2, 3), arms=tuple(ARMS), seeds=(0,), profile=None, **settings):
    """The experiments of a study, pair by pair.

    Args:
        tests: numbers out of 1, 2, 3, for learning rates 0.01, 0.001 and 0.0001.
        arms: names out of "plain", "moments"; or penalties from `experiment.PENALTIES`.
        seeds: integers >= 0, each shared by the arms of a pair.
        profile: a name from `PROFILES`; without one, the profile in force.
        settings: other fields of an `Experiment`; weights are those of the stabilised arm.

    Returns:
        A list of `Experiment`, seed by seed, both arms of a pair side by side.

    Raises:
        ValueError: there is no such test, arm or profile, or a setting is wrong.
    """
    unknown = set(tests) - set(LEARNING_RATES)
    if unknown:
        raise ValueError(f"Test: expected 1, 2 or 3, found {sorted(unknown)}.")
    return at_rates([LEARNING_RATES[test] for test in tests], arms, seeds, profile, **settings)


def at_rates(rates, arms=tuple(ARMS), seeds=(0,), profile=None, **settings):
    """`experiments` at any learning rates."""
    return [_run(rate, arm, seed, profile, **settings) for seed in seeds for rate in rates for arm in arms]


def _run(rate, arm, seed, profile, moment_weight=None, variance_weight=None, **settings):
    """An experiment at a rate; an arm is "plain", or what is paid for."""
    if arm not in ("plain", *PENALTIES):
        raise ValueError(f"Arm: expected plain or one of {', '.join(PENALTIES)}, found {arm!r}.")
    settings["learning_rate"] = rate
    if arm == "plain":
        return Experiment.of_test(1, False, seed, profile, **settings)
    weights = {"moment_weight": moment_weight, "variance_weight": variance_weight}
    return Experiment.of_test(1, True, seed, profile, arm, **weights, **settings)


def terms(mean_weight, variance_weight):
    """The fields of an `Experiment` that say how much each moment gap weighs: one experiment, one name.

    Args:
        mean_weight, variance_weight: floats >= 0.

    Returns:
        A dict with `penalty`, `moment_weight` and, where both weigh and differ, `variance_weight`.
    """
    if not mean_weight and variance_weight:
        return {"penalty": "variance", "moment_weight": variance_weight}
    if mean_weight and not variance_weight:
        return {"penalty": "mean", "moment_weight": mean_weight}
    return {"penalty": DEFAULT_PENALTY, "moment_weight": mean_weight, "variance_weight": variance_weight or None}


@dataclass(frozen=True)
class Plan:
    """A question, and the runs that answer it.

    `question` in words; `seeds` that were planned; `make`, from a seed to its experiments.
    """

    question: str
    seeds: tuple[int, ...]
    make: Callable[[int], list[Experiment]]

    def experiments(self, seeds=None):
        """All experiments, seed by seed; of the planned seeds, or of those given."""
        return [run for seed in (self.seeds if seeds is None else seeds) for run in self.make(seed)]


def _runs(profile, networks, rates, arms, **settings):
    """From a seed to the runs of every network, at every rate, in every arm."""

    def make(seed):
        return [
            run for network in networks for run in at_rates(rates, arms, [seed], profile, network=network, **settings)
        ]

    return make


def _variants(choice):
    """From a seed to one-epoch runs of penalties; `choice` has pairs of a test and its penalties."""
    return lambda seed: [run for test, names in choice for run in experiments([test], names, [seed], "ablation")]


def _first_post(arms):
    """From a seed to 100 epochs at Adam's default rate of networks of the first post, each with its arms."""
    return lambda seed: [
        run
        for network, names in arms.items()
        for run in at_rates([0.001], names, [seed], "first-post", network=network)
    ]


def _other_optimizers(rate, arms, seed, profile, network):
    """A lower beta_1, and a discriminator that moves faster."""
    settings = {"beta_1": 0.5}, {"discriminator_rate": TIME_SCALES * rate}
    return [run for setting in settings for run in at_rates([rate], arms, [seed], profile, network=network, **setting)]


def _rival_map(seed):
    """Every rival at its published strength."""
    place = {"seeds": [seed], "profile": "map-dense", "network": "dense-2"}
    runs = at_rates(DENSE_RATES, RIVAL_PENALTIES, **place)
    runs += [run for name in RIVAL_REGULARIZERS for run in at_rates(DENSE_RATES, ["plain"], regularizer=name, **place)]
    return runs + [
        run for rate in DENSE_RATES for run in _other_optimizers(rate, ["plain"], seed, "map-dense", "dense-2")
    ]


def _rivals_at(strength):
    """From a seed to R1 and feature matching at so many times their published strength.

    Of the rivals that have a strength, these two have the best areas at the published one (notebook 14).
    """

    def make(seed):
        place = {"seeds": [seed], "profile": "map-dense", "network": "dense-2"}
        gamma, weight = strength * REGULARIZER_WEIGHTS["r1"], strength * PENALTY_WEIGHTS["feature-matching"]
        runs = at_rates(DENSE_RATES, ["plain"], regularizer="r1", regularizer_weight=gamma, **place)
        return runs + at_rates(DENSE_RATES, ["feature-matching"], moment_weight=weight, **place)

    return make


def _optimizers(seed):
    rates = LEARNING_RATES.values()
    return [run for rate in rates for run in _other_optimizers(rate, ARMS, seed, "optimizers", "dcgan")]


def _weights(seed):
    """One weight moves, the other stays at the study's 0.1."""
    pairs = [(weight, MOMENT_WEIGHT) for weight in WEIGHTS] + [(MOMENT_WEIGHT, weight) for weight in WEIGHTS]
    place = {"seeds": [seed], "profile": "weights", "network": "dense-2"}
    runs = []
    for pair in dict.fromkeys(pairs):
        chosen = terms(*pair)
        runs += at_rates(LEARNING_RATES.values(), [chosen.pop("penalty")], **chosen, **place)
    return runs


FIVE, TEN = tuple(range(5)), tuple(range(10))
STUDIED = tuple(LEARNING_RATES.values())
MAPPED = "At which of nine rates does a dense GAN learn"

# In order of value.
SETS = {
    "ablations": Plan("Which part of the penalty does the work in the conv pair, after one epoch?", TEN,
                      _variants(ABLATIONS)),
    "better": Plan("Does a better estimate of the moments do better, after one epoch?", TEN,
                   _variants(BETTER)),
    "full": Plan("The three tests at full length.", FIVE,
                 lambda seed: experiments(seeds=[seed], profile="full")),
    "first-post": Plan("The first post: two hidden layers, with and without batch normalisation, 100 epochs.", TEN,
                       _first_post({"dense-2": ARMS, "dense-2-bn": ARMS})),
    "first-post-others": Plan("The first post's other arms, and its comparison of four layers mended.", FIVE,
                              _first_post({"dense-1": ["plain"], "dense-4": ARMS, "dense-4-bn": ARMS,
                                           "dense-4-dead": ["moments"], "dense-4-dead-bn-dropout": ["moments"]})),
    "map-dense": Plan(f"{MAPPED}, with each term?", FIVE, _runs("map-dense", ["dense-2"], DENSE_RATES, TERMS)),
    "map-dense-rivals": Plan(f"{MAPPED}, with rivals at their published settings?", FIVE[:3], _rival_map),
    "terms-dense": Plan("Which term does the work in dense nets?", FIVE,
                        _runs("terms-dense", ("dense-2", "dense-2-bn"), (1e-4, 1e-3), TERMS)),
    "terms-conv": Plan("Which term does the work, network by network?", FIVE[:3],
                       _runs("terms-conv", ("dcgan", "dcgan-no-bn-d", "dcgan-no-bn-g", "dense-g-conv-d",
                                              "conv-g-dense-d"), (1e-4, 1e-3), TERMS)),
    "map-conv": Plan("At which of seven rates does the conv pair learn, with which term?", FIVE[:3],
                     _runs("map-conv", ["dcgan"], CONV_RATES, ("plain", "moments", "variance"))),
    "optimizers": Plan("Do a lower beta_1 or two time scales do what the moments do?", FIVE, _optimizers),
    "small": Plan("Does a smaller network do?", FIVE,
                  _runs("small", ("dcgan-w2", "dcgan-w4", "dcgan-w8", "dcgan-no-bn-g"), STUDIED, ARMS)),
    "small-generator": Plan("Does a smaller generator do, against the study's discriminator?", FIVE,
                            _runs("small", ("dcgan-g2", "dcgan-g4", "dcgan-g8"), STUDIED, ARMS)),
    "faces": Plan("Does the same loss do in colour, on drawn faces?", FIVE,
                  lambda seed: experiments(seeds=[seed], profile="faces", network="dcgan-w4")),
    "weights": Plan("How large should each weight be, in a dense net?", FIVE, _weights),
    "map-dense-third": Plan(f"{MAPPED}, with two rivals at a third of their strength?", FIVE[:3], _rivals_at(1 / 3)),
    "map-dense-triple": Plan(f"{MAPPED}, with two rivals at three times their strength?", FIVE[:3], _rivals_at(3.0)),
}  # fmt: skip
