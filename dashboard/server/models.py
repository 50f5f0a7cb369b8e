"""What is kept of a server: counters by the minute, settings, connections, input and output, standbys."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.store import Base


class DatabaseSample(Base):
    """Cumulative counters as the server shows them; rates are made when they are read, never across a reset.

    `system_identifier` names the cluster and `timeline` its history: a sample of another one is not compared.
    Columns from `temp_files` on are unknown in rows that older versions of the dashboard kept.
    """

    __tablename__ = "database_sample"
    __table_args__ = {"postgresql_partition_by": "RANGE (slot)"}

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    size_bytes: Mapped[int | None]
    connections: Mapped[int | None]
    connections_max: Mapped[int | None]
    commits: Mapped[int | None]
    rollbacks: Mapped[int | None]
    blocks_read: Mapped[int | None]
    blocks_hit: Mapped[int | None]
    rows_returned: Mapped[int | None]
    rows_changed: Mapped[int | None]
    temp_bytes: Mapped[int | None]
    deadlocks: Mapped[int | None]
    wal_bytes: Mapped[int | None]
    stats_reset_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    is_standby: Mapped[bool | None]
    temp_files: Mapped[int | None]
    conflicts: Mapped[int | None]
    block_read_ms: Mapped[float | None]
    block_write_ms: Mapped[float | None]
    sessions: Mapped[int | None]
    sessions_abandoned: Mapped[int | None]
    sessions_fatal: Mapped[int | None]
    sessions_killed: Mapped[int | None]
    session_ms: Mapped[float | None]
    active_ms: Mapped[float | None]
    idle_in_transaction_ms: Mapped[float | None]
    checkpoints_timed: Mapped[int | None]
    checkpoints_requested: Mapped[int | None]
    checkpoints_done: Mapped[int | None]
    checkpoint_write_ms: Mapped[float | None]
    checkpoint_sync_ms: Mapped[float | None]
    checkpoint_buffers: Mapped[int | None]
    buffers_cleaned: Mapped[int | None]
    wal_records: Mapped[int | None]
    wal_full_page_images: Mapped[int | None]
    wal_buffers_full: Mapped[int | None]
    wal_reset_at: Mapped[datetime | None]
    checkpoint_reset_at: Mapped[datetime | None]
    system_identifier: Mapped[str | None]
    timeline: Mapped[int | None]


class ServerSetting(Base):
    """A setting of the server as last seen; a change of it becomes a mark in the lane."""

    __tablename__ = "server_setting"

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str | None]
    unit: Mapped[str | None]
    source: Mapped[str]
    default_value: Mapped[str | None]
    pending_restart: Mapped[bool]
    category: Mapped[str]
    changed_at: Mapped[datetime | None]
    context: Mapped[str | None]
    description: Mapped[str | None]
    place: Mapped[str | None]


class DatabaseState(Base):
    """What the overview lists: the newest counters and the rates made of the last two samples.

    `counting_since` is from when all counters of tables and indexes count without a loss that we know of;
    `cluster_since` since when this system identifier answers, None while no other one did before.
    """

    __tablename__ = "database_state"
    __table_args__ = (Index("ix_database_state_system_identifier", "system_identifier"),)

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    slot: Mapped[datetime]
    size_bytes: Mapped[int | None]
    growth_24h_bytes: Mapped[int | None]
    connections: Mapped[int | None]
    connections_max: Mapped[int | None]
    cache_hit_share: Mapped[float | None]
    commits_per_s: Mapped[float | None]
    detail: Mapped[dict[str, Any]]
    system_identifier: Mapped[str | None]
    timeline: Mapped[int | None]
    is_standby: Mapped[bool | None]
    counting_since: Mapped[datetime | None]
    cluster_since: Mapped[datetime | None]


class ConnectionSample(Base):
    """Client connections of the whole server in one minute: `groups` has for state, application, user, address and
    database the largest groups, what is left of them as "others", and what our role may not see as "hidden"."""

    __tablename__ = "connection_sample"
    __table_args__ = {"postgresql_partition_by": "RANGE (slot)"}

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    total: Mapped[int]
    active: Mapped[int | None]
    idle_in_transaction: Mapped[int | None]
    usable: Mapped[int]
    reserved: Mapped[int]
    groups: Mapped[dict[str, Any]]


class IoSample(Base):
    """What a kind of process read and wrote of a kind of object between two readings of pg_stat_io: differences."""

    __tablename__ = "io_sample"
    __table_args__ = {"postgresql_partition_by": "RANGE (slot)"}

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    backend_type: Mapped[str] = mapped_column(primary_key=True)
    object: Mapped[str] = mapped_column(primary_key=True)
    context: Mapped[str] = mapped_column(primary_key=True)
    reads: Mapped[int | None]
    read_bytes: Mapped[int | None]
    read_ms: Mapped[float | None]
    writes: Mapped[int | None]
    write_bytes: Mapped[int | None]
    write_ms: Mapped[float | None]
    extends: Mapped[int | None]
    extend_bytes: Mapped[int | None]
    hits: Mapped[int | None]
    evictions: Mapped[int | None]
    reuses: Mapped[int | None]
    fsyncs: Mapped[int | None]
    fsync_ms: Mapped[float | None]


class IoReading(Base):
    """One reading of pg_stat_io: the span that its differences speak about; None where nothing can be said of it."""

    __tablename__ = "io_reading"
    __table_args__ = {"postgresql_partition_by": "RANGE (slot)"}

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    since: Mapped[datetime | None]
    is_timed: Mapped[bool]


class IoState(Base):
    """The counters of pg_stat_io when last read, by kind of process, object and context."""

    __tablename__ = "io_state"

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    slot: Mapped[datetime]
    epoch: Mapped[str]
    counters: Mapped[dict[str, Any]]


class ReplicationState(Base):
    """Who follows this server, which slots hold its WAL, and whom it follows itself, as last read."""

    __tablename__ = "replication_state"

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    slot: Mapped[datetime]
    is_standby: Mapped[bool]
    position: Mapped[dict[str, Any]]
    senders: Mapped[list[Any]]
    slots: Mapped[list[Any]]
    subscriptions: Mapped[list[Any]]
    conflicts: Mapped[dict[str, Any]]


class ReplicationSample(Base):
    """How far one follower or slot was behind in one minute; `kind` is sender, slot or replay."""

    __tablename__ = "replication_sample"
    __table_args__ = {"postgresql_partition_by": "RANGE (slot)"}

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    lag_bytes: Mapped[int | None]
    lag_ms: Mapped[float | None]
