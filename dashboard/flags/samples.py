"""Contexts made up from the constants of rules, and what a change of a flag does to those who have them (pure)."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboard.flags.flagset import FlagSet, ReadyFlag, Resolution

PEOPLE = 1_000
MOST_CONSTANTS = 30
EXAMPLES = 5
_OTHER = "something else"


@dataclass(frozen=True)
class Move:
    """How many go from one outcome to another, with contexts of some of them."""

    before: str
    after: str
    count: int
    examples: tuple[Mapping[str, Any], ...]

    @property
    def changes(self) -> bool:
        return self.before != self.after


@dataclass
class Comparison:
    sampled: int = 0
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], list[Mapping[str, Any]]] = field(default_factory=dict)

    @property
    def moves(self) -> list[Move]:
        """What changes first, the most frequent first."""
        found = [Move(*pair, count, tuple(self.examples[pair])) for pair, count in self.counts.items()]
        return sorted(found, key=lambda move: (not move.changes, -move.count, move.before, move.after))

    @property
    def changed(self) -> int:
        return sum(move.count for move in self.moves if move.changes)


def constants_of(rules: Iterable[Any]) -> dict[str, list[Any]]:
    """Attribute path → what rules hold beside it, in the order in which they say it."""
    found: dict[str, list[Any]] = {}
    waiting = list(rules)
    while waiting:
        part = waiting.pop(0)
        if isinstance(part, list):
            waiting += [item for item in part if isinstance(item, dict | list)]
        elif isinstance(part, dict):
            for operands in part.values():
                _note(operands if isinstance(operands, list) else [operands], found)
            waiting += list(part.values())
    _note_variables(rules, found)
    return found


def sampled(rules: Sequence[Any], count: int = PEOPLE, seed: int = 1) -> Iterator[dict[str, Any]]:
    """People with targeting keys of their own; each attribute is a constant of the rules, another value, or missing."""
    constants = constants_of(rules)
    source = random.Random(seed)  # noqa: S311 - the same sample every time
    for number in range(1, count + 1):
        context: dict[str, Any] = {}
        for path, values in constants.items():
            value = source.choice([*values, _other(values), None])
            if value is not None:
                _put(context, path.split("."), value)
        yield context | {"targetingKey": f"sample-{number}"}


def compare(before: ReadyFlag, after: ReadyFlag, contexts: Iterable[Mapping[str, Any]], timestamp: int) -> Comparison:
    """Both asked the same, one context after the other."""
    found, flags = Comparison(), FlagSet("", "", {})
    for context in contexts:
        pair = tuple(outcome(flag.resolve(flags.context(context, timestamp))) for flag in (before, after))
        kept = found.examples.setdefault((pair[0], pair[1]), [])
        if len(kept) < EXAMPLES:
            kept.append(context)
        found.counts[pair[0], pair[1]] += 1
        found.sampled += 1
    return found


def outcome(resolution: Resolution) -> str:
    """The variant, the error, or that the application's code decides."""
    return resolution.error_code or resolution.variant or "default in code"


def _note(operands: Sequence[Any], found: dict[str, list[Any]]) -> None:
    paths = [path for operand in operands if (path := _path(operand))]
    values = [item for operand in operands for item in (operand if isinstance(operand, list) else [operand])]
    for path in paths:
        known = found.setdefault(path, [])
        for value in values:
            if isinstance(value, str | int | float) and value not in known and len(known) < MOST_CONSTANTS:
                known += _around(value)


def _note_variables(rules: Iterable[Any], found: dict[str, list[Any]]) -> None:
    waiting = list(rules)
    while waiting:
        part = waiting.pop()
        if path := _path(part):
            found.setdefault(path, [])
        elif isinstance(part, dict | list):
            waiting += part.values() if isinstance(part, dict) else part


def _path(part: Any) -> str | None:
    """The attribute that {"var": …} names; what every request has or the server adds is none."""
    name = part.get("var") if isinstance(part, dict) and len(part) == 1 else None
    name = name[0] if isinstance(name, list) and name else name
    own = isinstance(name, str) and name and not name.startswith("$flagd") and name != "targetingKey"
    return str(name) if own else None


def _around(value: Any) -> list[Any]:
    """A number stands for a limit: one less and one more are asked as well."""
    return [value] if isinstance(value, str | bool) else [value, value - 1, value + 1]


def _other(values: Sequence[Any]) -> Any:
    return not values[0] if values and isinstance(values[0], bool) else _OTHER


def _put(context: dict[str, Any], steps: Sequence[str], value: Any) -> None:
    for step in steps[:-1]:
        inner = context.setdefault(step, {})
        if not isinstance(inner, dict):
            return
        context = inner
    context[steps[-1]] = value
