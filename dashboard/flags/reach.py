"""Whether a flag is off, gives everybody the same, or only some people something else (pure)."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dashboard.flags.bucketing import ends_of
from dashboard.flags.coercions import text_of, truthy
from dashboard.flags.rules import Definition

Outcomes = frozenset[str | None]
UNKNOWN: Outcomes | None = None
IN_CODE = ""


@dataclass(frozen=True)
class Reach:
    """`outcome` names what everybody gets: empty for the default in code, None when not all get the same."""

    state: Literal["off", "partly", "on"]
    outcome: str | None


def reach_of(definition: Definition) -> Reach:
    """Partly on: a rule or a percentage that can give two people two things, or of which that cannot be told."""
    if not definition.enabled:
        return Reach("off", IN_CODE)
    found = outcomes_of(definition.targeting) if definition.targeting else frozenset({None})
    if found is None:
        return Reach("partly", None)
    names = {definition.default_variant if name is None else name for name in found}
    if len(names) > 1 or not names <= {None, *definition.variants}:
        return Reach("partly", None)
    return Reach("on", _digest(definition, *names))


def outcomes_of(rule: Any) -> Outcomes | None:
    """Every variant that a rule can give, None among them for the default; None when that cannot be told from it."""
    if rule is None or isinstance(rule, str | bool):
        return frozenset({None if rule is None else text_of(rule)})
    if not isinstance(rule, dict) or len(rule) != 1:
        return UNKNOWN
    name, operands = next(iter(rule.items()))
    if name in {"if", "?:"} and isinstance(operands, list):
        return _of_branches(operands)
    if name == "fractional" and isinstance(operands, list):
        return _of_split(operands)
    return UNKNOWN


def _of_branches(operands: Sequence[Any]) -> Outcomes | None:
    """Conditions that are no rule are decided here; of the others both sides can happen."""
    found: set[str | None] = set()
    last = len(operands) - len(operands) % 2
    for condition, outcome in zip(operands[:last:2], operands[1:last:2], strict=True):
        decided = None if isinstance(condition, dict | list) else truthy(condition)
        if decided is False:
            continue
        here = outcomes_of(outcome)
        if here is None:
            return UNKNOWN
        found |= here
        if decided:
            return frozenset(found)
    rest = outcomes_of(operands[-1]) if last < len(operands) else frozenset({None})
    return UNKNOWN if rest is None else frozenset(found | rest)


def _of_split(operands: Sequence[Any]) -> Outcomes | None:
    """A split gives the default to whom it cannot draw, unless what it draws by is always a text."""
    explicit = bool(operands) and not isinstance(operands[0], list)
    always = explicit and (isinstance(operands[0], str) or (isinstance(operands[0], dict) and "cat" in operands[0]))
    entries = operands[1:] if explicit else operands
    if not all(isinstance(entry, list) and entry and isinstance(entry[0], str) for entry in entries):
        return UNKNOWN
    if any(isinstance(part, dict | list) for entry in entries for part in entry):
        return UNKNOWN
    ends = ends_of(entries)
    if ends is None:
        return frozenset({None})
    drawn = {entry[0] for entry, before, end in zip(entries, (0, *ends), ends, strict=False) if end > before}
    return frozenset(drawn if always else {*drawn, None})


def _digest(definition: Definition, variant: str | None) -> str:
    """Of the name and the value: another value under the same name is another outcome."""
    if variant is None:
        return IN_CODE
    text = f"{variant}\n{json.dumps(definition.variants[variant])}"
    return hashlib.md5(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
