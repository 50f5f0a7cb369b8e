"""Who another bucketing version would move, drawn on made-up people (pure)."""

from collections.abc import Iterator, Mapping
from typing import Any

from dashboard.flags.bucketing import Bucketing, drawn

PEOPLE = tuple(f"person-{number}" for number in range(2_000))
MAX_SPLITS = 200


def moved_shares(targetings: Mapping[str, Any], before: Bucketing, after: Bucketing) -> list[tuple[str, float]]:
    """(flag, share of people whose entry changes) for the splits of texts in each flag; the largest of a flag counts.

    Exact to about two points: drawn on 2,000 made-up keys, the seed before each.
    """
    found: dict[str, float] = {}
    for number, (key, seed, entries) in enumerate(_splits(targetings)):
        if number == MAX_SPLITS:
            break
        changed = sum(
            _variant(seed, person, entries, before) != _variant(seed, person, entries, after) for person in PEOPLE
        )
        found[key] = max(found.get(key, 0.0), changed / len(PEOPLE))
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def _variant(seed: str, person: str, entries: list[Any], version: Bucketing) -> Any:
    draw = drawn(seed + person, entries, version)
    return None if draw.index is None else entries[draw.index][0]


def _splits(targetings: Mapping[str, Any]) -> Iterator[tuple[str, str, list[Any]]]:
    """Flag, seed and entries of every fractional rule; the shorthand is seeded by the flag's key."""
    for key, targeting in targetings.items():
        waiting = [targeting]
        while waiting:
            part = waiting.pop()
            if isinstance(part, dict):
                operands = part.get("fractional")
                if isinstance(operands, list) and operands:
                    yield (key, *_parts(key, operands))
            waiting += part.values() if isinstance(part, dict) else part if isinstance(part, list) else []


def _parts(key: str, operands: list[Any]) -> tuple[str, list[Any]]:
    if isinstance(operands[0], list):
        return key, operands
    parts = operands[0].get("cat") if isinstance(operands[0], dict) else None
    seed = parts[0] if isinstance(parts, list) and parts and isinstance(parts[0], str) else ""
    return seed, operands[1:]
