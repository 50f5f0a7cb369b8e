"""Changes of flags that happen at a time."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dashboard.flags.models import Flag
from dashboard.store import Base
from dashboard.targets.models import Environment

STATES = ("pending", "done", "cancelled", "void")
PENDING = "state = 'pending'"


class FlagSchedule(Base):
    """What a flag becomes in an environment, step by step: `steps` are [second (Unix time), document], in order.

    The first `done_steps` are versions of the flag by now; the others were made of `base_version`. When somebody
    changes something else meanwhile, `carried` has them on top of that: of the version that all this `stands_on`.
    `next_at` is when the next one is due.
    """

    __tablename__ = "flag_schedule"
    __table_args__ = (
        CheckConstraint(f"state in {STATES!r}", name="state"),
        CheckConstraint("(state = 'pending') = (next_at is not null)", name="next"),
        Index("uq_flag_schedule_pending", "flag_id", "environment_id", unique=True, postgresql_where=text(PENDING)),
        Index("ix_flag_schedule_next", "next_at", postgresql_where=text(PENDING)),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[UUID] = mapped_column(server_default=func.gen_random_uuid(), unique=True)
    flag_id: Mapped[int] = mapped_column(ForeignKey("flag.id", ondelete="CASCADE"))
    flag: Mapped[Flag] = relationship()
    environment_id: Mapped[int] = mapped_column(ForeignKey("environment.id", ondelete="CASCADE"))
    environment: Mapped[Environment] = relationship()
    base_version: Mapped[int]
    stands_on: Mapped[int]
    done_steps: Mapped[int] = mapped_column(default=0)
    steps: Mapped[list[Any]] = mapped_column(JSON)
    carried: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    title: Mapped[str]
    reason: Mapped[str]
    author: Mapped[str]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    is_approved: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    state: Mapped[str] = mapped_column(default="pending")
    next_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    why: Mapped[str | None]

    @property
    def is_due(self) -> bool:
        """Its time came: applications have the step, and nobody has written it down yet."""
        return self.next_at is not None and self.next_at <= datetime.now(UTC)

    @property
    def coming(self) -> list[tuple[int, dict[str, Any]]]:
        """The steps that are not versions of the flag yet, on top of what it is now."""
        left = self.steps[self.done_steps :]
        documents = self.carried if self.carried is not None else [document for _, document in left]
        return [(at, document) for (at, _), document in zip(left, documents, strict=True)]
