"""Questions about channels, what they were told, and silences."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import aliased

from dashboard.alerts.models import Alert, AlertChannel, AlertEvent, AlertMessage, AlertSilence
from dashboard.alerts.senders import Address
from dashboard.alerts.telling import covers
from dashboard.alerts.wire import Told
from dashboard.errors import NotFound
from dashboard.settings import Settings
from dashboard.store import db
from dashboard.targets.models import Environment, Target
from dashboard.targets.secrets import Unsealable, unseal

PURPOSE = "alert_channel"


@dataclass(frozen=True)
class ChannelRow:
    """A channel with its last messages counted; the address is as much as pages may show."""

    id: int
    name: str
    kind: str
    environment: str | None
    level: str
    is_on: bool
    tells_alerts: bool
    tells_flags_since: datetime | None
    shown: str
    version: int
    waiting: int
    failed: int
    last_sent_at: datetime | None
    problem: str | None


@dataclass(frozen=True)
class MessageRow:
    """A message as the page of an alert tells it."""

    channel: str
    event: str
    state: str
    attempts: int
    created_at: datetime
    sent_at: datetime | None
    problem: str | None


@dataclass(frozen=True)
class SilenceRow:
    id: int
    rule: str | None
    target: str | None
    environment: str | None
    subject: str | None
    reason: str
    created_by: str
    created_at: datetime
    ends_at: datetime


def channels() -> list[ChannelRow]:
    """Every channel by name, with what waits and what failed in the last seven days."""
    message = AlertMessage
    recent = message.created_at > func.now() - func.make_interval(0, 0, 0, 7)
    counted = (
        select(
            message.channel_id,
            func.count().filter(message.state.in_(("waiting", "sending"))).label("waiting"),
            func.count().filter(message.state == "failed", recent).label("failed"),
            func.max(message.sent_at).label("last_sent_at"),
            func.array_agg(aggregate_order_by(message.problem, message.id.desc()))
            .filter(message.state.in_(("waiting", "failed")), recent)[1]
            .label("problem"),
        )
        .group_by(message.channel_id)
        .subquery()
    )
    names = ("id", "name", "kind", "level", "is_on", "tells_alerts", "tells_flags_since", "shown", "version")
    found = (
        select(
            *(getattr(AlertChannel, name) for name in names),
            Environment.slug.label("environment"),
            func.coalesce(counted.c.waiting, 0).label("waiting"),
            func.coalesce(counted.c.failed, 0).label("failed"),
            counted.c.last_sent_at,
            counted.c.problem,
        )
        .outerjoin(Environment, Environment.id == AlertChannel.environment_id)
        .outerjoin(counted, counted.c.channel_id == AlertChannel.id)
        .order_by(AlertChannel.name)
    )
    return [ChannelRow(**row._mapping) for row in db.session.execute(found)]  # noqa: SLF001


def channel_by_id(channel_id: int) -> AlertChannel:
    """Raises NotFound."""
    channel = db.session.get(AlertChannel, channel_id) if channel_id < 1 << 63 else None
    if channel is None:
        raise NotFound("There is no such channel; somebody may have removed it.")
    return channel


def channel_address(channel: AlertChannel) -> Address:
    """Raises nothing: an address that does not open any more leads nowhere, and sending says so."""
    if channel.sealed_address is None:
        return Address("")
    try:
        opened = unseal(channel.sealed_address, current_app.config["SECRET_KEY"], login_id=channel.id, purpose=PURPOSE)
    except Unsealable:
        return Address("")
    to, _, secret = opened.partition("\n")
    return Address(to, secret or None)


def told_by(message_id: int) -> list[Told]:
    """The alerts of a message, the worst first."""
    settings: Settings = current_app.extensions["pilothouse_settings"]
    found = (
        select(
            AlertEvent.event,
            Alert.id.label("alert_id"),
            Alert.rule,
            Alert.level,
            Target.slug.label("target"),
            Environment.slug.label("environment"),
            Alert.title,
            Alert.remedy,
            Alert.began_at,
            Alert.resolved_at,
        )
        .join(Alert, Alert.id == AlertEvent.alert_id)
        .join(Target, Target.id == Alert.target_id)
        .join(Environment, Environment.id == Target.environment_id)
        .where(AlertEvent.message_id == message_id)
        .order_by(AlertEvent.event, Alert.level, Alert.id)
    )
    base = settings.url or ""
    return [
        Told(**row._mapping, url=f"{base}/alerts/{row.alert_id}")  # noqa: SLF001
        for row in db.session.execute(found)
    ]


def messages_of(alert_id: int) -> list[MessageRow]:
    """Who was told of an alert, oldest first."""
    found = (
        select(
            AlertChannel.name.label("channel"),
            AlertEvent.event,
            AlertMessage.state,
            AlertMessage.attempts,
            AlertMessage.created_at,
            AlertMessage.sent_at,
            AlertMessage.problem,
        )
        .select_from(AlertEvent)
        .join(AlertMessage, AlertMessage.id == AlertEvent.message_id)
        .join(AlertChannel, AlertChannel.id == AlertEvent.channel_id)
        .where(AlertEvent.alert_id == alert_id)
        .order_by(AlertMessage.id, AlertChannel.name)
    )
    return [MessageRow(**row._mapping) for row in db.session.execute(found)]  # noqa: SLF001


def silences(now: datetime) -> list[SilenceRow]:
    """Those in force, the one that ends next first."""
    return _silences(AlertSilence.ends_at > now)


def silences_of(alert_id: int, now: datetime) -> list[SilenceRow]:
    """Those in force that cover one alert: the last one to end keeps it silent."""
    alert = select(Alert.id).join(Target, Target.id == Alert.target_id).where(Alert.id == alert_id)
    return _silences(AlertSilence.ends_at > now, alert.where(*covers(AlertSilence)).correlate(AlertSilence).exists())


def _silences(*wanted: ColumnElement[bool]) -> list[SilenceRow]:
    names: tuple[Any, ...] = tuple(
        getattr(AlertSilence, name)
        for name in ("id", "rule", "subject", "reason", "created_by", "created_at", "ends_at")
    )
    target = aliased(Target)
    found = (
        select(*names, target.slug.label("target"), Environment.slug.label("environment"))
        .outerjoin(target, target.id == AlertSilence.target_id)
        .outerjoin(Environment, Environment.id == AlertSilence.environment_id)
        .where(*wanted)
        .order_by(AlertSilence.ends_at, AlertSilence.id)
    )
    return [SilenceRow(**row._mapping) for row in db.session.execute(found)]  # noqa: SLF001


def silence_by_id(silence_id: int, now: datetime) -> AlertSilence:
    """Raises NotFound, also for one that has ended."""
    silence = db.session.get(AlertSilence, silence_id) if silence_id < 1 << 63 else None
    if silence is None or silence.ends_at <= now:
        raise NotFound("This silence has ended.")
    return silence
