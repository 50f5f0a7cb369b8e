"""Which indexes another index of the same table makes redundant, and which of the two may go (pure).

A is redundant given B when every question that A answers, and every promise that it enforces, is kept by B.
The skip scan of PostgreSQL 18 is no argument here: it helps a query, it does not replace an index.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Literal

from dashboard.tables.rows import Index

Kind = Literal["duplicate", "mirrored", "shadowed", "covered", "partial", "implied"]
KINDS: tuple[Kind, ...] = ("duplicate", "mirrored", "shadowed", "covered", "partial", "implied")
MIRROR = 3
PLAIN_METHODS = {"btree", "hash", "gin", "gist", "spgist"}
Key = tuple[int | str, int, int]


@dataclass(frozen=True)
class Redundancy:
    """`index` may go because `given` stays; `choice` says why it is this one of two that replace each other."""

    index: Index
    given: Index
    kind: Kind
    is_mirrored: bool
    choice: str | None


def redundancies(indexes: Iterable[Index], deferrable: Collection[int] = ()) -> list[Redundancy]:
    """At most one for each index, in the order of the indexes; the one it is compared with stays where it can.

    `deferrable` are indexes of deferrable constraints, which let duplicates in until the end of a transaction.
    """
    found: dict[int, list[tuple[Index, Kind]]] = defaultdict(list)
    ordered = sorted(indexes, key=lambda index: (index.schema, index.table_name, index.name))
    for a, b in _pairs(ordered):
        if kind := kind_of(a, b, deferrable):
            found[a.oid].append((b, kind))
    doomed = {a.oid: _survivable(a, found) for a in ordered if a.oid in found}
    gone = {oid for oid, candidates in doomed.items() if candidates}
    return [_redundancy(a, doomed[a.oid], gone, found) for a in ordered if a.oid in gone]


def kind_of(a: Index, b: Index, deferrable: Collection[int] = ()) -> Kind | None:
    """How A is redundant given B; None when it is not."""
    if a.oid == b.oid or a.table_oid != b.table_oid or not (_sound(a) and _sound(b)) or must_stay(a):
        return None
    keys_a, keys_b = keys_of(a), keys_of(b)
    if keys_a is None or keys_b is None:
        return None
    if _answers_the_same(a, b, keys_a, keys_b) and (kind := _lookup_kind(a, b, deferrable)):
        return kind
    return "implied" if _is_implied(a, b, keys_a, keys_b, deferrable) else None


def must_stay(index: Index) -> str | None:
    """What else this index is for, so that it can never be called redundant."""
    reasons = {
        "it is the primary key": index.is_primary,
        "it enforces an exclusion constraint": index.is_exclusion,
        "it is the replica identity of its table": index.is_replica_identity,
        "its table is clustered on it": index.is_clustered,
        "a foreign key refers to it": index.is_referenced,
        "it is the part of a partitioned index": index.parent_oid is not None,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def keys_of(index: Index) -> tuple[Key, ...] | None:
    """Each key as column number or expression, operator class and collation; None while a text is not known."""
    texts = iter(parts_of(index.expressions or ""))
    keys = [
        (column or next(texts, ""), opclass, collation)
        for column, opclass, collation in zip(index.key_columns, index.opclasses, index.collations, strict=False)
    ]
    has_all = all(key[0] for key in keys) and next(texts, None) is None
    return tuple(keys) if has_all and len(keys) == len(index.key_columns) else None


def parts_of(expressions: str) -> list[str]:
    """A list of expressions as PostgreSQL writes it, cut at the commas that no bracket or quote encloses."""
    parts, depth, quote, start = list[str](), 0, "", 0
    for position, sign in enumerate(expressions):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in "([":
            depth += 1
        elif sign in ")]":
            depth -= 1
        elif sign == "," and depth == 0:
            parts.append(expressions[start:position].strip())
            start = position + 1
    return [*parts, expressions[start:].strip()] if expressions else []


def _pairs(ordered: Sequence[Index]) -> Iterator[tuple[Index, Index]]:
    """Pairs that can be related at all: of one table, beginning with the same key, or both unique."""
    groups: dict[tuple[object, ...], list[Index]] = defaultdict(list)
    for index in ordered:
        if keys := keys_of(index):
            groups[index.table_oid, index.method, keys[0]].append(index)
            if index.is_unique:
                groups[index.table_oid, "unique"].append(index)
    seen: set[tuple[int, int]] = set()
    for group in groups.values():
        for a, b in permutations(group, 2):
            if (a.oid, b.oid) not in seen:
                seen.add((a.oid, b.oid))
                yield a, b


def _sound(index: Index) -> bool:
    return index.is_valid and index.is_ready


def _answers_the_same(a: Index, b: Index, keys_a: Sequence[Key], keys_b: Sequence[Key]) -> bool:
    """Every lookup and order of A is one of B, at least where A has an entry at all."""
    carried = {*b.key_columns, *b.include_columns} - {0}
    return (
        a.method == b.method
        and keys_a == keys_b[: len(keys_a)]
        and (_same_order(a, b) or is_mirrored(a, b))
        and set(a.include_columns) <= carried
        and (a.method in PLAIN_METHODS or a.storage_options == b.storage_options)
    )


def _same_order(a: Index, b: Index) -> bool:
    return a.options == b.options[: len(a.options)]


def is_mirrored(a: Index, b: Index) -> bool:
    """A is B read backwards: every shared key descends where the other ascends, with its NULLs at the other end."""
    pairs = list(zip(a.options, b.options, strict=False))
    return a.method == "btree" and bool(pairs) and all(x == y ^ MIRROR for x, y in pairs)


def _lookup_kind(a: Index, b: Index, deferrable: Collection[int]) -> Kind | None:
    same_rows = _same_predicate(a, b)
    if a.is_unique:
        same = same_rows and _same_length(a, b) and _enforces_the_same(a, b) and b.oid not in deferrable
        return _like(a, b) if same and not a.backs_constraint else None
    if not same_rows:
        return "partial" if _is_full(b) else None
    if not _same_length(a, b):
        return "covered"
    return "shadowed" if b.is_unique else _like(a, b)


def _like(a: Index, b: Index) -> Kind:
    if set(a.include_columns) != set(b.include_columns):
        return "covered"
    return "duplicate" if _same_order(a, b) else "mirrored"


def _same_length(a: Index, b: Index) -> bool:
    return len(a.key_columns) == len(b.key_columns)


def _same_predicate(a: Index, b: Index) -> bool:
    if not a.is_partial and not b.is_partial:
        return True
    return a.is_partial and b.is_partial and a.predicate is not None and a.predicate == b.predicate


def _is_full(index: Index) -> bool:
    return not index.is_partial


def _enforces_the_same(a: Index, b: Index) -> bool:
    return b.is_unique and a.nulls_not_distinct == b.nulls_not_distinct


def _is_implied(
    a: Index, b: Index, keys_a: Sequence[Key], keys_b: Sequence[Key], deferrable: Collection[int]
) -> bool:  # fmt: skip
    """A's promise of uniqueness follows from B's, which speaks about fewer columns or the same."""
    return (
        a.is_unique
        and b.is_unique
        and a.method == b.method == "btree"
        and set(keys_b) <= set(keys_a)
        and (_is_full(b) or _same_predicate(a, b))
        and (b.nulls_not_distinct or not a.nulls_not_distinct)
        and b.oid not in deferrable
        and a.oid not in deferrable
    )


def _rank(index: Index) -> tuple[bool, bool, bool, bool, int]:
    """Of two that replace each other the one of lower rank stays."""
    return (must_stay(index) is None, not index.backs_constraint, not index.is_unique, any(index.options), index.oid)


def _survivable(a: Index, found: dict[int, list[tuple[Index, Kind]]]) -> list[tuple[Index, Kind]]:
    """The indexes that A may give way to: those that do not rather give way to A."""

    def gives_way(b: Index) -> bool:
        return any(other.oid == a.oid for other, _ in found.get(b.oid, []))

    return [(b, kind) for b, kind in found[a.oid] if not gives_way(b) or _rank(b) < _rank(a)]


def _redundancy(
    a: Index, candidates: Sequence[tuple[Index, Kind]], gone: set[int], found: dict[int, list[tuple[Index, Kind]]]
) -> Redundancy:
    def preference(candidate: tuple[Index, Kind]) -> tuple[int, bool, int, int]:
        """The surest reason first, then one that stays, then the smallest."""
        b, kind = candidate
        return KINDS.index(kind), b.oid in gone, b.size_bytes or 0, b.oid

    b, kind = min(candidates, key=preference)
    is_mutual = any(other.oid == a.oid for other, _ in found.get(b.oid, []))
    return Redundancy(a, b, kind, not _same_order(a, b) and is_mirrored(a, b), _choice(a, b, is_mutual=is_mutual))


def _choice(a: Index, b: Index, *, is_mutual: bool) -> str | None:
    """Why it is A that may go when either could."""
    if not is_mutual:
        return None
    if (reason := must_stay(b)) or b.backs_constraint != a.backs_constraint:
        return f"The other one stays because {reason or 'it backs a constraint'}."
    if any(a.options) != any(b.options):
        return "Either could go; the one in plain ascending order stays."
    return "Either could go; the older one stays."
