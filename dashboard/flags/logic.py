"""JsonLogic's plain operators with the coercions of its JavaScript reference (pure)."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

LARGEST_TEXT = 100_000
LARGEST_LIST = 100_000
_EXACT = 2**63


class TooLarge(ValueError):  # noqa: N818
    """A rule built something larger than a rule has use for."""


def truthy(value: Any) -> bool:
    """An empty list is false, an empty object is true, NaN is false."""
    if isinstance(value, dict):
        return True
    return bool(value) and value == value  # noqa: PLR0124 - NaN is the one that is not itself


def path_of(name: Any) -> tuple[str, ...]:
    """The steps of a dotted name; the empty name is the context itself."""
    if name is None or name == "":
        return ()
    return tuple(text_of(name).split("."))


def member(value: Any, step: str) -> Any:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and step.isascii() and step.isdigit() and len(step) < 10:
        return value[int(step)] if int(step) < len(value) else None
    return None


def lookup(context: Any, name: Any) -> Any:
    for step in path_of(name):
        context = member(context, step)
    return context


def text_of(value: Any) -> str:
    """How JavaScript writes a value into a text: 5.0 → '5', true → 'true', null → ''."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    if isinstance(value, list):
        return ",".join(map(text_of, value))
    return str(value)


def number_of(value: Any) -> float | int | None:
    """The number that a value stands for; None for those that stand for none (NaN)."""
    if value is None or isinstance(value, bool):
        return int(value or 0)
    if isinstance(value, int):
        return value if -_EXACT < value < _EXACT else _as_float(value)
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, str):
        return _parsed(value)
    if isinstance(value, list):
        return _parsed(text_of(value)) if len(value) < 2 else None
    return None


def strictly_equal(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def loosely_equal(left: Any, right: Any) -> bool:
    """JavaScript's ==: null only equals null, texts compare as texts, what is mixed compares as numbers."""
    if left is None or right is None:
        return left is right
    if type(left) is type(right):
        return bool(left == right)
    if isinstance(left, dict) or isinstance(right, dict):
        return False
    first, second = number_of(left), number_of(right)
    return first is not None and first == second


def _parsed(text: str) -> float | int | None:
    """Number("12"), Number(" 1.5 "), Number("") = 0; no underscores, no words."""
    trimmed = text.strip()
    if not trimmed:
        return 0
    if len(trimmed) > 400 or not set(trimmed) <= set("0123456789+-.eE"):
        return None
    try:
        return int(trimmed) if trimmed.lstrip("+-").isdigit() and len(trimmed) < 19 else float(trimmed)
    except ValueError:
        return None


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[..., Any]:
    """Two operands compare; three mean that the middle one lies between; texts compare as texts."""

    def holds(left: Any, right: Any) -> bool:
        if isinstance(left, str) and isinstance(right, str):
            return compare(left, right)
        first, second = number_of(left), number_of(right)
        return first is not None and second is not None and compare(first, second)

    def run(*operands: Any) -> Any:
        if not 2 <= len(operands) <= 3:
            return None
        return all(holds(left, right) for left, right in pairwise(operands))

    return run


def _numbers(operands: Sequence[Any]) -> list[Any] | None:
    """The operands as numbers; a single list of them counts as the operands."""
    found = [number_of(item) for item in operands]
    return None if not found or any(item is None for item in found) else found


def _calculated(compute: Callable[[list[Any]], Any]) -> Callable[..., Any]:
    def run(*operands: Any) -> Any:
        numbers = _numbers(operands)
        if numbers is None:
            return None
        try:
            value = compute(numbers)
        except (ArithmeticError, ValueError, IndexError):
            return None
        return value if value is None or math.isfinite(value) else None

    return run


def _divided(numbers: list[Any]) -> Any:
    value = numbers[0] / numbers[1]
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _remainder(numbers: list[Any]) -> Any:
    """With the sign of the first operand, as in JavaScript."""
    if all(isinstance(number, int) for number in numbers[:2]):
        sign = -1 if numbers[0] < 0 else 1
        return sign * (abs(numbers[0]) % abs(numbers[1]))
    return math.fmod(numbers[0], numbers[1])


def _in(needle: Any = None, haystack: Any = None, *_: Any) -> bool:
    if isinstance(haystack, str):
        return text_of(needle) in haystack if needle is not None else False
    return isinstance(haystack, list) and any(strictly_equal(needle, item) for item in haystack)


def _cat(*operands: Any) -> str:
    text = "".join(map(text_of, operands))
    if len(text) > LARGEST_TEXT:
        raise TooLarge(f"“cat” built a text of more than {LARGEST_TEXT:,} characters")
    return text


def _substr(source: Any = None, start: Any = 0, length: Any = None, *_: Any) -> Any:
    """From `start` (from the end when negative), `length` characters (or without that many at the end)."""
    text, begin, size = text_of(source), number_of(start), number_of(length)
    if begin is None or size is None or not (math.isfinite(begin) and math.isfinite(size)):
        return None
    rest = text[int(begin) :] if begin >= 0 or -begin <= len(text) else text
    return rest if length is None else rest[: int(size)]


def _merge(*operands: Any) -> list[Any]:
    merged = [item for operand in operands for item in (operand if isinstance(operand, list) else [operand])]
    if len(merged) > LARGEST_LIST:
        raise TooLarge(f"“merge” built a list of more than {LARGEST_LIST:,} items")
    return merged


def _edge(test: Callable[[str, str], bool]) -> Callable[..., Any]:
    def run(*operands: Any) -> Any:
        if len(operands) != 2 or not all(isinstance(operand, str) for operand in operands):
            return None
        return test(operands[0], operands[1])

    return run


PLAIN: dict[str, Callable[..., Any]] = {
    "==": lambda left=None, right=None, *_: loosely_equal(left, right),
    "!=": lambda left=None, right=None, *_: not loosely_equal(left, right),
    "===": lambda left=None, right=None, *_: strictly_equal(left, right),
    "!==": lambda left=None, right=None, *_: not strictly_equal(left, right),
    "<": _ordered(lambda left, right: left < right),
    "<=": _ordered(lambda left, right: left <= right),
    ">": _ordered(lambda left, right: left > right),
    ">=": _ordered(lambda left, right: left >= right),
    "!": lambda value=None, *_: not truthy(value),
    "!!": lambda value=None, *_: truthy(value),
    "+": _calculated(sum),
    "-": _calculated(lambda numbers: -numbers[0] if len(numbers) == 1 else numbers[0] - numbers[1]),
    "*": _calculated(math.prod),
    "/": _calculated(_divided),
    "%": _calculated(_remainder),
    "max": _calculated(max),
    "min": _calculated(min),
    "in": _in,
    "cat": _cat,
    "substr": _substr,
    "merge": _merge,
    "starts_with": _edge(str.startswith),
    "ends_with": _edge(str.endswith),
}
