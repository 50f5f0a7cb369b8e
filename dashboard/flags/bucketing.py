"""Which variant of a percentage split somebody gets: flagd's bucketing, versions 2 and 3 (pure).

Version 2 hashes the UTF-8 of a text, as flagd and its providers in JavaScript, Java, Go and .NET do. Version 3 hashes
the canonical CBOR (RFC 8949, 4.2.1) of any value but null and lists, as the Python provider does. A set of flags is
pinned to one of them: between the two about a third of all people change sides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal

import cbor2
import mmh3

Bucketing = Literal["v2", "v3"]
DEFAULT: Bucketing = "v2"
LARGEST_SUM = 2_147_483_647


@dataclass(frozen=True)
class Draw:
    """How a split was decided. `bucket` of 0 to `total` - 1 lies in interval `index`, which ends before `ends[index]`.

    `index` None: there was nothing to decide, `problem` says why.
    """

    key: Any
    hash: int = 0
    total: int = 0
    bucket: int = 0
    ends: tuple[int, ...] = ()
    index: int | None = None
    problem: str = ""


def hash_of(key: Any, version: Bucketing) -> int | None:
    """The unsigned 32-bit MurmurHash3 (x86, seed 0) of what this version hashes; None for a value it does not take."""
    if version == "v2":
        return hash_of_text(key) if isinstance(key, str) else None
    if key is None:
        return None
    try:
        return mmh3.hash(cbor2.dumps(_normal(key), canonical=True), signed=False)
    except (cbor2.CBOREncodeError, UnicodeEncodeError):
        return None


def hash_of_text(text: str) -> int:
    """As version 2 hashes. mmh3 itself ends the process at half of a surrogate pair in a text."""
    if text.isascii():
        return mmh3.hash(text, 0, False)  # unsigned, seed 0
    return mmh3.hash(text.encode("utf-8", "replace"), signed=False)


def implicit_key(flag_key: Any, targeting_key: Any, version: Bucketing) -> Any:
    """What is hashed where a rule names nothing: flag key and targeting key; None without them."""
    if not isinstance(flag_key, str) or not isinstance(targeting_key, str) or not targeting_key:
        return None
    return flag_key + targeting_key if version == "v2" else [flag_key, targeting_key]


def drawn(key: Any, entries: Sequence[Any], version: Bucketing = DEFAULT) -> Draw:
    """bucket = (hash * sum) >> 32 in integers; the first interval whose end lies above it is hit."""
    hashed = hash_of(key, version)
    if hashed is None:
        return Draw(key, problem="nothing to bucket by" if key is None else "no value that can be hashed")
    ends = ends_of(entries)
    if ends is None:
        return Draw(key, hashed, problem="the weights cannot be used")
    total = ends[-1]
    bucket = (hashed * total) >> 32
    index = next(number for number, end in enumerate(ends) if bucket < end)
    return Draw(key, hashed, total, bucket, ends, index)


def split(key: Any, entries: Sequence[Any], version: Bucketing = DEFAULT) -> Any:
    """The variant of [variant] or [variant, weight] that a value falls into; None for input that cannot be used."""
    index = drawn(key, entries, version).index
    return None if index is None else entries[index][0]


def ends_of(entries: Sequence[Any]) -> tuple[int, ...] | None:
    """Where each interval ends; None when a weight cannot be used or the sum is not in 1 to 2,147,483,647."""
    weights = [_weight(entry) for entry in entries]
    ends = tuple(accumulate(weight for weight in weights if weight is not None))
    return ends if len(ends) == len(weights) and ends and 1 <= ends[-1] <= LARGEST_SUM else None


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


def _normal(value: Any) -> Any:
    """Numbers have one form: 5.0 is 5, -0.0 is 0, within what 64 bits hold."""
    if isinstance(value, dict):
        return {name: _normal(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_normal(item) for item in value]
    whole = isinstance(value, float) and value.is_integer() and -(2**63) <= value <= 2**64 - 1
    return int(value) if whole else value
