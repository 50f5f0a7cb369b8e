"""Foreign keys whose referencing columns no index finds, and how much that hurts (pure)."""

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Literal

from dashboard.tables.rows import Index, Table

Coverage = Literal["covered", "partly", "missing"]
TINY_ROWS = 1_000
TINY_BYTES = 1_048_576
HEAVY_ROWS_A_DAY = 1_000_000
NOT_NULL = re.compile(r'("(?:[^"]|"")+"|[a-z_][a-z0-9_$]*) IS NOT NULL')


@dataclass(frozen=True)
class ForeignKey:
    """`columns` of the referencing table by attribute number and name, with the collation of each."""

    oid: int
    name: str
    table_oid: int
    to_table_oid: int
    columns: list[int]
    names: list[str]
    collations: list[int]
    on_delete: str = "no action"
    on_update: str = "no action"


def coverage(key: ForeignKey, indexes: Iterable[Index]) -> Coverage:
    """Whether a lookup by the key's columns finds an index of the referencing table: whole, or its first columns."""
    usable = [index for index in indexes if _is_usable(index, key)]
    if any(_covers(index, key) for index in usable):
        return "covered"
    return "partly" if any(_begins_with_one(index, key) for index in usable) else "missing"


def covering(key: ForeignKey, indexes: Iterable[Index]) -> list[Index]:
    """The indexes that find all columns of the key."""
    return [index for index in indexes if _is_usable(index, key) and _covers(index, key)]


def is_tiny(child: Table) -> bool:
    """Reading all of it is as quick as an index would be."""
    if child.row_estimate is not None:
        return child.row_estimate < TINY_ROWS
    return child.heap_bytes is not None and child.heap_bytes < TINY_BYTES


def rows_read_a_day(child: Table, parent: Table, days: float) -> float | None:
    """Rows that deletes of the parent make the server read through, a day; None when a number is not known."""
    if parent.rows_deleted is None or child.row_estimate is None or days <= 0:
        return None
    return parent.rows_deleted / max(days, 1.0) * child.row_estimate


def is_append_only(parent: Table) -> bool:
    """Nothing was deleted or updated in it since counters began: no check ever asks the referencing table."""
    return parent.rows_deleted == 0 and parent.rows_updated == 0


def _is_usable(index: Index, key: ForeignKey) -> bool:
    return index.table_oid == key.table_oid and index.is_valid and index.is_ready and _holds_all_rows(index, key)


def _holds_all_rows(index: Index, key: ForeignKey) -> bool:
    """No predicate, or one that says no more than that columns of the key are not null: the check looks for values."""
    if not index.is_partial:
        return True
    named = {_unquoted(name) for name in key.names}
    terms = [_bare(term) for term in _bare(index.predicate or "").split(" AND ")]
    matches = [NOT_NULL.fullmatch(term) for term in terms]
    return all(match is not None and _unquoted(match[1]) in named for match in matches)


def _covers(index: Index, key: ForeignKey) -> bool:
    count = len(key.columns)
    if index.method == "hash":
        return index.key_columns == key.columns and _collates(index, key)
    first = index.key_columns[:count]
    return index.method == "btree" and sorted(first) == sorted(key.columns) and _collates(index, key)


def _begins_with_one(index: Index, key: ForeignKey) -> bool:
    if index.method == "hash":
        return len(index.key_columns) == 1 and index.key_columns[0] in key.columns and _collates(index, key)
    return index.method == "btree" and index.key_columns[0] in key.columns and _collates(index, key)


def _collates(index: Index, key: ForeignKey) -> bool:
    """An index in another collation than the column's is not used for the check."""
    own = dict(zip(key.columns, key.collations, strict=False))
    shared = zip(index.key_columns[: len(key.columns)], index.collations, strict=False)
    return all(collation in {0, own[column]} for column, collation in shared if column in own)


def _bare(term: str) -> str:
    """Without the brackets around the whole of it."""
    while term.startswith("(") and term.endswith(")") and _encloses(term):
        term = term[1:-1]
    return term.strip()


def _encloses(term: str) -> bool:
    depth = 0
    for position, sign in enumerate(term):
        depth += (sign == "(") - (sign == ")")
        if depth == 0 and position < len(term) - 1:
            return False
    return True


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') and name.endswith('"') and len(name) > 1 else name


def index_name(table: str, columns: Sequence[str], taken: Container[str]) -> str:
    """As PostgreSQL would call it: at most 63 bytes, and no name that is taken."""
    wish = "_".join([table, *columns])
    suffixes = (f"_idx{number or ''}" for number in count())
    names = (_cut(wish, 63 - len(suffix)) + suffix for suffix in suffixes)
    return next(name for name in names if name not in taken)


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")
