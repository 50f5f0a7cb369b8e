"""Rows as a collection writes them: one for each table and index, in the order of their columns (pure).

Arrays stay texts as PostgreSQL writes them: thousands of them are passed on, none is looked into.
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple


class TableRecord(NamedTuple):
    oid: int
    schema: str
    name: str
    kind: str
    parent_oid: int | None
    partition_count: int
    heap_bytes: int | None
    toast_bytes: int | None
    index_bytes: int | None
    total_bytes: int | None
    sized_at: datetime | None
    size_note: str | None
    sampled_at: datetime | None
    resized_at: datetime | None
    first_seen_at: datetime
    row_estimate: int | None
    dead_rows: int | None
    rows_inserted: int | None
    rows_updated: int | None
    rows_deleted: int | None
    sequential_scans: int | None
    index_scans: int | None
    last_scan_at: datetime | None
    last_vacuum_at: datetime | None
    last_analyze_at: datetime | None
    counted_since: datetime | None
    pages: int | None
    tuples: float | None
    relfilenode: int | None
    options: str
    rows_hot_updated: int | None
    modified_since_analyze: int | None
    inserted_since_vacuum: int | None
    last_autovacuum_at: datetime | None
    last_autoanalyze_at: datetime | None
    digest: int
    write_digest: int

    @property
    def sizes(self) -> tuple[int | None, int | None, int | None]:
        return self.heap_bytes, self.toast_bytes, self.index_bytes

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"


class IndexRecord(NamedTuple):
    """First what the probe tells, in its order; then what we add."""

    oid: int
    table_oid: int
    parent_oid: int | None
    schema: str
    table_name: str
    name: str
    kind: str
    method: str
    columns: str
    scans: int | None
    rows_read: int | None
    last_scan_at: datetime | None
    is_unique: bool
    is_primary: bool
    is_valid: bool
    is_partial: bool
    constraint_name: str | None
    key_columns: str
    include_columns: str
    opclasses: str
    collations: str
    options: str
    storage_options: str
    nulls_not_distinct: bool
    is_ready: bool
    is_clustered: bool
    is_replica_identity: bool
    is_exclusion: bool
    backs_constraint: bool
    is_referenced: bool
    pages: int | None
    tuples: float | None
    relfilenode: int | None
    definition: str | None
    expressions: str | None
    predicate: str | None
    size_bytes: int | None
    first_seen_at: datetime
    counted_since: datetime | None
    sampled_at: datetime | None
    digest: int


class TableTrace(NamedTuple):
    """What has to be known of every table to see whether it changed."""

    digest: int
    write_digest: int
    is_sized: bool


class IndexTrace(NamedTuple):
    table_oid: int
    digest: int
    size_bytes: int | None


class Known(NamedTuple):
    """What the store knew before this collection; `as_of` is when it last heard of it, None on first sight."""

    tables: dict[int, TableTrace]
    indexes: dict[int, IndexTrace]
    as_of: datetime | None


def digest(values: Iterable[Any]) -> int:
    """A number of 64 bits that stands for these values, the same in every process."""
    return digest_of(repr(tuple(values)).encode("utf-8", "surrogatepass"))


def digest_of(told: bytes) -> int:
    return int.from_bytes(blake2b(told, digest_size=8).digest(), "big", signed=True)
