"""The change lane: one row for anything that somebody or something changed."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.store import Base

KINDS = (
    "flag", "migration", "schema", "setting", "index", "rewrite", "analyze", "reset", "crash", "restart", "failover",
    "session", "target",
)  # fmt: skip


class Change(Base):
    """`at` is when it happened or was noticed; `noticed_after` opens the span when the exact time is unknown."""

    __tablename__ = "change"
    __table_args__ = (
        CheckConstraint(f"kind in {KINDS!r}", name="kind"),
        Index("ix_change_target_at", "target_id", "at"),
        Index("ix_change_environment_at", "environment_id", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    noticed_after: Mapped[datetime | None]
    kind: Mapped[str]
    title: Mapped[str]
    author: Mapped[str | None]
    target_id: Mapped[int | None] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"))
    environment_id: Mapped[int | None] = mapped_column(ForeignKey("environment.id", ondelete="SET NULL"))
    subject: Mapped[str]
    detail: Mapped[dict[str, Any]]
    dedupe_key: Mapped[str | None] = mapped_column(unique=True)
