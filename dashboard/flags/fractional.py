"""flagd's fractional operator, compiled (pure)."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from dashboard.flags.bucketing import drawn, ends_of, hash_of, hash_of_text, implicit_key
from dashboard.flags.coercions import lookup
from dashboard.flags.reading import FLAGD, Closure, Reading
from dashboard.flags.shortcuts import seed_and_attribute

LONGEST_KEY = 1_000


def fractional(operands: Sequence[Any], closures: Sequence[Closure], reading: Reading) -> Closure:
    """A bucketing value or none, then entries of variant and weight."""
    if not operands or operands[0] is None or isinstance(operands[0], list | dict):
        reading.attribute("targetingKey")
    version, watcher = reading.bucketing, reading.watcher

    def run(context: Any) -> Any:
        values = [closure(context) for closure in closures]
        if not values:
            return None
        explicit = not isinstance(values[0], list)
        key, entries = (values[0], values[1:]) if explicit else (None, values)
        if key is None and (version == "v2" or not explicit):
            key = implicit_key(lookup(context, f"{FLAGD}.flagKey"), lookup(context, "targetingKey"), version)
        draw = drawn(key, entries, version)
        if watcher is not None:
            watcher.drew(draw)
        return None if draw.index is None else entries[draw.index][0]

    return run if watcher is not None else _fixed(operands, closures, reading, run)


def _fixed(operands: Sequence[Any], closures: Sequence[Closure], reading: Reading, general: Closure) -> Closure:
    """The same with the intervals computed once, for the usual form: a rule gives a text, plain entries follow."""
    entries, version = operands[1:], reading.bucketing
    ends = ends_of(entries) if all(map(_is_plain, entries)) else None
    if ends is None or not isinstance(operands[0], dict):
        return general
    key_of, total, variants = closures[0], ends[-1], [entry[0] for entry in entries]

    def run(context: Any) -> Any:
        key = key_of(context)
        if type(key) is not str:
            return general(context)
        hashed = hash_of(key, version)
        return None if hashed is None else variants[bisect_right(ends, (hashed * total) >> 32)]

    seeded = seed_and_attribute(operands[0])
    return _of_attribute(*seeded, ends, variants, run) if seeded and version == "v2" else run


def _of_attribute(seed: str, attribute: str, ends: Sequence[int], variants: Sequence[Any], general: Closure) -> Closure:
    """The form that rollouts are written in: one step instead of four."""
    total = ends[-1]

    def run(context: Any) -> Any:
        value = context.get(attribute) if type(context) is dict else None
        if type(value) is not str or len(value) > LONGEST_KEY:
            return general(context)
        return variants[bisect_right(ends, (hash_of_text(seed + value) * total) >> 32)]

    return run


def _is_plain(entry: Any) -> bool:
    return isinstance(entry, list) and not any(isinstance(part, dict | list) for part in entry)
