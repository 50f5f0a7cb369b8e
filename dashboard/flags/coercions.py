"""What JsonLogic's values stand for: the coercions of its JavaScript reference (pure)."""

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

_EXACT = 2**63
_DECIMAL = 1e21


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
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number_text(value)
    if isinstance(value, list):
        return ",".join(map(text_of, value))
    return "[object Object]" if isinstance(value, dict) else str(value)


def number_of(value: Any) -> float | int | None:
    """The number that a value stands for; None for those that stand for none (NaN)."""
    if value is None or isinstance(value, bool):
        return int(value or 0)
    if isinstance(value, int):
        return value if -_EXACT < value < _EXACT else _as_float(value)
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, list):
        return _parsed(text_of(value))
    return _parsed(value) if isinstance(value, str) else None


def strictly_equal(left: Any, right: Any) -> bool:
    """JavaScript's ===: true is not 1, and a list or an object only equals itself."""
    if isinstance(left, bool | list | dict) or isinstance(right, bool | list | dict):
        return left is right
    return bool(left == right)


def loosely_equal(left: Any, right: Any) -> bool:
    """JavaScript's ==: null only equals null, texts compare as texts, what is mixed compares as numbers."""
    if left is None or right is None:
        return left is right
    if isinstance(left, list | dict) and isinstance(right, list | dict):
        return left is right
    return compared(lambda one, other: bool(one == other), left, right)


def compared(compare: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    """Two texts compare as texts, a list counts as its text; anything else as numbers, false when there is none."""
    first, second = _primitive(left), _primitive(right)
    if not (isinstance(first, str) and isinstance(second, str)):
        first, second = number_of(first), number_of(second)
    return first is not None and second is not None and compare(first, second)


def _primitive(value: Any) -> Any:
    return text_of(value) if isinstance(value, list | dict) else value


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


def _number_text(value: float) -> str:
    """Digits alone from 1e-6 up to 1e21, the shortest ones that stand for this number."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
    if value.is_integer() and abs(value) < _DECIMAL:
        return str(int(value))
    text = repr(value)
    mantissa, exponent, power = text.partition("e")
    if not exponent:
        return text
    if abs(value) >= 1e-6 and abs(value) < _DECIMAL:
        return format(Decimal(text), "f")
    return f"{mantissa}e{'-' if power.startswith('-') else '+'}{power.lstrip('+-0')}"


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
