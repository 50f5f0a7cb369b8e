"""What is known about tables and indexes: rows of the store, and the answers of a target they come from (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

KINDS = {"table": "r", "partitioned": "p", "materialized": "m"}
KIND_WORDS = {"r": "table", "p": "partitioned table", "m": "materialized view"}


class Size(NamedTuple):
    """Exact bytes of a table: all forks, TOAST with its index, and each index by its oid."""

    heap_bytes: int
    toast_bytes: int
    indexes: Mapping[int, int]


@dataclass(frozen=True)
class SizeAt:
    """Sizes of a table as they were from `at` on."""

    at: datetime
    heap_bytes: int
    toast_bytes: int
    index_bytes: int

    @property
    def total_bytes(self) -> int:
        return self.heap_bytes + self.toast_bytes + self.index_bytes

    def json(self) -> dict[str, Any]:
        return {**vars(self), "total_bytes": self.total_bytes}


@dataclass(frozen=True)
class Lock:
    """Somebody has, or waits for, an exclusive lock on a table. A prepared transaction has no pid."""

    pid: int | None
    granted: bool
    since: datetime | None

    @property
    def note(self) -> str:
        who = f"pid {self.pid}" if self.pid else "a prepared transaction"
        since = f" since {self.since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if self.since else ""
        return f"locked by {who}{since}" if self.granted else f"{who} waits for a lock on it{since}"


@dataclass(frozen=True, slots=True)
class Table:
    """What the judgement of indexes needs to know of a table."""

    oid: int
    schema: str
    name: str
    kind: str
    parent_oid: int | None
    heap_bytes: int | None
    row_estimate: int | None
    rows_deleted: int | None
    rows_updated: int | None
    rows_hot_updated: int | None
    counted_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What an index is for besides answering questions."""

    parent_oid: int | None
    is_unique: bool
    is_primary: bool
    constraint_name: str | None
    expressions: str | None
    is_clustered: bool
    is_replica_identity: bool
    is_exclusion: bool
    is_referenced: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Index(Purpose):
    """An index with its shape and use, as it is judged."""

    oid: int
    table_oid: int
    schema: str
    table_name: str
    name: str
    kind: str
    method: str
    columns: list[str]
    definition: str | None
    size_bytes: int | None
    scans: int | None
    rows_read: int | None
    last_scan_at: datetime | None
    counted_since: datetime | None
    first_seen_at: datetime
    is_valid: bool
    is_partial: bool
    key_columns: list[int]
    include_columns: list[int]
    opclasses: list[int]
    collations: list[int]
    options: list[int]
    storage_options: list[str]
    predicate: str | None
    nulls_not_distinct: bool
    is_ready: bool
    backs_constraint: bool
