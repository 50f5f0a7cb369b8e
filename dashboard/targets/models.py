"""Watched databases, their environments, their sealed passwords, and what each probe last said."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, UniqueConstraint, false, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dashboard.store import Base

COLORS = ("green", "amber", "red", "blue", "violet", "teal", "pink", "grey")


class Environment(Base):
    """`approvals_needed`: how many others have to agree before a flag changes here; 0: nobody.

    `keeps_contexts`: the last contexts that applications sent are kept for an hour, for who may change flags here.
    """

    __tablename__ = "environment"
    __table_args__ = (CheckConstraint("approvals_needed between 0 and 20", name="approvals_needed"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    color: Mapped[str]
    position: Mapped[int]
    is_production: Mapped[bool] = mapped_column(default=False)
    approvals_needed: Mapped[int] = mapped_column(default=0, server_default="0")
    keeps_contexts: Mapped[bool] = mapped_column(default=False, server_default=false())
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Target(Base):
    __tablename__ = "target"
    __table_args__ = (
        CheckConstraint("origin in ('page', 'command', 'file', 'demo')", name="origin"),
        CheckConstraint("state in ('new', 'reachable', 'unreachable')", name="state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    environment_id: Mapped[int] = mapped_column(ForeignKey("environment.id"), index=True)
    environment: Mapped[Environment] = relationship(lazy="joined", innerjoin=True)
    host: Mapped[str]
    port: Mapped[int]
    dbname: Mapped[str]
    sslmode: Mapped[str]
    sslrootcert: Mapped[str | None]
    migrations_dir: Mapped[str | None]
    origin: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[str]
    logins: Mapped[list["TargetLogin"]] = relationship(cascade="all, delete-orphan", passive_deletes=True)

    state: Mapped[str] = mapped_column(default="new")
    unreachable_since: Mapped[datetime | None]
    unreachable_reason: Mapped[str | None]
    failures: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None]
    collected_at: Mapped[datetime | None]
    server_version: Mapped[int | None]
    system_identifier: Mapped[str | None]
    capabilities: Mapped[list[Any] | None]
    capabilities_at: Mapped[datetime | None]


class TargetLogin(Base):
    """A role on the target: watch (always), explain and steer (opted into). The password is sealed to this row."""

    __tablename__ = "target_login"
    __table_args__ = (
        UniqueConstraint("target_id", "purpose"),
        CheckConstraint("purpose in ('watch', 'explain', 'steer')", name="purpose"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"))
    purpose: Mapped[str]
    username: Mapped[str]
    sealed_password: Mapped[bytes | None] = mapped_column(LargeBinary)


class ProbeState(Base):
    """What a probe of a target last said: ok, partial (some objects locked or late), or unavailable with why."""

    __tablename__ = "probe_state"
    __table_args__ = (CheckConstraint("state in ('ok', 'partial', 'unavailable')", name="state"),)

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    probe: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    reason: Mapped[str | None]
    remedy_sql: Mapped[str | None]
    as_of: Mapped[datetime | None]
    tried_at: Mapped[datetime]
    duration_ms: Mapped[float]
    rows: Mapped[int]


class CollectorCost(Base):
    """What one collection cost: our own time, the target's time for our statements, and how many there were."""

    __tablename__ = "collector_cost"
    __table_args__ = {"postgresql_partition_by": "RANGE (slot)"}

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    cadence: Mapped[str] = mapped_column(primary_key=True)
    duration_ms: Mapped[float]
    target_ms: Mapped[float]
    statements: Mapped[int]
    rows: Mapped[int]
