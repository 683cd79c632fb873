"""Each check of an exercise says what is wrong with typical wrong answers, and lets a stub pass by."""

import functools
import importlib
from pathlib import Path

from helpers import checks
from helpers.checks.exercise import NOT_ATTEMPTED, Wrong, exercise, expect, is_stub
import numpy as np
import pytest

FOLDER = Path(__file__).parent
# Of each check the wrong answers, with what the message must say: WRONG in the files beside this one.
WRONG = {}
RIGHT = {}  # right answers in another style: lists, generators, arrays, arguments changed in place
for path in sorted(FOLDER.glob("wrong_*.py")):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    WRONG |= module.WRONG
    RIGHT |= getattr(module, "RIGHT", {})
CHECKS = [name for name, value in vars(checks).items() if hasattr(value, "__wrapped__")]


def test_each_check_is_tried_on_two_typical_wrong_answers_or_more():
    assert {name: len(WRONG.get(name, [])) >= 2 for name in CHECKS} == dict.fromkeys(CHECKS, True)
    assert set(WRONG) == set(CHECKS)


@pytest.mark.parametrize(("name", "index"), [(name, i) for name, answers in WRONG.items() for i in range(len(answers))])
def test_a_wrong_answer_is_told_why(name, index):
    answer, told = WRONG[name][index]
    with pytest.raises(Wrong) as caught:
        getattr(checks, name)(answer)
    message = str(caught.value)
    assert "Hint: " in message and told in message


@pytest.mark.parametrize(("name", "index"), [(name, i) for name, answers in RIGHT.items() for i in range(len(answers))])
def test_a_right_answer_may_have_another_style(name, index, capsys):
    getattr(checks, name)(RIGHT[name][index])
    assert capsys.readouterr().out == "passed\n"


class Thing:
    """Can be called, but returns no numbers."""

    def __init__(self, *arguments): ...


ODD = (
    *(None, 3.0, "f", Thing, functools.partial(np.sum, axis=0), max, np.add, lambda: 1, lambda *, x: x),
    *(lambda *x: np.nan, lambda *x: np.inf, lambda *x: 1 + 2j, lambda *x: "2.0", lambda *x: {}, lambda *x: Thing()),
    *(lambda *x: x, lambda *x: iter(x), lambda *x: [1, [2, 3]], lambda *x: np.array([]), lambda *x: x[9]),
)


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.filterwarnings("ignore")
def test_what_is_no_answer_at_all_gets_a_message(name):
    for odd in ODD:
        with pytest.raises(Wrong, match="expected|found|raised"):
            getattr(checks, name)(odd)


def stub(images, labels):
    """What a reader finds."""
    ...


def passes(images):
    pass


def described(images):
    """Twice the images."""


def constant(images):
    return 3


def doubles(images):
    return 2 * images


@pytest.mark.parametrize("name", CHECKS)
def test_a_stub_is_not_attempted(name, capsys):
    getattr(checks, name)(stub)
    assert capsys.readouterr().out.strip() == NOT_ATTEMPTED


def test_what_a_stub_is():
    assert [is_stub(f) for f in (stub, passes, described, constant, doubles)] == [True] * 3 + [False] * 2


@exercise
def double(function):
    expect(function(np.ones((2, 2))), 2 * np.ones((2, 2)), "twice a matrix of ones", "multiply each element")


def test_the_three_answers(capsys):
    double(passes)
    double(doubles)
    assert capsys.readouterr().out.split("\n") == [NOT_ATTEMPTED, "passed", ""]
    for wrong, told in {
        (lambda x: x): "twice a matrix of ones: expected .*2.*found .*1.*Hint: multiply each element",
        (lambda x: 2.0): r"expected the shape \(2, 2\), found the shape \(\)",
        (lambda x: print(end="")): "returned nothing. Does it always end with `return`",
        (lambda x: (x, x)): "shape",
        (lambda x: "two"): "expected real numbers, found str",
        (lambda x: 2j * x): "expected real numbers, found complex ones. Hint: take .real",
        (lambda x, y: x): "expected a function of 1 argument; yours cannot take them: missing .*'y'",
        (lambda x: x[5]): "raised IndexError: .*, at `.*Hint: multiply each element",
        2.0: r"expected a function, found float. Hint: give the function itself.*: checks.double\(double\)",
    }.items():
        with pytest.raises(Wrong, match=told):
            double(wrong)
    with pytest.raises(Wrong, match="expected 2 values, found float 1"):
        expect(1.0, (1.0, 2.0), "a pair", "return both")
    expect([1.0, np.float32(2)], (1.0, 2.0), "a pair", "return both")
    expect("fell", "fell", "a word", "one of three")
    expect((1.0, 2.0), (..., 2.0), "a pair", "the second counts")


def test_a_notebook_shows_the_message_alone():
    with pytest.raises(Wrong) as caught:
        double(doubles(2))
    assert caught.value._render_traceback_() == [f"Not right yet: {caught.value}"]
