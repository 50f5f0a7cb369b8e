"""Statement families, the server's entries that belong to them, and what each interval added."""

from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, Float, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.store import Base


class StatementFamily(Base):
    """All statements of one shape. `text` is the first one seen, capped; `text_key` its normalised hash.

    `parsed_at` tells when its tables were looked for, `parse_problem` why they are not known. `last_seen_at` is brought
    up to date once an hour: the samples know it to the minute.
    """

    __tablename__ = "statement_family"
    __table_args__ = (
        UniqueConstraint("target_id", "text_key"),
        Index("ix_statement_family_unparsed", "id", postgresql_where=text("parsed_at is null")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"))
    text_key: Mapped[bytes] = mapped_column(LargeBinary)
    text: Mapped[str]
    text_truncated: Mapped[bool] = mapped_column(default=False)
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    parsed_at: Mapped[datetime | None]
    parse_problem: Mapped[str | None]


class StatementRelation(Base):
    """A table that a family names. `schema` is empty where the text does not write it."""

    __tablename__ = "statement_relation"
    __table_args__ = (Index("ix_statement_relation_name", "name", "schema"),)

    family_id: Mapped[int] = mapped_column(ForeignKey("statement_family.id", ondelete="CASCADE"), primary_key=True)
    schema: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    is_read: Mapped[bool]
    is_written: Mapped[bool]
    columns: Mapped[list[str]]


class StatementIdentity(Base):
    """Under which id a server knew a family, and when: ids change with majors, with failovers and with what they name.

    `system` is the server's own identifier, `major` its version (0 where it was not recorded).
    """

    __tablename__ = "statement_identity"
    __table_args__ = (Index("ix_statement_identity_family", "family_id"),)

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    queryid: Mapped[int] = mapped_column(primary_key=True)
    userid: Mapped[int] = mapped_column(primary_key=True)
    toplevel: Mapped[bool] = mapped_column(primary_key=True)
    system: Mapped[str] = mapped_column(primary_key=True)
    dbid: Mapped[int] = mapped_column(primary_key=True)
    major: Mapped[int] = mapped_column(primary_key=True)
    family_id: Mapped[int] = mapped_column(ForeignKey("statement_family.id", ondelete="CASCADE"), primary_key=True)
    username: Mapped[str]
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime | None]


class StatementEntry(Base):
    """One entry of pg_stat_statements with its counters when last read: what the next difference is made from.

    An entry that vanished keeps its row, so that its text need not be asked for when it returns; `gone_at` is set.
    Half of each page stays free, so that the counters change in place.
    """

    __tablename__ = "statement_entry"
    __table_args__ = {"postgresql_with": {"fillfactor": 50}}

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
    max_ms: Mapped[float | None]
    max_since: Mapped[datetime | None]
    calls: Mapped[int]
    total_ms: Mapped[float]
    stddev_ms: Mapped[float]
    rows: Mapped[int]
    shared_hit: Mapped[int]
    shared_read: Mapped[int]
    temp_blocks: Mapped[int]
    wal_bytes: Mapped[int]
    io_ms: Mapped[float | None]


class Did:
    """What a family did in a time: differences only. `squares_ms2` is the sum of squared times.

    `max_ms` is the longest call where the server tells it, `max_bound_ms` what no call exceeded.
    """

    calls: Mapped[int]
    total_ms: Mapped[float]
    squares_ms2: Mapped[float]
    rows: Mapped[int]
    shared_hit: Mapped[int]
    shared_read: Mapped[int]
    temp_blocks: Mapped[int]
    wal_bytes: Mapped[int]
    io_ms: Mapped[float | None]
    max_ms: Mapped[float | None]
    max_bound_ms: Mapped[float | None]


class StatementSample(Did, Base):
    """What a family did between two readings."""

    __tablename__ = "statement_sample"
    __table_args__ = (
        Index("ix_statement_sample_family", "family_id", "slot"),
        {"postgresql_partition_by": "RANGE (slot)"},
    )

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    family_id: Mapped[int] = mapped_column(primary_key=True)


class StatementSum(Did, Base):
    """Samples of a family added up over `minutes` that begin at `slot`: what long windows are made from."""

    __tablename__ = "statement_sum"
    __table_args__ = {"postgresql_partition_by": "RANGE (slot)"}

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    minutes: Mapped[int] = mapped_column(primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    family_id: Mapped[int] = mapped_column(primary_key=True)


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


class StatementRanking(Base):
    """The families of a usual window by their total time, as of its last reading; see ranking. A window of no minutes
    stands for the last hour compared with the one before it: its families are in the order of what changed.

    `everything` is the time of them all, `calls` and `total_ms` are those of the first twenty.
    """

    __tablename__ = "statement_ranking"

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    window_minutes: Mapped[int] = mapped_column(primary_key=True)
    first_slot: Mapped[datetime]
    since: Mapped[datetime]
    until: Mapped[datetime]
    families: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    calls: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    total_ms: Mapped[list[float]] = mapped_column(ARRAY(Float))
    everything: Mapped[float]
