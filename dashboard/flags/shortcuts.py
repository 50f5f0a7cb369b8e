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
        equal, attribute = name.startswith("="), attribute_of(operands[0])
        return _compared(PLAIN[name], first, constant, attribute=attribute, equal=equal)
    if name == "in" and isinstance(constant, list) and all(isinstance(item, str) for item in constant):
        return _among(first, constant)
    apply = PLAIN[name]
    if isinstance(constant, dict | list):
        return lambda context: apply(first(context), second(context))
    return lambda context: apply(first(context), constant)


def attribute_of(rule: Any) -> str | None:
    """The attribute of the context itself that {"var": …} reads; None for anything else."""
    name = rule.get("var") if isinstance(rule, dict) and len(rule) == 1 else None
    if isinstance(name, list) and len(name) == 1:
        (name,) = name
    return name if isinstance(name, str) and name and "." not in name else None


def seed_and_attribute(rule: Any) -> tuple[str, str] | None:
    """A text before an attribute, as splits are seeded."""
    parts = rule.get("cat") if isinstance(rule, dict) and len(rule) == 1 else None
    if not isinstance(parts, list) or len(parts) != 2 or not isinstance(parts[0], str):
        return None
    attribute = attribute_of(parts[1])
    return None if attribute is None else (parts[0], attribute)


def _seeded(seed: str, second: Closure, plain: Closure) -> Closure:
    """A text before another one, as splits are seeded."""
    longest = LARGEST_TEXT - len(seed)

    def run(context: Any) -> Any:
        value = second(context)
        return seed + value if type(value) is str and len(value) <= longest else plain(context)

    return run


def _compared(apply: Callable[..., Any], first: Closure, text: str, *, attribute: str | None, equal: bool) -> Closure:
    def run(context: Any) -> Any:
        value = first(context)
        return (value == text) is equal if type(value) is str else apply(value, text)

    def sooner(context: Any) -> Any:
        value = context.get(attribute) if type(context) is dict else None
        return (value == text) is equal if type(value) is str else run(context)

    return run if attribute is None else sooner


def _among(first: Closure, texts: Sequence[str]) -> Closure:
    known = frozenset(texts)

    def run(context: Any) -> Any:
        value = first(context)
        return value in known if type(value) is str else contains(value, texts)

    return run
