"""Faster closures for the operands that most rules have: a text to compare with, a list to look in (pure)."""

from collections.abc import Callable, Sequence
from typing import Any

from dashboard.flags.logic import PLAIN, contains
from dashboard.flags.reading import Closure

_LIMITED = {"cat", "merge"}


def shortcut(name: str, operands: Sequence[Any], closures: Sequence[Closure]) -> Closure | None:
    """A closure that gives what the plain one gives, sooner; None when there is no such form."""
    if len(operands) != 2 or name in _LIMITED:
        return None
    (first, second), constant = closures, operands[1]
    if name in {"==", "!=", "===", "!=="} and isinstance(constant, str):
        return _compared(PLAIN[name], first, constant, equal=name.startswith("="))
    if name == "in" and isinstance(constant, list) and all(isinstance(item, str) for item in constant):
        return _among(first, constant)
    apply = PLAIN[name]
    if isinstance(constant, dict | list):
        return lambda context: apply(first(context), second(context))
    return lambda context: apply(first(context), constant)


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
