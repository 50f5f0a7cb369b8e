"""Which conditions of a statement an index answers, and whether it gives the rows in the order asked for (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.advice.shapes import EQUAL, FIXED, INVERTED, RANGES, IndexShape, Key, Need, Term

TRIGRAMS = "gin_trgm_ops"
PATTERNS = frozenset({"text_pattern_ops", "varchar_pattern_ops", "bpchar_pattern_ops"})
LIKES = frozenset({"like", "ilike", "regex"})


@dataclass(frozen=True)
class Match:
    """`terms` are answered by keys, `implied` by the predicate of a partial index; `keys` is how many keys serve."""

    terms: tuple[Term, ...]
    implied: tuple[Term, ...]
    keys: int
    is_ordered: bool

    @property
    def is_joined(self) -> bool:
        return any(term.is_join for term in self.terms)

    @property
    def has_list(self) -> bool:
        return any(term.kind == "in" and not term.is_join for term in self.terms)


def match(index: IndexShape, need: Need) -> Match | None:
    """How an index serves a need; None when it does not."""
    if not index.is_readable:
        return None
    fixed = {term.fixed: term for term in need.terms if term.kind in FIXED}
    if any(limit not in fixed for limit in index.predicate):
        return None
    implied = tuple(fixed[limit] for limit in index.predicate)
    if index.method == "gin":
        return _inverted(index, need, implied)
    if index.method not in {"btree", "hash"}:
        return None
    return _sorted(index, need, implied)


def _sorted(index: IndexShape, need: Need, implied: tuple[Term, ...]) -> Match | None:
    """Equal keys first; then one range, or the order."""
    terms: list[Term] = []
    for key in index.keys:
        equal = next((term for term in need.terms if _equals(term, key)), None)
        if equal is None:
            break
        terms.append(equal)
    place = len(terms)
    rest = index.keys[place:] if index.method == "btree" else ()
    is_listed = any(term.kind == "in" for term in terms)
    is_ordered = not is_listed and gives_order(need, rest, {term.column for term in terms if term.kind == "eq"})
    if rest and (ranged := next((term for term in need.terms if _ranges(term, rest[0])), None)):
        terms.append(ranged)
        place += 1
    if index.method == "hash" and place < len(index.keys):
        return None
    if not terms and not implied and not (is_ordered and need.has_limit):
        return None
    return Match(tuple(terms), implied, place, is_ordered and need.has_limit)


def gives_order(need: Need, rest: Sequence[Key], pinned: set[str]) -> bool:
    """ORDER BY without the columns that are equal for all rows, against the keys that are left; backwards too."""
    wanted = [item for item in need.order if item.ref.column not in pinned]
    if not need.order or len(wanted) > len(rest):
        return False
    turned = set()
    for item, key in zip(wanted, rest, strict=False):
        if item.ref.column != key.column or key.function or key.opclass:
            return False
        same = (item.descending, item.nulls_first) == (key.descending, key.nulls_first)
        mirrored = (item.descending, item.nulls_first) == (not key.descending, not key.nulls_first)
        if not same and not mirrored:
            return False
        turned.add(mirrored)
    return len(turned) <= 1


def _equals(term: Term, key: Key) -> bool:
    if (term.column, term.function) != (key.column, key.function):
        return False
    return term.kind in EQUAL or term.kind in {"null", "true", "false"}


def _ranges(term: Term, key: Key) -> bool:
    if (term.column, term.function) != (key.column, key.function):
        return False
    return (term.kind in RANGES and key.opclass not in PATTERNS) or (term.kind == "prefix" and key.opclass in PATTERNS)


def _inverted(index: IndexShape, need: Need, implied: tuple[Term, ...]) -> Match | None:
    for key in index.keys:
        for term in need.terms:
            is_text = term.kind in LIKES
            if term.column == key.column and term.kind in INVERTED and is_text == (key.opclass == TRIGRAMS):
                return Match((term,), implied, 1, is_ordered=False)
    return None
