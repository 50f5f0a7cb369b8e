"""What the sessions of a target were doing: counted once a minute, and looked at every few seconds."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, func
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


class ActivityMinute(Base):
    """A minute of the active-session history: how often was looked, and what a look cost the target.

    `active` and `hidden` are sums over the looks; `blockers` names those that held others up, the worst first.
    """

    __tablename__ = "activity_minute"
    __table_args__ = {"postgresql_partition_by": "RANGE (slot)"}

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    looks: Mapped[int]
    active: Mapped[int]
    most_active: Mapped[int]
    hidden: Mapped[int]
    look_ms: Mapped[float]
    blockers: Mapped[list[Any]]


class ActivityGroup(Base):
    """Sessions of one kind in a minute: `seen` is how often one was met, summed over the looks.

    `queryid` is the server's own number; which family it is, is asked when it is read: a statement's entry may be
    stored long after the statement was seen running.
    """

    __tablename__ = "activity_group"
    __table_args__ = {"postgresql_partition_by": "RANGE (slot)"}

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    wait_class: Mapped[str]
    wait_event: Mapped[str | None]
    queryid: Mapped[int | None]
    application: Mapped[str]
    username: Mapped[str]
    seen: Mapped[int]


class ActivitySampling(Base):
    """How a target is sampled. No row: every two seconds. `pace_s` is the interval that its cost allows."""

    __tablename__ = "activity_sampling"

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    is_on: Mapped[bool] = mapped_column(default=True)
    interval_s: Mapped[int] = mapped_column(default=2)
    pace_s: Mapped[int] = mapped_column(default=2)
    look_ms: Mapped[float | None]
    stopped_reason: Mapped[str | None]
    sampled_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
