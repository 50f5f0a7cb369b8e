"""Partitioned tables and indexes store nothing themselves: their numbers are the sums over their leaves (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from dashboard.tables.rows import COUNTERS, TIMES, Index, Table

Row = TypeVar("Row", Table, Index)


def folded_tables(rows: dict[int, Table]) -> list[Table]:
    """The same tables, partitioned ones with the sums of their leaves."""
    return list((rows | {oid: _folded(rows[oid], found) for oid, found in _leaves(rows, "p").items()}).values())


def folded_indexes(rows: dict[int, Index]) -> list[Index]:
    return list((rows | {oid: _summed(rows[oid], found) for oid, found in _leaves(rows, "I").items()}).values())


def total(*parts: int | None) -> int | None:
    """The sum when every part is known."""
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _ancestors(parent: int | None, rows: Mapping[int, Row]) -> list[int]:
    found: list[int] = []
    while parent is not None and parent in rows and parent not in found:
        found.append(parent)
        parent = rows[parent].parent_oid
    return found


def _leaves(rows: Mapping[int, Row], kind: str) -> dict[int, list[Row]]:
    """Every parent of this kind with all rows below it that store something, over any number of levels."""
    leaves: dict[int, list[Row]] = {oid: [] for oid, row in rows.items() if row.kind == kind}
    for row in rows.values():
        if row.kind != kind:
            for ancestor in _ancestors(row.parent_oid, rows):
                leaves[ancestor].append(row)
    return leaves


def _folded(parent: Table, leaves: Sequence[Table]) -> Table:
    """A partitioned table stores nothing itself: its numbers are the sums over its leaves that have one."""
    heap, toast, indexes = (_sum(leaf.sizes[part] for leaf in leaves) for part in range(3))
    noted = [leaf.size_note for leaf in leaves if leaf.size_note]
    estimates = [leaf.row_estimate for leaf in leaves]
    added: dict[str, Any] = {name: _sum(getattr(leaf, name) for leaf in leaves) for name in COUNTERS}
    latest: dict[str, Any] = {
        name: max((at for leaf in leaves if (at := getattr(leaf, name))), default=None) for name in TIMES
    }
    return replace(
        parent,
        partition_count=len(leaves),
        heap_bytes=heap,
        toast_bytes=toast,
        index_bytes=indexes,
        total_bytes=total(heap, toast, indexes),
        sized_at=min((leaf.sized_at for leaf in leaves if leaf.sized_at), default=None),
        size_note=f"{len(noted)} of {len(leaves)} partitions: {noted[0]}" if noted else None,
        row_estimate=total(*estimates),
        pages=_sum(leaf.pages for leaf in leaves),
        **added,
        **latest,
        counted_since=min((leaf.counted_since for leaf in leaves if leaf.counted_since), default=None),
    )


def _summed(parent: Index, parts: Sequence[Index]) -> Index:
    return replace(
        parent,
        size_bytes=_sum(part.size_bytes for part in parts),
        pages=_sum(part.pages for part in parts),
        scans=_sum(part.scans for part in parts),
        rows_read=_sum(part.rows_read for part in parts),
        last_scan_at=max((part.last_scan_at for part in parts if part.last_scan_at), default=None),
        counted_since=min((part.counted_since for part in parts if part.counted_since), default=None),
    )


def _sum(values: Iterable[int | None]) -> int | None:
    """The sum of what is known; None when nothing is, 0 of nothing at all."""
    found = list(values)
    known = [value for value in found if value is not None]
    return None if found and not known else sum(known)
