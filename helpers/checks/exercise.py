"""What turns a check into one with three answers: not attempted, passed, or what is wrong and a hint."""

from collections.abc import Callable, Iterator
import copy
import dis
import functools
import inspect
import traceback
from typing import Any

import numpy as np

NOT_ATTEMPTED = "not attempted: write the function, then run this cell again"
PASSED = "passed"
_EMPTY = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"}


class Wrong(AssertionError):
    """An answer that is not right yet: what was asked, what was expected, what was found, and a hint."""

    def _render_traceback_(self) -> list[str]:
        """What Jupyter shows: the message alone, since the reader's own code did not fail."""
        return [f"Not right yet: {self}"]


def exercise(check: Callable[[Callable], None]) -> Callable[[Callable], None]:
    """Decorator: a function that examines a reader's function becomes a check with three answers.

    Args:
        check: calls the reader's function and raises `Wrong`, mostly by `expect`, if an answer is wrong.

    Returns:
        A function of the reader's function. It prints "not attempted" if that has no body but `...`,
        prints "passed" if `check` returns, and raises `Wrong` otherwise.
    """
    name = check.__name__

    @functools.wraps(check)
    def answered(function: Callable) -> None:
        if not callable(function):
            hint = f"give the function itself, without calling it: checks.{name}({name})"
            raise Wrong(f"expected a function, found {type(function).__name__}. Hint: {hint}")
        if is_stub(function):
            print(NOT_ATTEMPTED)
            return
        check(_called(function))
        print(PASSED)

    return answered


def is_stub(function: Callable) -> bool:
    """Whether a function has no body yet: `...`, `pass` or `return None`, and perhaps a docstring."""
    code = getattr(function, "__code__", None)
    if code is None:  # a builtin, a class, a partial
        return False
    steps = list(dis.get_instructions(code))
    constants = [step.argval for step in steps if step.opname in ("LOAD_CONST", "RETURN_CONST")]
    return {step.opname for step in steps} <= _EMPTY and constants == [None]


def expect(found: Any, wanted: Any, case: str, hint: str, rtol: float = 1e-4, atol: float = 1e-6) -> None:
    """Compare an answer with what is right.

    Args:
        found: what the reader's function returned: a number, an array, a tensor, several of them, or a text;
            or the error that it raised.
        wanted: what it should be; a tuple for several values, in which `...` stands for any.
        case: what was asked, such as "the gaps of two equal batches".
        hint: what most often goes wrong here, one sentence.
        rtol, atol: how far a number may lie off. Wide, for answers in float32 that sum in another order.

    Raises:
        Wrong: the answer has another shape or another value, is none, or is an error.
    """
    if wanted is ...:
        return
    if isinstance(found, Exception):
        raise Wrong(f"{case}: your function raised {_told(found)}. Hint: {hint}") from found
    if found is None:
        raise Wrong(f"{case}: your function returned nothing. Does it always end with `return`? Hint: {hint}")
    if isinstance(wanted, tuple):
        values = _several(found, len(wanted), case, hint)
        for index, (one, other) in enumerate(zip(values, wanted, strict=True)):
            expect(one, other, f"{case}, value {index + 1}", hint, rtol, atol)
    elif isinstance(wanted, str):
        if not isinstance(found, str) or found != wanted:
            raise Wrong(f"{case}: expected {wanted!r}, found {_shown(found)}. Hint: {hint}")
    else:
        _compare(_numbers(found, case), np.asarray(wanted), case, hint, rtol, atol)


def _called(function):
    """The reader's function, called with copies of the arguments; an error in it is its answer."""

    def call(*arguments):
        try:
            inspect.signature(function).bind(*arguments)
        except ValueError:  # a builtin does not tell its arguments
            pass
        except TypeError as error:
            asked = f"{len(arguments)} argument{'s' if len(arguments) > 1 else ''}"
            hint = "keep the first line of the exercise, `def` and what follows"
            raise Wrong(f"expected a function of {asked}; yours cannot take them: {error}. Hint: {hint}") from None
        try:
            found = function(*copy.deepcopy(arguments))
            return tuple(found) if isinstance(found, Iterator) else found
        except Exception as error:
            return error

    return call


def _told(error):
    """An error and the line of the reader's function at which it rose."""
    text = traceback.format_exception_only(error)[-1].strip().split("\n")[0][:160]
    frames = traceback.extract_tb(error.__traceback__)[1:]  # without `call`
    return f"{text}, at `{frames[0].line[:80]}`" if frames and frames[0].line else text


def _several(found, count, case, hint):
    """An answer of several values as a tuple of them."""
    try:
        values = None if isinstance(found, (str, bytes, dict, set, frozenset)) else tuple(found)
    except TypeError:  # a single number, say
        values = None
    if values is None or len(values) != count:
        kind = type(found).__name__
        raise Wrong(f"{case}: expected {count} values, found {kind} {_shown(found)}. Hint: {hint}")
    return values


def _compare(values, right, case, hint, rtol, atol):
    """Compare two arrays of numbers."""
    if values.shape != right.shape:
        shape = f"the shape {right.shape}" if right.shape else "one number"
        raise Wrong(f"{case}: expected {shape}, found the shape {values.shape}. Hint: {hint}")
    if not np.allclose(values, right, rtol, atol):
        raise Wrong(f"{case}: expected {_shown(right)}, found {_shown(values)}. Hint: {hint}")


def _numbers(found, case):
    """An answer as an array of real numbers."""
    kind = type(found).__name__
    try:
        values = np.asarray(found)
        kind = "complex ones" if np.iscomplexobj(values) else kind
        if values.dtype.kind not in "SUc":  # a text such as "2.0" is no number
            return values if values.dtype == bool else values.astype(float)
    except (TypeError, ValueError):
        pass
    hint = "take .real where eigenvalues or roots come in" if kind == "complex ones" else "return numbers or arrays"
    raise Wrong(f"{case}: expected real numbers, found {kind}. Hint: {hint}.")


def _shown(values):
    """An answer, short enough for a message."""
    if isinstance(values, (tuple, list)):
        return f"({', '.join(map(_shown, values))})"[:80]
    if not hasattr(values, "__array__") and not isinstance(values, (bool, int, float)):
        return repr(values)[:80]
    short = {"float_kind": lambda number: f"{number:.6g}"}
    text = np.array2string(np.asarray(values), threshold=8, edgeitems=2, formatter=short)
    return " ".join(text.split())[:80]
