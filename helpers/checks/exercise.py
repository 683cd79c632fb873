"""What turns a check into one with three answers: not attempted, passed, or what is wrong and a hint."""

from collections.abc import Callable
import dis
import functools
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

    @functools.wraps(check)
    def answered(function: Callable) -> None:
        if is_stub(function):
            print(NOT_ATTEMPTED)
            return
        check(function)
        print(PASSED)

    return answered


def is_stub(function: Callable) -> bool:
    """Whether a function has no body yet: `...`, `pass` or `return None`, and perhaps a docstring."""
    steps = list(dis.get_instructions(function))
    constants = [step.argval for step in steps if step.opname in ("LOAD_CONST", "RETURN_CONST")]
    return {step.opname for step in steps} <= _EMPTY and constants == [None]


def expect(found: Any, wanted: Any, case: str, hint: str, rtol: float = 1e-4, atol: float = 1e-6) -> None:
    """Compare an answer with what is right.

    Args:
        found: what the reader's function returned: a number, an array, a tensor, a tuple of them, or a text.
        wanted: what it should be.
        case: what was asked, such as "the gaps of two equal batches".
        hint: what most often goes wrong here, one sentence.
        rtol, atol: how far a number may lie off. Wide, for answers in float32 that sum in another order.

    Raises:
        Wrong: the answer has another shape or another value, or is none.
    """
    if found is None:
        raise Wrong(f"{case}: your function returned nothing. Hint: does it end with `return`?")
    if isinstance(wanted, str):
        if found != wanted:
            raise Wrong(f"{case}: expected {wanted!r}, found {found!r}. Hint: {hint}")
        return
    if isinstance(wanted, tuple):
        if not isinstance(found, (tuple, list)) or len(found) != len(wanted):
            raise Wrong(f"{case}: expected {len(wanted)} values, found {_shown(found)}. Hint: {hint}")
        for index, (one, other) in enumerate(zip(found, wanted, strict=True)):
            expect(one, other, f"{case}, value {index + 1}", hint, rtol, atol)
        return
    values, right = _numbers(found, case), np.asarray(wanted)
    if values.shape != right.shape:
        raise Wrong(f"{case}: expected the shape {right.shape}, found {values.shape}. Hint: {hint}")
    if not np.allclose(values, right, rtol, atol, equal_nan=True):
        raise Wrong(f"{case}: expected {_shown(right)}, found {_shown(values)}. Hint: {hint}")


def _numbers(found, case):
    """An answer as an array of numbers."""
    try:
        values = np.asarray(found)
        return values if values.dtype == bool else values.astype(float)
    except (TypeError, ValueError) as error:
        kind = type(found).__name__
        raise Wrong(f"{case}: expected numbers, found {kind}. Hint: return numbers or arrays.") from error


def _shown(values):
    """An answer, short enough for a message."""
    if isinstance(values, (tuple, list)):
        return repr(values)[:80]
    text = np.array2string(np.asarray(values), precision=4, threshold=8, edgeitems=2)
    return " ".join(text.split())[:80]
