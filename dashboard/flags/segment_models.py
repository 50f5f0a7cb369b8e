"""Segments: conditions under a name that the rules of an environment share."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dashboard.store import Base
from dashboard.targets.models import Environment


class FlagSegment(Base):
    """An entry of the flag set's `$evaluators`; `rule` is JsonLogic that refers to no other segment."""

    __tablename__ = "flag_segment"
    __table_args__ = (
        UniqueConstraint("environment_id", "name"),
        CheckConstraint("name ~ '^[A-Za-z0-9._-]{1,200}$'", name="name"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    environment_id: Mapped[int] = mapped_column(ForeignKey("environment.id"))
    environment: Mapped[Environment] = relationship()
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    rule: Mapped[dict[str, Any]] = mapped_column(JSON)
    version: Mapped[int] = mapped_column(default=1)
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_by: Mapped[str]
