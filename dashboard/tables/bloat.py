"""How much of a table or b-tree a vacuum or a rewrite would give back, from the planner's statistics alone (pure).

What a relation needs is built up from its rows and the widths of its columns, as PostgreSQL lays them out; what it
has beyond that is bloat. Tried against pgstattuple, pgstatindex and what REINDEX really freed: within six points.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, prod

PAGE = 8192
PAGE_HEADER = 24
BTREE_PAGE_HEADER = 40  # page header and the special space of a b-tree
LINE_POINTER = 4
TUPLE_HEADER = 23
MOST_ROWS_A_PAGE = 291
SHORT = 127
POSTING_BYTES = 812  # a posting list is at most a tenth of a page when an index is built
TID = 6
PIECES_A_PAGE = 4
STALE_SHARE = 0.2
MONOTONE = 0.9
UNSURE_SHARE = 0.1

SMALL = "smaller than 1 MB, too small to matter"
NEVER_ANALYZED = "never analyzed"
STALE = "more than 20 % of its rows changed since the last ANALYZE"
DENIED = "the watching role may not read its column statistics"
HIDDEN = "row level security hides its column statistics from the watching role"
UNKNOWN_COLUMN = "a column has no statistics: it was added after the last ANALYZE, or its type has none"
NAMES = "a column of type name, whose stored width the statistics do not tell"
NOT_HEAP = "not stored as heap: the layout of its rows is not known"
RESIZED = "its size is by more than 20 % another than at the last ANALYZE or VACUUM"
PARTIAL = "how many different values a partial index holds is not known"
NEVER_VACUUMED = "never vacuumed, so that nobody counted its pieces"
DROPPED = "a column was dropped: what is its residue inside of rows and what is free space, only a measurement tells"


@dataclass(frozen=True)
class Column:
    """A column of a table or index. `length` in bytes, -1 varying, -2 a C string; statistics None: there are none.

    `distinct` as in pg_stats: a number of values, or minus their share of the rows.
    """

    number: int
    length: int
    alignment: int
    is_plain: bool = False
    is_name: bool = False
    is_dropped: bool = False
    null_share: float | None = None
    width: int | None = None
    distinct: float | None = None
    correlation: float | None = None

    @property
    def bytes(self) -> int:
        return self.length if self.length > 0 else self.width or 0

    @property
    def is_aligned(self) -> bool:
        """Short values of varying length stand unaligned (VARATT_CAN_MAKE_SHORT in postgres.h)."""
        return self.length > 0 or (self.length == -1 and (self.is_plain or self.bytes > SHORT))


@dataclass(frozen=True)
class Relation:
    """What a table or b-tree was when it was last vacuumed or analyzed; `modified` rows of the table since then.

    `rows` -1: never. `fillfactor` in percent. For an index `columns` are its own, keys first. `pages_now` is its size
    since then, None where that is not known: after a crash or a reset it tells of changes that `modified` lost.
    """

    pages: int
    rows: float
    columns: Sequence[Column]
    fillfactor: int
    table_rows: float
    modified: int
    may_read: bool = True
    is_hidden: bool = False
    is_heap: bool = True
    is_unique: bool = False
    is_partial: bool = False
    can_deduplicate: bool = False
    pages_now: int | None = None

    @property
    def is_resized(self) -> bool:
        now = self.pages if self.pages_now is None else self.pages_now
        return abs(now - self.pages) > STALE_SHARE * max(now, self.pages)


@dataclass(frozen=True)
class Estimate:
    """Bytes that are free or dead, and their share of the relation; None with the `reason`.

    `residue_bytes`: at most so much belongs to dropped columns and is freed only by rewriting rows.
    `is_random`: keys arrive in no order, so that a third of each page stays free however often it is rebuilt.
    """

    bytes: int | None = None
    share: float | None = None
    residue_bytes: int | None = None
    is_random: bool = False
    reason: str | None = None


def table_bloat(table: Relation) -> Estimate:
    """Pages beyond those that the rows need (ioguix' method, with each column aligned by itself)."""
    live = [column for column in table.columns if not column.is_dropped]
    if reason := _doubt(table, live):
        return Estimate(reason=reason)
    needed = heap_pages(table, live)
    excess = max(0, table.pages - needed) * PAGE
    dropped = [column for column in table.columns if column.is_dropped]
    if not dropped:
        return _estimate(excess, table.pages)
    if all(column.length > 0 for column in dropped):
        kept = [replace(column, null_share=0.0) if column.is_dropped else column for column in table.columns]
        residue = min(excess, max(0, heap_pages(table, kept) - needed) * PAGE)
        return replace(_estimate(excess - residue, table.pages), residue_bytes=residue)
    if excess > UNSURE_SHARE * table.pages * PAGE:
        return Estimate(residue_bytes=excess, reason=DROPPED)
    return replace(_estimate(0, table.pages), residue_bytes=excess)


def index_bloat(index: Relation) -> Estimate:
    """Pages beyond those that REINDEX would build, deduplication included (nbtsort.c, nbtdedup.c)."""
    if reason := _doubt(index, index.columns):
        return Estimate(reason=reason)
    if index.is_partial and index.can_deduplicate and not index.is_unique:
        return Estimate(reason=PARTIAL)
    correlation = index.columns[0].correlation
    is_random = correlation is None or abs(correlation) < MONOTONE
    needed = 1 + ceil(leaf_bytes(index) / ((PAGE - BTREE_PAGE_HEADER) * index.fillfactor / 100))
    return replace(_estimate(max(0, index.pages - needed) * PAGE, index.pages), is_random=is_random)


def toast_bloat(toast: Relation) -> Estimate:
    """At least so much: four full pieces of values fill a page (heaptoast.h), and the last of each value is smaller."""
    if toast.rows < 0:
        return Estimate(reason=NEVER_VACUUMED)
    return _estimate(max(0, toast.pages - ceil(toast.rows / PIECES_A_PAGE)) * PAGE, toast.pages)


def heap_pages(table: Relation, columns: Sequence[Column]) -> int:
    """Pages that these rows fill, without a row split over two pages."""
    some_null = 1 - prod(1 - (column.null_share or 0) for column in columns)
    if len(columns) < len(table.columns):
        some_null = 1.0
    bitmap = _aligned(TUPLE_HEADER + ceil(len(table.columns) / 8))
    header = some_null * bitmap + (1 - some_null) * _aligned(TUPLE_HEADER)
    usable = PAGE - PAGE_HEADER - PAGE * (100 - table.fillfactor) / 100
    rows = floor(usable / (header + row_bytes(columns) + LINE_POINTER))
    return ceil(table.rows / max(1, min(MOST_ROWS_A_PAGE, rows)))


def row_bytes(columns: Sequence[Column]) -> float:
    """Mean bytes of the columns of a row in their order, each padded as it needs, the whole to a multiple of 8.

    Followed by the offset's remainder: a column that is NULL in some rows moves what comes after it in the others.
    """
    offsets, total = {0: 1.0}, 0.0
    for column in columns:
        after: dict[int, float] = defaultdict(float)
        null_share = column.null_share or 0.0
        for offset, share in offsets.items():
            padding = -offset % column.alignment if column.is_aligned else 0
            after[offset] += share * null_share
            after[(offset + padding + column.bytes) % 8] += share * (1 - null_share)
            total += share * (1 - null_share) * (padding + column.bytes)
        offsets = after
    return total + sum(share * (-offset % 8) for offset, share in offsets.items())


def leaf_bytes(index: Relation) -> float:
    """Bytes of all leaf tuples with their line pointers: NULLs are a group of equal keys like any value."""
    full = [replace(column, null_share=0.0) for column in index.columns]
    all_there = prod(1 - (column.null_share or 0) for column in index.columns)
    filled, nulls = index.rows * all_there, index.rows * (1 - all_there)
    found = _group_bytes(index, filled, _groups(index.columns, filled, index.rows), 8 + row_bytes(full))
    if nulls >= 1:
        rest = max(0.0, row_bytes(index.columns) - all_there * row_bytes(full)) / (1 - all_there)
        alike = 1.0 if len(index.columns) == 1 else _groups(index.columns, nulls, index.rows)
        found += _group_bytes(index, nulls, alike, _aligned(16 + rest))
    return found


def _group_bytes(index: Relation, rows: float, groups: float, tuple_bytes: float) -> float:
    """Tuples of one row each, or posting lists of the rows that share a key."""
    equal = rows / groups if groups else 0.0
    if index.is_unique or not index.can_deduplicate or equal < 2:
        return rows * (tuple_bytes + LINE_POINTER)
    listed = min(equal, (POSTING_BYTES - tuple_bytes) // TID)
    if listed < 2:
        return rows * (tuple_bytes + LINE_POINTER)
    return rows / listed * (_aligned(tuple_bytes + TID * listed) + LINE_POINTER)


def _groups(columns: Sequence[Column], rows: float, all_rows: float) -> float:
    """Different keys; columns are taken as independent, so that too many are found rather than too few."""
    distinct = [column.distinct or 1.0 for column in columns]
    each = prod(max(1.0, number if number > 0 else -number * all_rows) for number in distinct)
    return max(1.0, min(rows, each))


def _doubt(relation: Relation, columns: Sequence[Column]) -> str | None:
    """Why nothing can be said; what a missing right explains is named before what a missing ANALYZE would."""
    unknown = [column for column in columns if column.null_share is None]
    gates = (
        (not relation.is_heap, NOT_HEAP),
        (relation.rows < 0 or relation.table_rows < 0, NEVER_ANALYZED),
        (any(column.is_name for column in columns), NAMES),
        (bool(unknown) and relation.is_hidden, HIDDEN),
        (bool(unknown) and not relation.may_read, DENIED),
        (bool(unknown) and len(unknown) == len(columns), NEVER_ANALYZED),
        (bool(unknown), UNKNOWN_COLUMN),
        (relation.modified > STALE_SHARE * max(relation.table_rows, 1), STALE),
        (relation.is_resized, RESIZED),
    )
    return next((reason for holds, reason in gates if holds), None)


def _estimate(free: int, pages: int) -> Estimate:
    return Estimate(bytes=free, share=free / (pages * PAGE) if pages else 0.0)


def _aligned(size: float) -> int:
    return -(-ceil(size) // 8) * 8
