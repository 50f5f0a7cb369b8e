"""Which variant of a percentage split somebody gets: flagd's bucketing version 2 (pure)."""

from collections.abc import Sequence

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


def _scrambled(block: int) -> int:
    block = (block * 0xCC9E2D51) & _MASK
    block = (block << 15 | block >> 17) & _MASK
    return (block * 0x1B873593) & _MASK
