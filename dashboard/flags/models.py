"""Flags, what each environment does with them, and every version of that."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dashboard.store import Base
from dashboard.targets.models import Environment

TYPES = ("boolean", "string", "integer", "float", "object")
REACHES = ("off", "partly", "on")
KINDS = ("release", "experiment", "operational", "kill_switch", "permission", "configuration")


class Flag(Base):
    """What all environments share."""

    __tablename__ = "flag"
    __table_args__ = (
        CheckConstraint(f"type in {TYPES!r}", name="type"),
        CheckConstraint(f"kind in {KINDS!r}", name="kind"),
        CheckConstraint("key ~ '^[A-Za-z0-9._-]{1,200}$'", name="key"),
        CheckConstraint("expected_life_d between 1 and 3650", name="expected_life_d"),
        Index("ix_flag_changed_at", "changed_at", "key"),
        Index("ix_flag_created_at", "created_at", "key"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    description: Mapped[str] = mapped_column(default="")
    type: Mapped[str]
    kind: Mapped[str] = mapped_column(default="release")
    owner: Mapped[str] = mapped_column(default="")
    tags: Mapped[list[str]] = mapped_column(default=list)
    expected_life_d: Mapped[int | None]
    json_schema: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_by: Mapped[str] = mapped_column(default="", server_default="")
    archived_at: Mapped[datetime | None]
    archived_by: Mapped[str | None]
    settings: Mapped[list["FlagSetting"]] = relationship(back_populates="flag", cascade="all, delete-orphan")


class FlagSetting(Base):
    """A flag in one environment. Variants keep their order and their exact JSON: `json`, never `jsonb`.

    `served` is what applications get where it is not the definition itself: compiled from it, from the flags that it
    needs and from changes to come (`flags.serving`).
    `reach`: whether everybody gets the same; `outcome` names what that is since `settled_at`, well enough to compare it
    (None: not the same for all; empty: the default in code).
    """

    __tablename__ = "flag_setting"
    __table_args__ = (
        UniqueConstraint("flag_id", "environment_id"),
        Index("ix_flag_setting_environment", "environment_id"),
        Index(
            "ix_flag_setting_prerequisites",
            "environment_id",
            postgresql_where=text("prerequisites is not null"),
        ),
        CheckConstraint(f"reach in {REACHES!r}", name="reach"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    flag_id: Mapped[int] = mapped_column(ForeignKey("flag.id", ondelete="CASCADE"))
    flag: Mapped[Flag] = relationship(back_populates="settings")
    environment_id: Mapped[int] = mapped_column(ForeignKey("environment.id"))
    environment: Mapped[Environment] = relationship()
    enabled: Mapped[bool]
    variants: Mapped[dict[str, Any]] = mapped_column(JSON)
    default_variant: Mapped[str | None]
    targeting: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    flag_metadata: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    prerequisites: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    unmet_variant: Mapped[str | None]
    served: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), deferred=True)
    served_version: Mapped[int] = mapped_column(default=1, server_default="1", deferred=True)
    public_id: Mapped[UUID] = mapped_column(server_default=func.gen_random_uuid(), unique=True)
    reach: Mapped[str] = mapped_column(default="partly", server_default="partly")
    outcome: Mapped[str | None]
    settled_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    version: Mapped[int] = mapped_column(default=1)
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_by: Mapped[str]


class FlagVersion(Base):
    """What a flag was after a change: its flagd definition in an environment, or (without one) what all share.

    Without a flag: what the flags of an environment share, a segment or (without one) how percentages are drawn; an
    empty document is that of a segment that was removed.
    """

    __tablename__ = "flag_version"
    __table_args__ = (
        UniqueConstraint("flag_id", "environment_id", "version"),
        CheckConstraint(
            "(flag_id is not null and segment is null) or (flag_id is null and environment_id is not null)", name="part"
        ),
        Index(
            "uq_flag_version_part",
            "environment_id",
            text("coalesce(segment, '')"),
            "version",
            unique=True,
            postgresql_where=text("flag_id is null"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    flag_id: Mapped[int | None] = mapped_column(ForeignKey("flag.id", ondelete="CASCADE"))
    environment_id: Mapped[int | None] = mapped_column(ForeignKey("environment.id"))
    segment: Mapped[str | None]
    version: Mapped[int]
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    author: Mapped[str]
    reason: Mapped[str | None]


class FlagRevision(Base):
    """Counts the changes of an environment's flags: what processes poll and ETags are made of.

    `set_metadata` is the metadata of the whole flag set, as flagd documents carry it at their top.
    """

    __tablename__ = "flag_revision"
    __table_args__ = (CheckConstraint("bucketing in ('v2', 'v3')", name="bucketing"),)

    environment_id: Mapped[int] = mapped_column(ForeignKey("environment.id", ondelete="CASCADE"), primary_key=True)
    revision: Mapped[int]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    set_metadata: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, server_default="{}")
    bucketing: Mapped[str] = mapped_column(default="v2", server_default="v2")


class FlagOperation(Base):
    """The id of a form that was carried out: a second click or a retry of the same form changes nothing."""

    __tablename__ = "flag_operation"

    id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
