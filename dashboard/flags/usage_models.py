"""How often flags were evaluated, what was asked for and is not there, and who evaluates by himself."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.store import Base


class FlagUsage(Base):
    """Evaluations of an hour. `variant` is empty where the application's own default was meant; `reason` holds the
    error code of one that failed; `bulk_count` of them were answers about all flags, so nobody knows which were read.
    """

    __tablename__ = "flag_usage"
    __table_args__ = {"postgresql_partition_by": "RANGE (slot)"}  # noqa: RUF012 - SQLAlchemy's own convention

    environment_id: Mapped[int] = mapped_column(ForeignKey("environment.id", ondelete="CASCADE"), primary_key=True)
    flag_key: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    variant: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(primary_key=True)
    api_key_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[int]
    bulk_count: Mapped[int]


class FlagSeen(Base):
    """When a flag was last evaluated in an environment, to the minute; `single_at`: asked for by its own name."""

    __tablename__ = "flag_seen"
    __table_args__ = (Index("ix_flag_seen_environment_id_first_at", "environment_id", "first_at"),)

    environment_id: Mapped[int] = mapped_column(ForeignKey("environment.id", ondelete="CASCADE"), primary_key=True)
    flag_key: Mapped[str] = mapped_column(primary_key=True)
    first_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    single_at: Mapped[datetime | None]


class UnknownFlag(Base):
    """A key that applications asked for and the environment did not have: a typing mistake, or deleted too early."""

    __tablename__ = "unknown_flag"

    environment_id: Mapped[int] = mapped_column(ForeignKey("environment.id", ondelete="CASCADE"), primary_key=True)
    flag_key: Mapped[str] = mapped_column(primary_key=True)
    first_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    api_key_id: Mapped[int]
    count: Mapped[int]


class FlagBulk(Base):
    """When an application last asked for all flags at once and was answered here, also that nothing had changed (304):
    nobody knows which of them its code reads.
    """

    __tablename__ = "flag_bulk"

    environment_id: Mapped[int] = mapped_column(ForeignKey("environment.id", ondelete="CASCADE"), primary_key=True)
    api_key_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class FlagDownload(Base):
    """When an application last fetched all flags, to evaluate them by itself where nobody counts."""

    __tablename__ = "flag_download"

    environment_id: Mapped[int] = mapped_column(ForeignKey("environment.id", ondelete="CASCADE"), primary_key=True)
    api_key_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_at: Mapped[datetime]
    seen_at: Mapped[datetime]
