"""Which variant of a percentage split somebody gets: flagd's bucketing version 2 (pure)."""

from collections.abc import Sequence
from typing import Any

VERSION = "v2"
LARGEST_SUM = 2_147_483_647
_MASK = 0xFFFFFFFF


def murmur3_32(key: bytes, seed: int = 0) -> int:
    """MurmurHash3 x86 32-bit, unsigned (Austin Appleby's reference, public domain)."""
    value = seed
    whole = len(key) & ~3
    for start in range(0, whole, 4):
        value ^= _scrambled(int.from_bytes(key[start : start + 4], "little"))
        rotated = (value << 13 | value >> 19) & _MASK
        value = (rotated * 5 + 0xE6546B64) & _MASK
    if rest := key[whole:]:
        value ^= _scrambled(int.from_bytes(rest, "little"))
    value ^= len(key)
    value = ((value ^ value >> 16) * 0x85EBCA6B) & _MASK
    value = ((value ^ value >> 13) * 0xC2B2AE35) & _MASK
    return value ^ value >> 16


def chosen(bucketing_value: str, weights: Sequence[int]) -> int | None:
    """The index of the interval that the value falls into; None when the weights leave nothing to choose.

    bucket = (hash * sum) >> 32 in integers; the first interval whose cumulated end lies above it.
    """
    total = sum(weights)
    if not 1 <= total <= LARGEST_SUM:
        return None
    bucket = (murmur3_32(bucketing_value.encode("utf-8", "replace")) * total) >> 32
    end = 0
    for index, weight in enumerate(weights):
        end += weight
        if bucket < end:
            return index
    return None


def split(key: Any, entries: Sequence[Any]) -> Any:
    """The variant of [variant] or [variant, weight] that a text falls into; None for input that cannot be used."""
    weights = [_weight(entry) for entry in entries]
    if not isinstance(key, str) or any(weight is None for weight in weights):
        return None
    index = chosen(key, [weight for weight in weights if weight is not None])
    return None if index is None else entries[index][0]


def _weight(entry: Any) -> int | None:
    """A whole number, 1 where none is given; below zero counts as zero."""
    if not isinstance(entry, list) or not 1 <= len(entry) <= 2:
        return None
    weight = entry[1] if len(entry) == 2 else 1
    if isinstance(weight, bool) or not isinstance(weight, int | float | None):
        return None
    if weight is None:
        return 1
    return max(0, int(weight)) if weight == weight // 1 else None


def _scrambled(block: int) -> int:
    block = (block * 0xCC9E2D51) & _MASK
    block = (block << 15 | block >> 17) & _MASK
    return (block * 0x1B873593) & _MASK
