"""Findings about the objects of the targets, as last judged, and who set one aside until when."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.store import Base

LEVELS = ("info", "warning", "critical")


class Finding(Base):
    """`key` is stable: the same trouble of the same object keeps its row, id and dismissal when it comes back.

    `opened_at` is when it was (last) found after not being there, `ended_at` when a collection no longer found it.
    A dismissal holds until `dismissed_until`, and only while the level is no higher than it was then;
    `version` counts what people did.
    """

    __tablename__ = "finding"
    __table_args__ = (
        CheckConstraint(f"level in {LEVELS!r}", name="level"),
        UniqueConstraint("target_id", "key"),
        Index("ix_finding_open", "target_id", "source", postgresql_where=text("ended_at is null")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"))
    source: Mapped[str]
    key: Mapped[str]
    rule: Mapped[str]
    level: Mapped[str]
    subject: Mapped[str]
    title: Mapped[str]
    why: Mapped[str]
    href: Mapped[str | None]
    since: Mapped[datetime | None]
    up: Mapped[list[str]]
    down: Mapped[list[str]]
    in_transaction: Mapped[bool]
    note: Mapped[str | None]
    bytes: Mapped[int | None]
    detail: Mapped[dict[str, Any]]
    first_seen_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    dismissed_at: Mapped[datetime | None]
    dismissed_by: Mapped[str | None]
    dismissed_reason: Mapped[str | None]
    dismissed_level: Mapped[str | None]
    dismissed_until: Mapped[datetime | None]
    version: Mapped[int]


class FindingRun(Base):
    """When a source judged last, how much it found, and what it could not judge yet."""

    __tablename__ = "finding_run"

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    found: Mapped[int]
    note: Mapped[str | None]
