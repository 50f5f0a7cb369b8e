"""Statement families, the server's entries that belong to them, and what each interval added."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.store import Base


class StatementFamily(Base):
    """All statements of one shape. `text` is the first one seen, capped; `text_key` its normalised hash."""

    __tablename__ = "statement_family"
    __table_args__ = (UniqueConstraint("target_id", "text_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"))
    text_key: Mapped[bytes] = mapped_column(LargeBinary)
    text: Mapped[str]
    text_truncated: Mapped[bool] = mapped_column(default=False)
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]


class StatementEntry(Base):
    """One entry of pg_stat_statements with its counters when last read: what the next difference is made from.

    An entry that vanished keeps its row, so that its text need not be asked for when it returns; `gone_at` is set.
    """

    __tablename__ = "statement_entry"

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    userid: Mapped[int] = mapped_column(primary_key=True)
    toplevel: Mapped[bool] = mapped_column(primary_key=True)
    queryid: Mapped[int] = mapped_column(primary_key=True)
    family_id: Mapped[int] = mapped_column(ForeignKey("statement_family.id", ondelete="CASCADE"), index=True)
    username: Mapped[str]
    first_seen_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    gone_at: Mapped[datetime | None]
    stats_since: Mapped[datetime | None]
    calls: Mapped[int]
    total_ms: Mapped[float]
    stddev_ms: Mapped[float]
    rows: Mapped[int]
    shared_hit: Mapped[int]
    shared_read: Mapped[int]
    temp_blocks: Mapped[int]
    wal_bytes: Mapped[int]
    io_ms: Mapped[float | None]


class StatementSample(Base):
    """What a family did between two readings: differences only. `squares_ms2` is the sum of squared times."""

    __tablename__ = "statement_sample"
    __table_args__ = (
        Index("ix_statement_sample_family", "family_id", "slot"),
        {"postgresql_partition_by": "RANGE (slot)"},
    )

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    family_id: Mapped[int] = mapped_column(primary_key=True)
    calls: Mapped[int]
    total_ms: Mapped[float]
    squares_ms2: Mapped[float]
    rows: Mapped[int]
    shared_hit: Mapped[int]
    shared_read: Mapped[int]
    temp_blocks: Mapped[int]
    wal_bytes: Mapped[int]
    io_ms: Mapped[float | None]


class StatementReading(Base):
    """One reading of pg_stat_statements: from when it counts, and whether something was lost in between.

    `epoch` names the server and database that answered; `read_at` is that server's clock. `hidden_ms` is what
    entries of other roles added that our role may not see; `hidden_total_ms` what they had counted in all. Complete
    ones that follow each other become one an hour when they are old; `readings` says how many it stands for.
    """

    __tablename__ = "statement_reading"
    __table_args__ = {"postgresql_partition_by": "RANGE (slot)"}

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    since: Mapped[datetime | None]
    is_complete: Mapped[bool]
    reason: Mapped[str | None]
    read_at: Mapped[datetime]
    epoch: Mapped[str]
    started_at: Mapped[datetime | None]
    stats_reset_at: Mapped[datetime | None]
    evictions: Mapped[int | None]
    own_role: Mapped[str | None]
    entries: Mapped[int]
    hidden_entries: Mapped[int]
    hidden_ms: Mapped[float]
    hidden_total_ms: Mapped[float]
    readings: Mapped[int] = mapped_column(default=1, server_default="1")
