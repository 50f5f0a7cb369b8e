"""JsonLogic's plain operators, and those of flagd that only look at their operands (pure)."""

import math
import operator
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from dashboard.flags.coercions import compared, loosely_equal, number_of, strictly_equal, text_of, truthy
from dashboard.flags.semver import compares

LARGEST_TEXT = 100_000
LARGEST_LIST = 100_000
_EXACT = 2**63


class TooLarge(ValueError):  # noqa: N818
    """A rule built something larger than a rule has use for."""


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[..., bool]:
    """Two operands compare; three mean that the middle one lies between; one compares with nothing: false."""

    def run(*operands: Any) -> bool:
        shown = operands[:2] if len(operands) > 2 and operands[2] is None else operands[:3]
        return len(shown) > 1 and all(compared(compare, left, right) for left, right in pairwise(shown))

    return run


def _calculated(compute: Callable[[list[Any]], Any]) -> Callable[..., Any]:
    """Null when an operand stands for no number, or when the result is none."""

    def run(*operands: Any) -> Any:
        numbers = [number_of(item) for item in operands]
        if not numbers or any(number is None for number in numbers):
            return None
        try:
            value = compute(numbers)
            exact = isinstance(value, int) and -_EXACT < value < _EXACT
            return value if exact else _finite(float(value))
        except (ArithmeticError, ValueError, IndexError):
            return None

    return run


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _divided(numbers: list[Any]) -> Any:
    value = numbers[0] / numbers[1]
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _remainder(numbers: list[Any]) -> Any:
    """With the sign of the first operand, as in JavaScript."""
    if all(isinstance(number, int) for number in numbers[:2]):
        sign = -1 if numbers[0] < 0 else 1
        return sign * (abs(numbers[0]) % abs(numbers[1]))
    return math.fmod(numbers[0], numbers[1])


def contains(needle: Any = None, haystack: Any = None, *_: Any) -> bool:
    """Whether a text or a list holds it; nothing holds null as a text."""
    if isinstance(haystack, str):
        return text_of(needle) in haystack if needle is not None else False
    return isinstance(haystack, list) and any(strictly_equal(needle, item) for item in haystack)


def _cat(*operands: Any) -> str:
    text = "".join(map(text_of, operands))
    if len(text) > LARGEST_TEXT:
        raise TooLarge(f"“cat” built a text of more than {LARGEST_TEXT:,} characters")
    return text


def _substr(source: Any = None, start: Any = 0, length: Any = None, *_: Any) -> str:
    """From `start` (from the end when negative), `length` characters (or without that many at the end).

    What is no number counts as 0, as in JavaScript.
    """
    text, begin = text_of(source), _position(start)
    rest = text[begin:] if begin >= 0 or -begin <= len(text) else text
    return rest if length is None else rest[: _position(length)]


def _position(value: Any) -> int:
    number = number_of(value) or 0
    return int(max(-LARGEST_TEXT * 10, min(number, LARGEST_TEXT * 10)))


def _merge(*operands: Any) -> list[Any]:
    merged = [item for operand in operands for item in (operand if isinstance(operand, list) else [operand])]
    if len(merged) > LARGEST_LIST:
        raise TooLarge(f"“merge” built a list of more than {LARGEST_LIST:,} items")
    return merged


def _edge(test: Callable[[str, str], bool]) -> Callable[..., Any]:
    def run(*operands: Any) -> Any:
        if len(operands) != 2:
            return None
        text, edge = operands
        return test(text, edge) if isinstance(text, str) and isinstance(edge, str) else None

    return run


def _difference(numbers: Sequence[Any]) -> Any:
    return -numbers[0] if len(numbers) == 1 else numbers[0] - numbers[1]


PLAIN: dict[str, Callable[..., Any]] = {
    "==": lambda left=None, right=None, *_: loosely_equal(left, right),
    "!=": lambda left=None, right=None, *_: not loosely_equal(left, right),
    "===": lambda left=None, right=None, *_: strictly_equal(left, right),
    "!==": lambda left=None, right=None, *_: not strictly_equal(left, right),
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
    "!": lambda value=None, *_: not truthy(value),
    "!!": lambda value=None, *_: truthy(value),
    "+": _calculated(sum),
    "-": _calculated(_difference),
    "*": _calculated(math.prod),
    "/": _calculated(_divided),
    "%": _calculated(_remainder),
    "max": _calculated(max),
    "min": _calculated(min),
    "in": contains,
    "cat": _cat,
    "substr": _substr,
    "merge": _merge,
    "starts_with": _edge(str.startswith),
    "ends_with": _edge(str.endswith),
    "sem_ver": lambda *operands: compares(*operands) if len(operands) == 3 else None,
}
