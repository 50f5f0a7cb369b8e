"""A rule's outcomes rewritten where it gives them: a default spelled out, variants called otherwise (pure)."""

from collections.abc import Callable, Mapping
from typing import Any

from dashboard.flags.coercions import text_of
from dashboard.flags.inlining import NEVER_NULL


def spelled_out(rule: Any, default: str) -> Any:
    """The same rule that gives `default` where it gave null, without asking anything twice if that can be."""
    name, operands = _operation(rule)
    if name is None:
        return default if rule is None else rule
    if name in {"if", "?:"}:
        whole = operands if len(operands) % 2 else [*operands, None]
        return {name: _values(whole, lambda value: spelled_out(value, default))}
    if name in NEVER_NULL:
        return rule
    if name == "fractional" and (drawn := _entries(operands, lambda value: _as_name(spelled_out(value, default)))):
        return {"or": [{name: drawn}, default]}
    return {"if": [{"===": [rule, None]}, default, rule]}


def renamed(rule: Any, names: Mapping[str, str]) -> Any:
    """The same rule with variants under other names: what is → what it is called from now on."""
    name, operands = _operation(rule)
    if not names:
        return rule
    if name is None:
        return names.get(text_of(rule), rule) if isinstance(rule, str | int | float) else rule
    if name in {"if", "?:"}:
        return {name: _values(operands, lambda value: renamed(value, names))}
    if name == "fractional" and (drawn := _entries(operands, lambda value: renamed(value, names))):
        return {name: drawn}
    pairs = [part for old, new in names.items() for part in ({"in": [rule, spellings([old])]}, new)]
    return {"if": [*pairs, rule]}


def spellings(names: list[str]) -> list[Any]:
    """Every value that a rule may give to mean one of these variants: "true", true, "1", 1."""
    found: list[Any] = []
    for name in names:
        found += [name, *({"true": [True], "false": [False]}.get(name) or _numbers(name))]
    return found


def _numbers(name: str) -> list[float]:
    """The number that is written like this, if any."""
    try:
        number = float(name)
    except ValueError:
        return []
    if text_of(number) != name:
        return []
    return [int(number)] if number.is_integer() else [number]


def _operation(rule: Any) -> tuple[str | None, list[Any]]:
    if not isinstance(rule, dict) or len(rule) != 1:
        return None, []
    name, raw = next(iter(rule.items()))
    return name, raw if isinstance(raw, list) else [raw]


def _values(operands: list[Any], change: Callable[[Any], Any]) -> list[Any]:
    """Of an "if": every second operand, and the last one of an odd number."""
    last = len(operands) - 1
    return [change(item) if at % 2 or at == last else item for at, item in enumerate(operands)]


def _entries(operands: list[Any], change: Callable[[Any], Any]) -> list[Any] | None:
    """The operands of a split with its variants changed; None when they are not plain names."""
    named = operands if operands and isinstance(operands[0], list) else operands[1:]
    if not all(isinstance(entry, list) and entry and isinstance(entry[0], str | bool | None) for entry in named):
        return None
    changed = [[change(entry[0]), *entry[1:]] for entry in named]
    if not all(variant is True or (isinstance(variant, str) and variant) for variant, *_ in changed):
        return None
    return [*operands[: len(operands) - len(named)], *changed]


def _as_name(value: Any) -> Any:
    return "false" if value is False else value
