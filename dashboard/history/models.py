"""Revisions of the targets' migrations as last read, and when the heads of a database moved."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.store import Base

STATES = ("applied", "pending", "running", "failed", "rolled_back", "interrupted")
EVIDENCE = ("recorded", "elsewhere", "before_recording")


class Revision(Base):
    """One migration of a target; `position` is its place in the order of applying, `state` None: cannot be known."""

    __tablename__ = "revision"
    __table_args__ = (
        CheckConstraint(f"state in {STATES!r}", name="state"),
        CheckConstraint(f"evidence in {EVIDENCE!r}", name="evidence"),
        Index("ix_revision_position", "target_id", "position"),
    )

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    revision: Mapped[str] = mapped_column(primary_key=True)
    tool: Mapped[str]
    down_revisions: Mapped[list[str]]
    depends_on: Mapped[list[str]]
    labels: Mapped[list[str]]
    message: Mapped[str]
    author: Mapped[str | None]
    written_at: Mapped[datetime | None]
    path: Mapped[str | None]
    source: Mapped[str | None]
    position: Mapped[int]
    is_head: Mapped[bool]
    state: Mapped[str | None]
    evidence: Mapped[str | None]
    applied_after: Mapped[datetime | None]
    applied_before: Mapped[datetime | None]


class HeadMove(Base):
    """The heads in a version table changed between two readings: after `after`, no later than `seen_at`."""

    __tablename__ = "head_move"
    __table_args__ = (Index("ix_head_move_seen", "target_id", "seen_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"))
    place: Mapped[str]
    after: Mapped[datetime | None]
    seen_at: Mapped[datetime]
    heads_before: Mapped[list[str] | None]
    heads: Mapped[list[str]]


class HistoryReading(Base):
    """What the last reading of a target saw: `places` maps each version table to its heads."""

    __tablename__ = "history_reading"

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    read_at: Mapped[datetime]
    folder: Mapped[str | None]
    folder_signature: Mapped[str | None]
    folder_problem: Mapped[str | None]
    folder_findings: Mapped[list[Any]]
    places: Mapped[dict[str, Any]]
    findings: Mapped[list[Any]]
