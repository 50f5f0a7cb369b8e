"""What the sessions of a target were doing, one row a minute."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.store import Base


class ActivitySample(Base):
    __tablename__ = "activity_sample"
    __table_args__ = {"postgresql_partition_by": "RANGE (slot)"}

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    active: Mapped[int]
    idle: Mapped[int]
    idle_in_transaction: Mapped[int]
    waiting: Mapped[int]
    blocked: Mapped[int]
    longest_transaction_ms: Mapped[float | None]
    hidden: Mapped[int]
    by_application: Mapped[dict[str, Any]]
