"""Sends what waits. A message is claimed before it is sent, so that two workers never send the same one."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from time import monotonic

from flask import current_app
from sqlalchemy import or_, select
from sqlalchemy.orm import aliased

from dashboard.alerts.channel_queries import channel_address, told_by
from dashboard.alerts.flag_telling import changes_told_by
from dashboard.alerts.flag_wire import FlagMessage
from dashboard.alerts.models import AlertChannel, AlertMessage
from dashboard.alerts.senders import NotSent, send
from dashboard.alerts.wire import Message, Outgoing
from dashboard.store import db

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
MOST_ATTEMPTS = 9
LONGEST_WAIT = timedelta(hours=1)
BUDGET_S = 45.0
UNFINISHED = ("waiting", "sending")


def deliver(is_stopping: Callable[[], bool] = lambda: False, *, budget_s: float = BUDGET_S) -> int:
    """Send what is due, the oldest of each channel first; how many went out. Every step is committed by itself.

    A worker that dies while it sends leaves the message claimed; it goes out again, under the same key, when the
    claim has run out.
    """
    until, sent = monotonic() + budget_s, 0
    while monotonic() < until and not is_stopping():
        message = _claim(datetime.now(UTC))
        if message is None:
            break
        sent += _send(message)
    return sent


def wait_before(attempts: int) -> timedelta:
    """1, 2, 4 … minutes, at most an hour."""
    return min(timedelta(minutes=1 << max(0, attempts - 1)), LONGEST_WAIT)


def _claim(now: datetime) -> AlertMessage | None:
    """The oldest message of a channel, when it is due: what is behind a message that waits, waits too."""
    earlier = aliased(AlertMessage)
    is_behind = (
        select(earlier.id)
        .where(earlier.channel_id == AlertMessage.channel_id, earlier.id < AlertMessage.id)
        .where(earlier.state.in_(UNFINISHED))
        .exists()
    )
    ahead = now + LONGEST_WAIT + LEASE  # nobody waits so long: the clock was set back
    is_time = or_(AlertMessage.next_attempt_at <= now, AlertMessage.next_attempt_at > ahead)
    due = select(AlertMessage).where(AlertMessage.state.in_(UNFINISHED), is_time)
    found = due.where(~is_behind).order_by(AlertMessage.id).limit(1).with_for_update(skip_locked=True)
    message = db.session.scalar(found)
    if message is not None:
        message.state, message.attempts, message.next_attempt_at = "sending", message.attempts + 1, now + LEASE
    db.session.commit()
    return message


def _send(message: AlertMessage) -> bool:
    channel = db.session.get_one(AlertChannel, message.channel_id)
    out = _outgoing(message.id)
    message_id, attempts, kind, name = message.id, message.attempts, channel.kind, channel.name
    if not channel.is_on or out is None:
        _end(message, "dropped", "The channel was switched off, or what it was to tell is gone.")
        return False
    address = channel_address(channel)
    db.session.commit()
    try:
        send(kind, address, out)
    except NotSent as failure:
        log.warning("message %s to channel %s, attempt %s: %s", message_id, ascii(name), attempts, failure.sentence)
        _failed(db.session.get_one(AlertMessage, message_id), failure)
        return False
    _end(db.session.get_one(AlertMessage, message_id), "sent", None)
    return True


def _outgoing(message_id: int) -> Outgoing | None:
    """A message tells of alerts or of changes of flags; None when they are gone."""
    if told := told_by(message_id):
        return Message(key_of(message_id), told)
    changes, unsaid = changes_told_by(message_id)
    return FlagMessage(key_of(message_id, "flags"), changes, unsaid) if changes else None


def key_of(message_id: int, about: str = "alert") -> str:
    """The name of a message outside: unique over installations as far as their SECRET_KEYs are."""
    secret: str = current_app.config["SECRET_KEY"]
    return f"{about}-{message_id}-{sha256(f'message:{secret}'.encode()).hexdigest()[:12]}"


def _failed(message: AlertMessage, failure: NotSent) -> None:
    if failure.is_lasting or message.attempts >= MOST_ATTEMPTS:
        _end(message, "failed", failure.sentence)
        return
    message.state, message.problem = "waiting", failure.sentence
    message.next_attempt_at = datetime.now(UTC) + wait_before(message.attempts)
    db.session.commit()


def _end(message: AlertMessage, state: str, problem: str | None) -> None:
    message.state, message.problem = state, problem
    message.sent_at = datetime.now(UTC) if state == "sent" else None
    db.session.commit()
