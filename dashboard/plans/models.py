"""Plans of statement families with the time they were valid, the last question for each, and the last capture."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.store import Base

KINDS = ("generic", "values", "analyze")


class Plan(Base):
    """`document` is EXPLAIN's JSON without what may hold data. Of the kinds generic and values a plan is valid from
    when its `shape` was seen first until another one was; each `analyze` stands for itself.
    """

    __tablename__ = "plan"
    __table_args__ = (
        CheckConstraint(f"kind in {KINDS!r}", name="kind"),
        Index("ix_plan_family", "family_id", "kind", "valid_from"),
        Index("ix_plan_target", "target_id", "valid_from"),
        Index(
            "uq_plan_valid",
            "family_id",
            "kind",
            unique=True,
            postgresql_where=text("valid_until is null and kind <> 'analyze'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"))
    family_id: Mapped[int] = mapped_column(ForeignKey("statement_family.id", ondelete="CASCADE"))
    kind: Mapped[str]
    shape: Mapped[bytes] = mapped_column(LargeBinary)
    document: Mapped[dict[str, Any]]
    nodes: Mapped[int]
    cost: Mapped[float]
    execution_ms: Mapped[float | None]
    search_path: Mapped[str]
    server_version: Mapped[int]
    asked_by: Mapped[str | None]
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime | None]
    seen_at: Mapped[datetime]


class PlanQuestion(Base):
    """The last question for a plan of a family: by whom, and why there was none, if so."""

    __tablename__ = "plan_question"

    family_id: Mapped[int] = mapped_column(ForeignKey("statement_family.id", ondelete="CASCADE"), primary_key=True)
    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    asked_at: Mapped[datetime]
    asked_by: Mapped[str | None]
    sqlstate: Mapped[str | None]
    refusal: Mapped[str | None]
    remedy_sql: Mapped[str | None]


class PlanCapture(Base):
    """When the plans of a target's busiest families were last taken, and how many there were."""

    __tablename__ = "plan_capture"

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    captured_at: Mapped[datetime]
    planned: Mapped[int]
    refused: Mapped[int]
    is_cut: Mapped[bool]
