"""What was asked for, or done in an emergency, and who said what to it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.store import Base

KINDS = ("change", "review")
STATES = ("open", "applied", "rejected", "withdrawn", "void", "reviewed")


class ChangeRequest(Base):
    """A change that waits for approval, or (kind review) one that was made without and waits for a second look.

    `document` is what was asked for, `before` what was there at `base_version`; 0: it was not there. What the flags of
    an environment share (`holding.PARTS`) has no flag; its versions count by themselves. A change of the whole flag
    (`holding.WHOLE`) waits in the strictest environment and stands on `everywhere.changes_of`. For a review
    `base_version` is the version that was made. `steps`: what happens when, where it is a schedule. Without `author_id`
    it was asked for on the command line, or the account is gone.
    """

    __tablename__ = "change_request"
    __table_args__ = (
        CheckConstraint(f"kind in {KINDS!r}", name="kind"),
        CheckConstraint(f"state in {STATES!r}", name="state"),
        CheckConstraint("(state = 'open') = (decided_at is null)", name="decided"),
        UniqueConstraint("operation_id", "subject", "place"),
        Index("ix_change_request_open", "flag_id", "environment_id", postgresql_where=text("state = 'open'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[UUID] = mapped_column(server_default=func.gen_random_uuid(), unique=True)
    kind: Mapped[str] = mapped_column(default="change")
    flag_id: Mapped[int | None] = mapped_column(ForeignKey("flag.id", ondelete="SET NULL"))
    environment_id: Mapped[int | None] = mapped_column(ForeignKey("environment.id", ondelete="SET NULL"))
    subject: Mapped[str]
    place: Mapped[str]
    action: Mapped[str]
    title: Mapped[str]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    base_version: Mapped[int]
    steps: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    reason: Mapped[str]
    operation_id: Mapped[str | None]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    author: Mapped[str]
    asked_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    state: Mapped[str] = mapped_column(default="open")
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    decision: Mapped[str | None]
    applied_version: Mapped[int | None]


class ChangeApproval(Base):
    """One person's yes."""

    __tablename__ = "change_approval"

    request_id: Mapped[int] = mapped_column(ForeignKey("change_request.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    author: Mapped[str]
    comment: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime] = mapped_column(server_default=func.now())
