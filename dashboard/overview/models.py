"""Server and database counters of each target, one row a minute, and the settings it runs with."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.store import Base


class DatabaseSample(Base):
    """Cumulative counters as the server shows them; rates are made when they are read, never across a reset."""

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


class DatabaseState(Base):
    """What the overview lists: the newest counters and the rates made of the last two samples."""

    __tablename__ = "database_state"

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    slot: Mapped[datetime]
    size_bytes: Mapped[int | None]
    growth_24h_bytes: Mapped[int | None]
    connections: Mapped[int | None]
    connections_max: Mapped[int | None]
    cache_hit_share: Mapped[float | None]
    commits_per_s: Mapped[float | None]
    detail: Mapped[dict[str, Any]]
