"""What is wrong and what was; how rules are judged; what is silenced; who is told, of flags too, and with what end."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.store import Base

OPEN = "state in ('pending', 'firing')"


class Alert(Base):
    """`began_at`: bad since; `fired_at`: held long enough to be told; `value` is in the unit of its rule."""

    __tablename__ = "alert"
    __table_args__ = (
        CheckConstraint("state in ('pending', 'firing', 'resolved')", name="state"),
        CheckConstraint("level in ('warning', 'critical')", name="level"),
        Index("uq_alert_open", "rule", "target_id", "subject", unique=True, postgresql_where=text(OPEN)),
        Index("ix_alert_began_at", "began_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    rule: Mapped[str]
    level: Mapped[str]
    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"))
    subject: Mapped[str]
    title: Mapped[str]
    remedy: Mapped[str]
    href: Mapped[str | None]
    value: Mapped[float | None]
    state: Mapped[str]
    began_at: Mapped[datetime]
    fired_at: Mapped[datetime | None]
    calm_since: Mapped[datetime | None]
    checked_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]


class AlertSetting(Base):
    """How a rule is judged in one environment, where that differs from the rule's own defaults."""

    __tablename__ = "alert_setting"
    __table_args__ = (CheckConstraint("level in ('warning', 'critical')", name="level"),)

    rule: Mapped[str] = mapped_column(primary_key=True)
    environment_id: Mapped[int] = mapped_column(ForeignKey("environment.id", ondelete="CASCADE"), primary_key=True)
    is_on: Mapped[bool]
    threshold: Mapped[float]
    minimum: Mapped[float | None]
    for_s: Mapped[int]
    level: Mapped[str]


class AlertSilence(Base):
    """Until `ends_at` alerts that fit every field that is set are shown, but nobody is told."""

    __tablename__ = "alert_silence"

    id: Mapped[int] = mapped_column(primary_key=True)
    rule: Mapped[str | None]
    target_id: Mapped[int | None] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"))
    environment_id: Mapped[int | None] = mapped_column(ForeignKey("environment.id", ondelete="CASCADE"))
    subject: Mapped[str | None]
    reason: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    ends_at: Mapped[datetime] = mapped_column(index=True)


class AlertChannel(Base):
    """Who is told of what, and how. The address may hold secrets: it is sealed to this row; `shown` is for pages.

    `tells_flags_since`: changes of flags are told from then on; None: they are not.
    """

    __tablename__ = "alert_channel"
    __table_args__ = (
        CheckConstraint("kind in ('email', 'webhook', 'apprise')", name="kind"),
        CheckConstraint("level in ('warning', 'critical')", name="level"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    environment_id: Mapped[int | None] = mapped_column(ForeignKey("environment.id", ondelete="CASCADE"))
    level: Mapped[str]
    is_on: Mapped[bool]
    tells_alerts: Mapped[bool] = mapped_column(default=True)
    tells_flags_since: Mapped[datetime | None]
    shown: Mapped[str]
    sealed_address: Mapped[bytes | None] = mapped_column(LargeBinary)
    version: Mapped[int] = mapped_column(default=1)
    created_by: Mapped[str]
    created_at: Mapped[datetime]


class AlertMessage(Base):
    """What goes to a channel at once. A message that was being sent when its worker died is sent again as the same."""

    __tablename__ = "alert_message"
    __table_args__ = (
        CheckConstraint("state in ('waiting', 'sending', 'sent', 'failed', 'dropped')", name="state"),
        Index("ix_alert_message_due", "next_attempt_at", postgresql_where=text("state in ('waiting', 'sending')")),
        Index("ix_alert_message_channel", "channel_id", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("alert_channel.id", ondelete="CASCADE"))
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    problem: Mapped[str | None]


class AlertEvent(Base):
    """One alert that fired or ended, told to one channel: never twice."""

    __tablename__ = "alert_event"
    __table_args__ = (
        UniqueConstraint("alert_id", "channel_id", "event"),
        CheckConstraint("event in ('firing', 'resolved')", name="event"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id", ondelete="CASCADE"))
    channel_id: Mapped[int] = mapped_column(ForeignKey("alert_channel.id", ondelete="CASCADE"))
    message_id: Mapped[int] = mapped_column(ForeignKey("alert_message.id", ondelete="CASCADE"), index=True)
    event: Mapped[str]


class FlagNotice(Base):
    """One change of a flag, told to one channel: never twice."""

    __tablename__ = "flag_notice"

    version_id: Mapped[int] = mapped_column(ForeignKey("flag_version.id", ondelete="CASCADE"), primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("alert_channel.id", ondelete="CASCADE"), primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("alert_message.id", ondelete="CASCADE"), index=True)
