"""Percentage rollouts: who gets which variant by a seed of its own, and weights that move nobody without need (pure).

The share of people that a variant gets is a set of intervals of flagd's fractional operator. A variant that grows
keeps its intervals and gets parts of those that others gave up, if need be as several entries of the same variant.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from math import lcm
from typing import Any

WHOLE = 100_000
SCALES = (100, 1_000, 10_000, WHOLE)
KEY = "targetingKey"
Entries = tuple[tuple[str, int], ...]
Moves = dict[tuple[str, str], Fraction]


@dataclass(frozen=True)
class Rollout:
    """`entries` are (variant, weight) in the order of their intervals; weights add up to a divisor of WHOLE."""

    seed: str
    entries: Entries


def read(rule: Any) -> Rollout | None:
    """The rollout that a fractional rule with an explicit seed describes; None for any other rule."""
    operands = rule.get("fractional") if isinstance(rule, dict) and len(rule) == 1 else None
    if not isinstance(operands, list) or len(operands) < 2 or not _is_seeded(operands[0]):
        return None
    entries = [tuple(entry) if isinstance(entry, list) else () for entry in operands[1:]]
    if not all(len(entry) == 2 and isinstance(entry[0], str) and _is_weight(entry[1]) for entry in entries):
        return None
    total = sum(weight for _, weight in entries)
    return Rollout(operands[0]["cat"][0], tuple(entries)) if total and WHOLE % total == 0 else None


def write(rollout: Rollout) -> dict[str, Any]:
    key = {"cat": [rollout.seed, {"var": KEY}]}
    return {"fractional": [key, *([variant, weight] for variant, weight in rollout.entries)]}


def shares(rollout: Rollout) -> dict[str, int]:
    """Variant → thousandths of a per cent."""
    scale, found = WHOLE // sum(weight for _, weight in rollout.entries), dict[str, int]()
    for variant, weight in rollout.entries:
        found[variant] = found.get(variant, 0) + weight * scale
    return found


def fresh(seed: str, wanted: Mapping[str, int]) -> Rollout:
    """One interval for each variant; `wanted` is in thousandths of a per cent and adds up to WHOLE."""
    return Rollout(seed, _scaled([(variant, weight) for variant, weight in wanted.items() if weight]))


def changed(before: Rollout, wanted: Mapping[str, int]) -> Rollout:
    """The same seed with these shares, so that only the share that some variant gave up goes to another one."""
    held = {variant: share for variant, share in shares(before).items() if share}
    wanted = {variant: share for variant, share in wanted.items() if share}
    if held == wanted:
        return before
    scale = WHOLE // sum(weight for _, weight in before.entries)
    pieces = [(variant, weight * scale) for variant, weight in before.entries if weight]
    tries = [_regrown(pieces, held, wanted, side) for side in (_from_the_left, _from_the_right)]
    return Rollout(before.seed, tries[0] if len(tries[0]) <= len(tries[1]) else tries[1])


def moves(before: Rollout, after: Rollout) -> Moves:
    """(from, to) → share of people who change sides; with another seed everybody draws anew, independently."""
    if before.seed == after.seed:
        return _overlaps(before.entries, after.entries)
    old, new = shares(before), shares(after)
    pairs = {(one, other): Fraction(old[one] * new[other], WHOLE * WHOLE) for one in old for other in new}
    return {pair: share for pair, share in pairs.items() if pair[0] != pair[1] and share}


def percent_of(text: str) -> int | None:
    """A percentage with up to three decimals in thousandths; empty is 0, None is no percentage."""
    whole, _, decimals = (text.strip().removesuffix("%").strip().replace(",", ".") or "0").partition(".")
    digits = (whole or "0") + decimals.ljust(3, "0")
    if len(decimals) > 3 or len(digits) > 6 or not (digits.isascii() and digits.isdigit()):
        return None
    return int(digits) if int(digits) <= WHOLE else None


def percent_text(thousandths: int) -> str:
    return f"{thousandths / 1_000:.3f}".rstrip("0").rstrip(".")


def _is_seeded(key: Any) -> bool:
    parts = key.get("cat") if isinstance(key, dict) and len(key) == 1 else None
    return isinstance(parts, list) and len(parts) == 2 and isinstance(parts[0], str) and parts[1] == {"var": KEY}


def _is_weight(weight: Any) -> bool:
    return isinstance(weight, int) and not isinstance(weight, bool) and 0 <= weight <= WHOLE


def _scaled(pieces: Iterable[tuple[str, int]]) -> Entries:
    """Neighbours of one variant joined, in the smallest of the usual totals; the intervals stay what they are."""
    joined: list[tuple[str, int]] = []
    for variant, weight in pieces:
        together = joined.pop()[1] if joined and joined[-1][0] == variant else 0
        joined.append((variant, weight + together))
    step = next(WHOLE // scale for scale in SCALES if not any(weight % (WHOLE // scale) for _, weight in joined))
    return tuple((variant, weight // step) for variant, weight in joined)


Pieces = list[tuple[str | None, int]]
Free = Callable[[Sequence[tuple[str, int]], dict[str, int]], Pieces]


def _regrown(
    pieces: Sequence[tuple[str, int]], held: Mapping[str, int], wanted: Mapping[str, int], free: Free
) -> Entries:
    surplus = {variant: share - wanted.get(variant, 0) for variant, share in held.items()}
    growing = {variant: share - held.get(variant, 0) for variant, share in wanted.items()}
    freed = free(pieces, {variant: share for variant, share in surplus.items() if share > 0})
    needs = {variant: share for variant, share in growing.items() if share > 0}
    given = _to_the_right(_to_neighbours(freed, needs), needs)
    return _scaled(_to_anybody(given, needs))


def _from_the_left(pieces: Sequence[tuple[str, int]], surplus: dict[str, int]) -> Pieces:
    """Every variant gives up what it has too much of, beginning with its first interval; None owns what is free."""
    left: Pieces = []
    for variant, width in pieces:
        gone = min(width, surplus.get(variant, 0))
        surplus[variant] = surplus.get(variant, 0) - gone
        left += [(None, gone), (variant, width - gone)]
    return [piece for piece in left if piece[1]]


def _from_the_right(pieces: Sequence[tuple[str, int]], surplus: dict[str, int]) -> Pieces:
    return _from_the_left(pieces[::-1], surplus)[::-1]


def _to_neighbours(pieces: Pieces, needs: dict[str, int]) -> Pieces:
    """What is free goes first to the variant on its left."""
    given: Pieces = []
    for owner, width in pieces:
        left = given[-1][0] if given else None
        if owner is None and left is not None and needs.get(left):
            taken = min(width, needs[left])
            needs[left] -= taken
            given += [(left, taken), (None, width - taken)]
        else:
            given.append((owner, width))
    return [piece for piece in given if piece[1]]


def _to_the_right(pieces: Pieces, needs: dict[str, int]) -> Pieces:
    return _to_neighbours(pieces[::-1], needs)[::-1]


def _to_anybody(pieces: Pieces, needs: Mapping[str, int]) -> list[tuple[str, int]]:
    """What is still free, to the variants in need in their order."""
    given: list[tuple[str, int]] = []
    waiting = [(variant, need) for variant, need in needs.items() if need]
    for owner, width in pieces:
        left = width if owner is None else 0
        given += [(owner, width)] if owner is not None else []
        while left:
            variant, need = waiting[0]
            taken = min(left, need)
            given.append((variant, taken))
            left -= taken
            waiting = [(variant, need - taken), *waiting[1:]] if need > taken else waiting[1:]
    return given


def _overlaps(before: Entries, after: Entries) -> Moves:
    totals = [sum(weight for _, weight in entries) for entries in (before, after)]
    whole = lcm(*totals)
    old, new = (
        list(accumulate((weight * whole // total for _, weight in entries), initial=0))
        for entries, total in zip((before, after), totals, strict=True)
    )
    found: Moves = {}
    for begin, end in pairwise(sorted({*old, *new})):
        pair = before[_at(old, begin)][0], after[_at(new, begin)][0]
        if pair[0] != pair[1]:
            found[pair] = found.get(pair, Fraction(0)) + Fraction(end - begin, whole)
    return found


def _at(ends: Sequence[int], place: int) -> int:
    return next(index for index, end in enumerate(ends[1:]) if place < end)
