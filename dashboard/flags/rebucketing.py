"""Whom another bucketing version would move (pure).

The versions draw independently of each other: who has a share of p by one of them has it by the other one with
probability p, so that of many people all move but the sum of the squares.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from dashboard.flags.bucketing import Bucketing, ends_of


def moved_shares(targetings: Mapping[str, Any], before: Bucketing, after: Bucketing) -> list[tuple[str, float]]:
    """(flag, share of many people whose entry changes) for the splits in each flag; the largest of a flag counts."""
    found: dict[str, float] = {}
    for key, entries in _splits(targetings):
        share = _moved(entries) if before != after else 0.0
        found[key] = max(found.get(key, 0.0), share)
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def _moved(entries: list[Any]) -> float:
    """Nobody is drawn where the weights cannot be used."""
    ends = ends_of(entries)
    if ends is None:
        return 0.0
    weights = Counter[str]()
    for entry, (begin, end) in zip(entries, pairwise((0, *ends)), strict=True):
        weights[json.dumps(entry[0])] += end - begin
    return 1 - sum(weight**2 for weight in weights.values()) / ends[-1] ** 2


def _splits(targetings: Mapping[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """Flag and entries of every fractional rule."""
    for key, targeting in targetings.items():
        waiting = [targeting]
        while waiting:
            part = waiting.pop()
            if isinstance(part, dict):
                operands = part.get("fractional")
                if isinstance(operands, list) and operands:
                    yield key, operands if isinstance(operands[0], list) else operands[1:]
            waiting += part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
