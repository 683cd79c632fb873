"""Which experiments the arms, the rates and the planned sets name."""

import pytest

from study import plans
from study.experiment import Experiment
from study.settings import PROFILES


def test_experiments_come_pair_by_pair():
    planned = plans.experiments(seeds=(3, 4), profile="smoke")
    assert [(run.learning_rate, run.moment_weight, run.seed) for run in planned] == [
        (rate, weight, seed) for seed in (3, 4) for rate in (0.01, 0.001, 0.0001) for weight in (0.0, 0.1)
    ]
    assert {run.profile for run in planned} == {"smoke"}
    expected = [Experiment.of_test(2, True, 1, "lesson", moment_weight=0.3)]
    assert plans.experiments((2,), ("moments",), (1,), "lesson", moment_weight=0.3) == expected


def test_the_plain_arm_has_no_weights_and_each_penalty_its_own():
    runs = plans.at_rates(
        [0.005], ("plain", "mean", "covariance"), [1], "smoke", network="dense-2", variance_weight=None
    )
    assert [(run.moment_weight, run.arm) for run in runs] == [(0, "plain"), (0.1, "mean"), (1, "covariance")]
    (plain,) = plans.at_rates([0.005], ("plain",), [1], "smoke", moment_weight=0.3, variance_weight=0.5)
    assert (plain.moment_weight, plain.variance_weight, plain.learning_rate) == (0, None, 0.005)


NO_TESTS = [{"tests": (test,)} for test in (0, 4, "1", None)]


@pytest.mark.parametrize("wrong", [*NO_TESTS, {"arms": ("both",)}, {"seeds": (-1,)}, {"profile": "tiny"}])
def test_wrong_choices_are_named(wrong):
    with pytest.raises(ValueError, match="^(Test: expected 1, 2 or 3|(Arm|Seed|Profile): expected .*), found"):
        plans.experiments(**{"profile": "smoke", **wrong})


@pytest.mark.parametrize(
    ("weights", "fields"),
    [
        ((0, 0.1), {"penalty": "variance", "moment_weight": 0.1}),
        ((0.3, 0), {"penalty": "mean", "moment_weight": 0.3}),
        ((0.1, 0.1), {"penalty": "moments", "moment_weight": 0.1}),
        ((0.3, 0.1), {"penalty": "moments", "moment_weight": 0.3, "variance_weight": 0.1}),
    ],
)
def test_weights_apart_have_one_name(weights, fields):
    run = Experiment(0.001, seed=0, **plans.terms(*weights))
    assert {name: getattr(run, name) for name in fields} == fields
    assert ("variance0.1" in run.name) == (run.variance_weight is not None)


@pytest.mark.parametrize("name", plans.SETS)
def test_every_planned_set_has_runs_of_one_profile_with_names_of_their_own_in_pairs(name):
    plan = plans.SETS[name]
    runs = plan.experiments()
    profile = runs[0].profile
    assert plan.question.endswith(("?", ".")) and {run.profile for run in runs} == {profile}
    assert len({run.name for run in runs}) == len(runs)
    sizes = PROFILES[profile]
    assert all(getattr(run, size) == value for run in runs for size, value in sizes.items())
    assert plan.experiments([7]) == plan.make(7) and {run.seed for run in plan.make(7)} == {7}


def test_sets_hold_what_the_hypotheses_name():
    count = {name: len(plan.experiments()) for name, plan in plans.SETS.items()}
    assert count["first-post"] == 2 * 2 * 10 and count["map-dense"] == 9 * 4 * 5 and count["map-conv"] == 7 * 3 * 3
    assert count["map-dense-rivals"] == 9 * 8 * 3, "fixed before its runs: plan a further rival as a set of its own"
    assert count["terms-conv"] == 5 * 2 * 4 * 3
    assert count["optimizers"] == 3 * 2 * 2 * 5 and count["small"] == 4 * 3 * 2 * 5
    assert count["weights"] == 9 * 3 * 5  # 0.1 and 0.1 once
    arms = {run.arm for run in plans.SETS["map-dense-triple"].experiments()}
    assert arms == {"feature-matching(3)", "plain+r1(30)"}
