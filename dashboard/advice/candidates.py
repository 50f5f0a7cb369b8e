"""Indexes worth trying for what statements ask, and whether an index is there already (pure)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations

from dashboard.advice.matching import LIKES, TRIGRAMS
from dashboard.advice.selectivity import share
from dashboard.advice.shapes import EQUAL, FIXED, INVERTED, RANGES, IndexShape, Key, Need, Table, Term

WIDEST = 3
SMALL_PART = 0.5
NOT_BTREE = ("json", "jsonb", "xml", "point", "box", "polygon", "circle", "lseg", "path", "line", "tsvector")
INVERTIBLE = ("jsonb", "tsvector")


def candidates(needs: Sequence[Need], *, has_trigrams: bool) -> list[IndexShape]:
    """Everything worth trying for the needs of one table, without what is there already."""
    sharing = Counter(term.column for need in needs for term in {*need.terms} if term.kind in EQUAL)
    found: dict[IndexShape, None] = {}
    for need in needs:
        for index in (*_sorted(need, sharing), *_inverted(need, has_trigrams=has_trigrams)):
            found[index] = None
            if limited := _limited(index, need):
                found[limited] = None
    return [index for index in found if covering(index, needs[0].table.indexes) is None] if needs else []


def covering(wanted: IndexShape, existing: Iterable[IndexShape]) -> IndexShape | None:
    """The index that answers everything that the wanted one would: its first keys are the same, for all rows."""
    for index in existing:
        if not index.is_readable or index.method != wanted.method or len(index.keys) < len(wanted.keys):
            continue
        if not {*index.predicate} <= {*wanted.predicate}:
            continue
        pairs = list(zip(wanted.keys, index.keys, strict=False))
        same = all(_same(one, other) for one, other in pairs)
        mirrored = index.method == "btree" and all(_mirrored(one, other) for one, other in pairs)
        if same or mirrored:
            return index
    return None


def _same(one: Key, other: Key) -> bool:
    return one == other


def _mirrored(one: Key, other: Key) -> bool:
    """A b-tree is read backwards as well."""
    turned = Key(other.column, other.function, not other.descending, not other.nulls_first, other.opclass)
    return one == turned


def _sorted(need: Need, sharing: Counter[str]) -> Iterable[IndexShape]:
    """Equal columns first, those first that most statements share; then one range, or the order."""
    able = [term for term in need.terms if _sortable(term, need.table)]
    equal = sorted(
        {(term.column, term.function): term for term in able if term.kind in EQUAL}.values(),
        key=lambda term: (-sharing[term.column], share(term, need.table).middle, term.column),
    )
    ranges = [Key(term.column, term.function) for term in able if term.kind in RANGES]
    nulls = [Key(term.column) for term in able if term.kind == "null"]
    heads = [tuple(Key(term.column, term.function) for term in some) for some in _some(equal)]
    for head in [*heads, ()]:
        tails = [(), *((key,) for key in (*ranges, *nulls) if key not in head), _order_keys(need, head)]
        for tail in tails:
            if 0 < len(head) + len(tail) <= WIDEST:
                yield IndexShape(head + tail)
    for term in need.terms:
        if term.kind == "prefix" and not term.is_join:
            yield IndexShape((Key(term.column, opclass="text_pattern_ops"),))


def _some(equal: Sequence[Term]) -> Iterable[tuple[Term, ...]]:
    """Subsets of the first few in their order: a narrow one is often as good as all."""
    first = equal[: WIDEST + 1]
    for width in range(1, WIDEST + 1):
        yield from combinations(first, width)


def _order_keys(need: Need, head: tuple[Key, ...]) -> tuple[Key, ...]:
    """ORDER BY without what is equal for all rows; nothing without a limit, or when it needs too many keys."""
    if not need.has_limit:
        return ()
    pinned = {key.column for key in head}
    keys = tuple(
        Key(item.ref.column, None, item.descending, item.nulls_first)
        for item in need.order
        if item.ref.column not in pinned
    )
    if any(_is_strange(need.table, key.column) for key in keys) or len(head) + len(keys) > WIDEST:
        return ()
    if all(key.descending for key in keys):
        # A b-tree is read backwards: the plain one serves more statements.
        keys = tuple(Key(key.column, None, descending=False, nulls_first=not key.nulls_first) for key in keys)
    return keys


def _inverted(need: Need, *, has_trigrams: bool) -> Iterable[IndexShape]:
    for term in need.terms:
        column = need.table.columns.get(term.column)
        if term.kind not in INVERTED or column is None:
            continue
        if term.kind in LIKES:
            if has_trigrams and column.type.startswith(("text", "character")):
                yield IndexShape((Key(term.column, opclass=TRIGRAMS),), method="gin")
        elif column.type in INVERTIBLE or column.type.endswith("[]"):
            yield IndexShape((Key(term.column),), method="gin")


def _limited(index: IndexShape, need: Need) -> IndexShape | None:
    """The same for few rows only, where the statement's text proves that it asks for no others."""
    keyed = set(index.columns)
    for term in need.terms:
        provable = term.kind in FIXED and not term.is_join and term.column in need.table.stats
        if provable and term.column not in keyed and share(term, need.table).high <= SMALL_PART:
            return IndexShape(index.keys, index.method, (term.fixed,))
    return None


def _sortable(term: Term, table: Table) -> bool:
    return term.kind in EQUAL | RANGES | {"null"} and not _is_strange(table, term.column)


def _is_strange(table: Table, name: str) -> bool:
    """Types that a b-tree does not hold, or not usefully."""
    column = table.columns.get(name)
    return column is None or column.type.startswith(NOT_BTREE) or column.type.endswith("[]")
