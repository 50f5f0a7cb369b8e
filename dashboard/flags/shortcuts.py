"""Faster closures for the operands that most rules have: a text to compare with, a list to look in (pure)."""

from collections.abc import Callable, Sequence
from typing import Any

from dashboard.flags.logic import LARGEST_TEXT, PLAIN, contains
from dashboard.flags.reading import Closure

_LIMITED = {"cat", "merge"}


def shortcut(name: str, operands: Sequence[Any], closures: Sequence[Closure], plain: Closure) -> Closure:
    """A closure that gives what the plain one gives, sooner; where there is no such form, that one."""
    if len(operands) == 2 and name == "cat" and isinstance(operands[0], str):
        return _seeded(operands[0], closures[1], plain)
    if len(operands) != 2 or name in _LIMITED:
        return plain
    (first, second), constant = closures, operands[1]
    if name in {"==", "!=", "===", "!=="} and isinstance(constant, str):
        return _compared(PLAIN[name], first, constant, equal=name.startswith("="))
    if name == "in" and isinstance(constant, list) and all(isinstance(item, str) for item in constant):
        return _among(first, constant)
    apply = PLAIN[name]
    if isinstance(constant, dict | list):
        return lambda context: apply(first(context), second(context))
    return lambda context: apply(first(context), constant)


def _seeded(seed: str, second: Closure, plain: Closure) -> Closure:
    """A text before another one, as splits are seeded."""
    longest = LARGEST_TEXT - len(seed)

    def run(context: Any) -> Any:
        value = second(context)
        return seed + value if type(value) is str and len(value) <= longest else plain(context)

    return run


def _compared(apply: Callable[..., Any], first: Closure, text: str, *, equal: bool) -> Closure:
    def run(context: Any) -> Any:
        value = first(context)
        return (value == text) is equal if type(value) is str else apply(value, text)

    return run


def _among(first: Closure, texts: Sequence[str]) -> Closure:
    known = frozenset(texts)

    def run(context: Any) -> Any:
        value = first(context)
        return value in known if type(value) is str else contains(value, texts)

    return run
