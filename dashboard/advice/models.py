"""Advice of the last run on each target: the indexes proposed, and why the other families got none."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.store import Base


class AdviceRun(Base):
    """What the last run rests on. `statistics` says where shares of values came from: read, lent, or denied."""

    __tablename__ = "advice_run"

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[datetime]
    since: Mapped[datetime | None]
    until: Mapped[datetime | None]
    is_complete: Mapped[bool]
    families: Mapped[int]
    parsed: Mapped[int]
    planned: Mapped[int]
    total_ms: Mapped[float]
    statistics: Mapped[str]
    columns_unknown: Mapped[int]
    has_hypopg: Mapped[bool]


class AdviceIndex(Base):
    """An index to build. Times are of the window, with the time of writing it subtracted from what it saves.

    `saved_ms` is the likely one. `key` is stable over runs. `families` holds for each family what it does now and what
    would be left.
    """

    __tablename__ = "advice_index"
    __table_args__ = (UniqueConstraint("target_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"))
    key: Mapped[str]
    schema: Mapped[str]
    table_name: Mapped[str]
    name: Mapped[str]
    method: Mapped[str]
    columns: Mapped[list[str]]
    predicate: Mapped[str | None]
    create_sql: Mapped[str]
    drop_sql: Mapped[str]
    note: Mapped[str | None]
    why: Mapped[str]
    saved_low_ms: Mapped[float]
    saved_high_ms: Mapped[float]
    saved_ms: Mapped[float]
    family_count: Mapped[int]
    families: Mapped[list[Any]]
    size_bytes: Mapped[int]
    table_bytes: Mapped[int]
    written_entries: Mapped[int]
    written_bytes: Mapped[int]
    hot_lost: Mapped[int]
    write_low_ms: Mapped[float]
    write_high_ms: Mapped[float]
    since: Mapped[datetime | None]
    until: Mapped[datetime | None]
    first_seen_at: Mapped[datetime]
    verified_at: Mapped[datetime | None]
    verified_note: Mapped[str | None]


class AdviceReason(Base):
    """Why a family got no index; calls and times are of the window."""

    __tablename__ = "advice_reason"
    __table_args__ = (Index("ix_advice_reason_code", "target_id", "code"),)

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    family_id: Mapped[int] = mapped_column(
        ForeignKey("statement_family.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    code: Mapped[str]
    sentence: Mapped[str]
    calls: Mapped[int]
    total_ms: Mapped[float]
    blocks: Mapped[int]
    has_plan: Mapped[bool]
