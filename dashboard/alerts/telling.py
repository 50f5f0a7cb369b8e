"""Who has to be told what: alerts that fired or ended → messages for the channels, each alert once."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased
from sqlalchemy.orm.util import AliasedClass

from dashboard.alerts.models import Alert, AlertChannel, AlertEvent, AlertMessage, AlertSilence
from dashboard.store import db
from dashboard.targets.models import Target

RESOLVED_WITHIN = timedelta(days=1)


def tell(now: datetime) -> int:
    """Write the messages that are due, one for each channel; returns how many. Twice writes them once.

    What was silenced when it fired is told when the silence ends, if it still fires. A new channel does not hear of
    what fired before it was made; an end is told only where the beginning was.
    """
    due: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for event, found in (("firing", _fired(now)), ("resolved", _ended(now))):
        for row in db.session.execute(found):
            due[row[0]].append({"alert_id": row[1], "channel_id": row[0], "event": event})
    for channel_id, events in due.items():
        message = AlertMessage(channel_id=channel_id, state="waiting", created_at=now, next_attempt_at=now)
        db.session.add(message)
        db.session.flush()
        rows = [event | {"message_id": message.id} for event in events]
        db.session.execute(insert(AlertEvent).on_conflict_do_nothing(), rows)
    return len(due)


def is_silenced(now: datetime) -> ColumnElement[bool]:
    """Whether a silence of now covers an alert, in a question that has Alert and Target."""
    silence = aliased(AlertSilence)
    return exists().where(silence.ends_at > now, *covers(silence)).correlate(Alert, Target)


def covers(silence: type[AlertSilence] | AliasedClass[AlertSilence]) -> tuple[ColumnElement[bool], ...]:
    """What makes a silence fit an alert: every field that is set is the alert's own."""
    return (
        or_(silence.rule.is_(None), silence.rule == Alert.rule),
        or_(silence.target_id.is_(None), silence.target_id == Alert.target_id),
        or_(silence.environment_id.is_(None), silence.environment_id == Target.environment_id),
        or_(silence.subject.is_(None), silence.subject == Alert.subject),
    )


def _fired(now: datetime) -> Select[int, int]:
    return _of_channels().where(
        Alert.state == "firing",
        Alert.fired_at >= AlertChannel.created_at,
        ~_is_told("firing"),
        ~is_silenced(now),
    )


def _ended(now: datetime) -> Select[int, int]:
    return _of_channels().where(
        Alert.state == "resolved",
        Alert.resolved_at > now - RESOLVED_WITHIN,
        _is_told("firing"),
        ~_is_told("resolved"),
    )


def _of_channels() -> Select[int, int]:
    """Alerts that concern a channel: of its environment, if it has one, and at least of its level."""
    concerns = and_(
        AlertChannel.is_on,
        AlertChannel.tells_alerts,
        or_(AlertChannel.environment_id.is_(None), AlertChannel.environment_id == Target.environment_id),
        or_(AlertChannel.level == "warning", Alert.level == "critical"),
    )
    found = select(AlertChannel.id, Alert.id).select_from(Alert).join(Target, Target.id == Alert.target_id)
    worst_first = case((Alert.level == "critical", 0), else_=1)
    return found.join(AlertChannel, concerns).order_by(AlertChannel.id, worst_first, Alert.id)


def _is_told(event: str) -> ColumnElement[bool]:
    told = aliased(AlertEvent)
    same = (told.alert_id == Alert.id, told.channel_id == AlertChannel.id, told.event == event)
    return exists().where(*same).correlate(Alert, AlertChannel)
