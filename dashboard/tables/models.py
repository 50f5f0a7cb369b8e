"""Tables and indexes of the targets: current state (what lists read) and samples (written when they change)."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.store import Base


class TableState(Base):
    """A table as last seen. heap_bytes has all forks, toast_bytes its index; heap + toast + indexes = total.

    A partitioned table carries the sums over its leaves. `sized_at` is set only while the sizes are older
    than the collection; `size_note` says why. Counters are counted since `counted_since`.
    """

    __tablename__ = "table_state"
    __table_args__ = (
        Index("ix_table_state_total", "target_id", "total_bytes"),
        Index("ix_table_state_name", "target_id", "schema", "name"),
        Index("ix_table_state_parent", "target_id", "parent_oid"),
    )

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    oid: Mapped[int] = mapped_column(primary_key=True)
    schema: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    parent_oid: Mapped[int | None]
    partition_count: Mapped[int]
    heap_bytes: Mapped[int | None]
    toast_bytes: Mapped[int | None]
    index_bytes: Mapped[int | None]
    total_bytes: Mapped[int | None]
    sized_at: Mapped[datetime | None]
    size_note: Mapped[str | None]
    sampled_at: Mapped[datetime | None]
    growth_24h_bytes: Mapped[int | None]
    row_estimate: Mapped[int | None]
    dead_rows: Mapped[int | None]
    rows_inserted: Mapped[int | None]
    rows_updated: Mapped[int | None]
    rows_deleted: Mapped[int | None]
    sequential_scans: Mapped[int | None]
    index_scans: Mapped[int | None]
    last_scan_at: Mapped[datetime | None]
    last_vacuum_at: Mapped[datetime | None]
    last_analyze_at: Mapped[datetime | None]
    counted_since: Mapped[datetime | None]


class TableSample(Base):
    """Sizes of a table at a time; written when they differ from the newest sample, at least once a day."""

    __tablename__ = "table_sample"
    __table_args__ = {"postgresql_partition_by": "RANGE (slot)"}

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    oid: Mapped[int] = mapped_column(primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    heap_bytes: Mapped[int]
    toast_bytes: Mapped[int]
    index_bytes: Mapped[int]
    row_estimate: Mapped[int | None]


class IndexState(Base):
    """An index as last seen. `scans` count since `counted_since`; it is watched since `first_seen_at`."""

    __tablename__ = "index_state"
    __table_args__ = (
        Index("ix_index_state_size", "target_id", "size_bytes"),
        Index("ix_index_state_table", "target_id", "table_oid"),
    )

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    oid: Mapped[int] = mapped_column(primary_key=True)
    table_oid: Mapped[int]
    parent_oid: Mapped[int | None]
    schema: Mapped[str]
    table_name: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    method: Mapped[str]
    columns: Mapped[list[str]]
    definition: Mapped[str | None]
    size_bytes: Mapped[int | None]
    scans: Mapped[int | None]
    rows_read: Mapped[int | None]
    last_scan_at: Mapped[datetime | None]
    counted_since: Mapped[datetime | None]
    first_seen_at: Mapped[datetime]
    is_unique: Mapped[bool]
    is_primary: Mapped[bool]
    is_valid: Mapped[bool]
    is_partial: Mapped[bool]
    constraint_name: Mapped[str | None]
