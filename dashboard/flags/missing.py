"""JsonLogic's missing and missing_some: which attributes a context lacks, compiled (pure)."""

from collections.abc import Sequence
from typing import Any

from dashboard.flags.coercions import lookup, number_of
from dashboard.flags.reading import Closure, Reading


def missing(operands: Sequence[Any], closures: Sequence[Closure], reading: Reading) -> Closure:
    """The names, given one by one or as a list, that stand for nothing or for an empty text."""
    reading.names(operands)

    def run(context: Any) -> list[Any]:
        names = [closure(context) for closure in closures]
        return _absent(context, names[0] if names and isinstance(names[0], list) else names)

    return run


def missing_some(operands: Sequence[Any], closures: Sequence[Closure], reading: Reading) -> Closure:
    """An empty list when enough of the names are there, else those that are not."""
    reading.names(operands[1:])

    def run(context: Any) -> list[Any]:
        needed, names = [*(closure(context) for closure in closures), None, None][:2]
        if not isinstance(names, list):
            return []
        absent = _absent(context, names)
        return [] if len(names) - len(absent) >= (number_of(needed) or 0) else absent

    return run


def _absent(context: Any, names: Sequence[Any]) -> list[Any]:
    return [name for name in names if lookup(context, name) in (None, "")]
