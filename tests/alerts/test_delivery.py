"""Alerts reach people: once each, signed, tried again, silenced, and never with a secret on a page."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dashboard.alerts.channel_edits import add_channel, add_silence
from dashboard.alerts.collect import check
from dashboard.alerts.deliver import deliver, wait_before
from dashboard.alerts.forms import ChannelForm, SilenceForm
from dashboard.alerts.models import AlertChannel, AlertEvent, AlertMessage, AlertSilence
from dashboard.store import db
from dashboard.targets.models import Target
from tests.alerts.conftest import Listener, Mailbox

NOW = datetime.now(UTC) - timedelta(minutes=10)
LATER = NOW + timedelta(minutes=20)


@pytest.fixture
def down(store: Session, target: Target) -> Target:
    row = store.get_one(Target, target.id)
    row.state, row.unreachable_since = "unreachable", NOW - timedelta(minutes=10)
    row.unreachable_reason = "The server refused\nthe connection."
    store.commit()
    return row


def channel(app: Flask, kind: str, address: str, secret: str | None = None, **changed: Any) -> None:
    fields = {"name": kind, "kind": kind, "environment": "", "level": "warning", "is_on": True} | changed
    with app.app_context():
        made = add_channel(ChannelForm(**fields, address=address, secret=secret))
        made.created_at = NOW - timedelta(hours=1)
        db.session.commit()


def judged(app: Flask, at: datetime = NOW) -> int:
    """Judge and send; how many messages went out."""
    with app.app_context():
        check(at)
        return deliver()


def back(store: Session, target: Target) -> None:
    target.state, target.unreachable_since, target.collected_at = "reachable", None, NOW + timedelta(minutes=6)
    store.commit()


def test_an_alert_is_mailed_once_and_so_is_its_end(app: Flask, store: Session, mailbox: Mailbox, down: Target) -> None:
    channel(app, "email", "oncall@example.com")
    assert [judged(app), judged(app), judged(app, NOW + timedelta(minutes=1))] == [1, 0, 0]
    (mail,) = mailbox.mails
    assert mail["Subject"] == "[development] Critical: shop is unreachable"
    assert mail["To"] == "oncall@example.com"
    assert "https://pilothouse.example.org/alerts/" in mail.get_content()
    back(store, down)
    judged(app, NOW + timedelta(minutes=2))
    assert judged(app, NOW + timedelta(minutes=6)) == 1
    assert mailbox.mails[1]["Subject"] == "[development] Resolved: shop is unreachable"


def test_a_webhook_is_signed_over_time_and_body(app: Flask, listener: Listener, down: Target) -> None:
    channel(app, "webhook", listener.url(), "a shared secret")
    assert judged(app) == 1
    ((path, headers, body),) = listener.posts
    at, _, digest = headers["pilothouse-signature"].removeprefix("t=").partition(",v1=")
    assert digest == hmac.new(b"a shared secret", f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    told = json.loads(body)
    assert (path, headers["idempotency-key"]) == ("/hook", told["id"])
    assert (told["alerts"][0]["rule"], told["alerts"][0]["event"]) == ("target_unreachable", "firing")


def test_apprise_carries_an_alert_to_its_services(app: Flask, listener: Listener, down: Target) -> None:
    channel(app, "apprise", f"ntfy://127.0.0.1:{listener.port}/oncall?mode=private")
    assert judged(app) == 1
    assert b"shop is unreachable" in listener.posts[0][2]


def test_what_did_not_go_out_is_tried_again_under_the_same_key(
    app: Flask, store: Session, listener: Listener, down: Target
) -> None:
    listener.status = 503
    channel(app, "webhook", listener.url())
    assert judged(app) == 0
    assert judged(app) == 0
    message = store.scalars(select(AlertMessage)).one()
    assert (message.state, message.attempts, message.problem) == ("waiting", 1, "The webhook answered 503.")
    listener.status = 200
    store.execute(update(AlertMessage).values(next_attempt_at=NOW))
    store.commit()
    assert judged(app) == 1
    keys = [headers["idempotency-key"] for _, headers, _ in listener.posts]
    assert keys[0] == keys[1]


def test_a_worker_that_died_while_sending_leaves_the_message_to_the_next(
    app: Flask, store: Session, listener: Listener, down: Target
) -> None:
    channel(app, "webhook", listener.url())
    with app.app_context():
        check(NOW)
    store.execute(update(AlertMessage).values(state="sending", attempts=1, next_attempt_at=LATER))
    store.commit()
    assert judged(app) == 0
    store.execute(update(AlertMessage).values(next_attempt_at=NOW))
    store.commit()
    assert judged(app) == 1


def test_a_message_need_not_wait_until_a_clock_that_was_set_back_has_caught_up(
    app: Flask, store: Session, listener: Listener, down: Target
) -> None:
    channel(app, "webhook", listener.url())
    with app.app_context():
        check(NOW)
    store.execute(update(AlertMessage).values(next_attempt_at=NOW + timedelta(days=400)))
    store.commit()
    assert (judged(app), judged(app)) == (1, 0)


def test_an_address_that_is_refused_for_good_is_not_tried_for_hours(
    app: Flask, store: Session, listener: Listener, down: Target
) -> None:
    listener.status = 410
    channel(app, "webhook", listener.url())
    judged(app)
    assert store.scalars(select(AlertMessage.state)).one() == "failed"


def test_a_redirect_is_not_followed(app: Flask, store: Session, listener: Listener, down: Target) -> None:
    listener.status = 302
    channel(app, "webhook", listener.url())
    judged(app)
    assert [path for path, _, _ in listener.posts] == ["/hook"]
    assert store.scalars(select(AlertMessage.problem)).one() == "The webhook answered 302."


@pytest.mark.parametrize("host", ["169.254.169.254", "10.1.2.3", "[::ffff:10.1.2.3]", "0.0.0.0", "224.0.0.1"])  # noqa: S104
def test_a_webhook_never_goes_to_a_network_that_was_not_allowed(
    app: Flask, store: Session, down: Target, host: str
) -> None:
    channel(app, "webhook", f"http://{host}/hook")
    judged(app)
    assert store.scalars(select(AlertMessage.state)).one() == "failed"


def test_a_silence_holds_the_message_back_until_it_ends(
    app: Flask, store: Session, listener: Listener, down: Target
) -> None:
    channel(app, "webhook", listener.url())
    with app.app_context():
        add_silence(SilenceForm(None, down.slug, None, "moving it", timedelta(hours=1)), NOW)
        db.session.commit()
    assert judged(app) == 0
    store.execute(update(AlertSilence).values(ends_at=NOW))
    store.commit()
    assert judged(app) == 1


@pytest.mark.parametrize("changed", [{"level": "critical"}, {"environment": "development"}])
def test_a_channel_hears_of_its_level_and_environment(
    app: Flask, listener: Listener, down: Target, changed: dict[str, str]
) -> None:
    channel(app, "webhook", listener.url(), **changed)
    assert judged(app) == 1


def test_a_channel_that_is_off_or_new_hears_nothing_of_what_fires(
    app: Flask, store: Session, listener: Listener, down: Target
) -> None:
    channel(app, "webhook", listener.url(), is_on=False)
    assert judged(app) == 0
    store.execute(update(AlertChannel).values(is_on=True, created_at=LATER))
    store.commit()
    assert judged(app) == 0
    assert store.scalars(select(AlertEvent)).all() == []


def test_the_wait_between_attempts_doubles_up_to_an_hour() -> None:
    minutes = [wait_before(attempt).total_seconds() / 60 for attempt in range(1, 9)]
    assert minutes == [1, 2, 4, 8, 16, 32, 60, 60]


def test_names_of_a_target_break_no_header(app: Flask, store: Session, mailbox: Mailbox, down: Target) -> None:
    down.slug = "shop\r\nBcc: everybody@example.com"
    store.commit()
    channel(app, "email", "oncall@example.com")
    assert judged(app) == 1
    assert mailbox.mails[0]["Bcc"] is None
