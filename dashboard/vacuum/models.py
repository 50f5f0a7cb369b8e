"""What autovacuum has done and has yet to do, how old transaction ids are, and how far sequences have come."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.store import Base


class TableVacuum(Base):
    """Vacuum of a table as last seen. Shares are of a threshold: 1 is due.

    `frozen_xid` and `oldest_multixact` are the oldest of the table and its TOAST, counted on over wraparounds,
    so that a row changes when a vacuum freezes and not with every transaction; ages come from `vacuum_state`.
    `died_rows` were seen to die since `died_since`, and autovacuum worked `vacuumed_ms` in that time.
    """

    __tablename__ = "table_vacuum"
    __table_args__ = (
        Index("ix_table_vacuum_due", "target_id", "due_share"),
        Index("ix_table_vacuum_frozen", "target_id", "frozen_xid"),
        Index("ix_table_vacuum_name", "target_id", "schema", "name"),
    )

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    oid: Mapped[int] = mapped_column(primary_key=True)
    schema: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    parent: Mapped[str | None]
    row_estimate: Mapped[int | None]
    dead_rows: Mapped[int]
    inserted_rows: Mapped[int]
    modified_rows: Mapped[int]
    toast_dead_rows: Mapped[int | None]
    vacuum_threshold: Mapped[int | None]
    insert_threshold: Mapped[int | None]
    analyze_threshold: Mapped[int | None]
    toast_threshold: Mapped[int | None]
    due_share: Mapped[float | None]
    due_for: Mapped[str | None]
    is_autovacuumed: Mapped[bool]
    is_toast_autovacuumed: Mapped[bool | None]
    options: Mapped[list[str]]
    unfrozen_share: Mapped[float | None]
    last_vacuum_at: Mapped[datetime | None]
    last_autovacuum_at: Mapped[datetime | None]
    last_analyze_at: Mapped[datetime | None]
    last_autoanalyze_at: Mapped[datetime | None]
    vacuums: Mapped[int]
    autovacuums: Mapped[int]
    analyzes: Mapped[int]
    autoanalyzes: Mapped[int]
    vacuum_ms: Mapped[float | None]
    autovacuum_ms: Mapped[float | None]
    analyze_ms: Mapped[float | None]
    autoanalyze_ms: Mapped[float | None]
    frozen_xid: Mapped[int]
    oldest_multixact: Mapped[int]
    freeze_max_age: Mapped[int]
    multixact_freeze_max_age: Mapped[int]
    died_since: Mapped[datetime] = mapped_column(server_default=func.now())
    died_rows: Mapped[int] = mapped_column(server_default="0")
    vacuumed_ms: Mapped[float | None]


class VacuumState(Base):
    """The transaction ids of a target as last seen: where the counters stand, the limits, who holds the horizon."""

    __tablename__ = "vacuum_state"

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    slot: Mapped[datetime]
    is_standby: Mapped[bool]
    is_autovacuum_on: Mapped[bool]
    next_xid: Mapped[int]
    next_multixact: Mapped[int]
    limits: Mapped[dict[str, Any]]
    databases: Mapped[list[Any]]
    holders: Mapped[list[Any]]
    oldest: Mapped[list[Any]]
    wraparound_vacuums: Mapped[int]


class XidSample(Base):
    """Where the 64-bit transaction id and the multixact id stood; their growth is the rate."""

    __tablename__ = "xid_sample"
    __table_args__ = {"postgresql_partition_by": "RANGE (slot)"}

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    next_xid: Mapped[int]
    next_multixact: Mapped[int]


class SequenceState(Base):
    """A sequence as last seen and the narrowest column that holds its numbers; `last_value` None: see `note`.

    `limit_value` is the first of its own end and the column's. The dates bound when it is reached, if a forecast
    can be made; `forecast_note` says why there is none.
    """

    __tablename__ = "sequence_state"
    __table_args__ = (
        Index("ix_sequence_state_used", "target_id", "used_share"),
        Index("ix_sequence_state_name", "target_id", "schema", "name"),
    )

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    oid: Mapped[int] = mapped_column(primary_key=True)
    schema: Mapped[str]
    name: Mapped[str]
    data_type: Mapped[str]
    start_value: Mapped[int]
    increment: Mapped[int]
    min_value: Mapped[int]
    max_value: Mapped[int]
    is_cyclic: Mapped[bool]
    last_value: Mapped[int | None]
    note: Mapped[str | None]
    column_schema: Mapped[str | None]
    column_table: Mapped[str | None]
    column_name: Mapped[str | None]
    column_type: Mapped[str | None]
    is_reference: Mapped[bool]
    limit_value: Mapped[int]
    used_share: Mapped[float | None]
    ids_per_day: Mapped[float | None]
    exhausted_from: Mapped[datetime | None]
    exhausted_until: Mapped[datetime | None]
    forecast_note: Mapped[str | None]
    sampled_at: Mapped[datetime | None]


class SequenceSample(Base):
    """The last value of a sequence; written when it differs from the newest sample."""

    __tablename__ = "sequence_sample"
    __table_args__ = {"postgresql_partition_by": "RANGE (slot)"}

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    oid: Mapped[int] = mapped_column(primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    last_value: Mapped[int]
