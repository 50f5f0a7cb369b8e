"""Alerts: what is wrong now, since when, and what was."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.store import Base


class Alert(Base):
    __tablename__ = "alert"
    __table_args__ = (
        CheckConstraint("state in ('firing', 'resolved')", name="state"),
        CheckConstraint("level in ('warning', 'critical')", name="level"),
        Index(
            "uq_alert_firing", "rule", "target_id", "subject", unique=True, postgresql_where=text("state = 'firing'")
        ),
        Index("ix_alert_began_at", "began_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    rule: Mapped[str]
    level: Mapped[str]
    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"))
    subject: Mapped[str]
    title: Mapped[str]
    remedy: Mapped[str]
    state: Mapped[str]
    began_at: Mapped[datetime]
    checked_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
