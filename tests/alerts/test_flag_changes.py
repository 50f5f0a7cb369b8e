"""Changes of flags reach people and machines: once each, signed, with what was before and what is now."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dashboard.alerts.channel_edits import add_channel
from dashboard.alerts.deliver import deliver
from dashboard.alerts.flag_telling import tell_of_flags
from dashboard.alerts.flag_wire import FlagChange, FlagMessage
from dashboard.alerts.forms import ChannelForm
from dashboard.alerts.models import AlertMessage
from dashboard.changes.models import Change
from dashboard.flags import pinning, segments
from dashboard.flags.edits import create_flag, set_in_environment, toggle
from dashboard.flags.imports import ensure_environment, import_document
from dashboard.flags.rules import Definition
from dashboard.store import db
from tests.alerts.conftest import Listener, Mailbox
from tests.people import Browser

SECRET = "a shared secret"
OBJECT = Definition(True, {"a": {"z": 1.0, "a": 1e20}}, "a", None, {})
AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def channel(app: Flask, address: str, kind: str = "webhook", **changed: Any) -> None:
    fields = {"name": kind, "environment": "", "level": "warning", "is_on": True, "tells": "flags"} | changed
    with app.app_context():
        made = add_channel(ChannelForm(kind=kind, address=address, secret=SECRET, **fields))
        if made.tells_flags_since:
            made.tells_flags_since -= timedelta(hours=1)
        db.session.commit()


def changed_flag(app: Flask, slug: str = "staging") -> None:
    """Created, set and turned off: three changes."""
    with app.app_context():
        flag = create_flag("shop.limits", "object")
        setting = set_in_environment(flag, ensure_environment(slug), OBJECT, version=0)
        toggle(flag, setting.environment, False, version=None, reason="It is too slow.")
        db.session.commit()


def told(app: Flask) -> int:
    """Write what is due and send it; how many messages went out."""
    with app.app_context():
        tell_of_flags(datetime.now(UTC))
        db.session.commit()
        return deliver()


def test_a_webhook_tells_before_and_after_signed_and_once(app: Flask, listener: Listener) -> None:
    channel(app, listener.url())
    changed_flag(app)
    assert [told(app), told(app)] == [1, 0]
    ((_path, headers, body),) = listener.posts
    at, _, digest = headers["pilothouse-signature"].removeprefix("t=").partition(",v1=")
    assert digest == hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert b'{"z": 1.0, "a": 1e+20}' in body
    sent = json.loads(body)
    assert headers["idempotency-key"] == sent["id"]
    assert [change["title"] for change in sent["flags"]] == [
        "shop.limits created", "shop.limits set in staging", "shop.limits turned off in staging",
    ]  # fmt: skip
    last = sent["flags"][-1]
    assert (last["before"]["state"], last["after"]["state"], last["reason"]) == (
        "ENABLED",
        "DISABLED",
        "It is too slow.",
    )


def test_what_flags_share_is_told_of_like_a_flag(app: Flask, listener: Listener) -> None:
    channel(app, listener.url())
    with app.app_context():
        place, rule = ensure_environment("staging"), {"==": [{"var": "plan"}, "pro"]}
        segments.save(place, "beta", "", rule, version=0)
        segments.save(place, "beta", "Those who pay", rule, version=1, reason="said better")
        segments.remove(place, "beta", version=2)
        pinning.pin(place, "v3", seen=None, reason="all in Python")
        db.session.commit()
    assert [told(app), told(app)] == [1, 0]
    sent = json.loads(listener.posts[0][2])["flags"]
    assert [(one["title"], one["segment"], one["url"].partition("/flags/")[2]) for one in sent] == [
        ("Segment beta added in staging", "beta", "segments/staging/beta/history"),
        ("Segment beta changed in staging: description", "beta", "segments/staging/beta/history"),
        ("Segment beta removed in staging", "beta", "segments/staging/beta/history"),
        ("Bucketing pinned to v3 in staging", None, "bucketing/staging"),
    ]
    assert sent[1]["before"] == {"description": "", "rule": rule}
    assert {one["flag"] for one in sent} == {None}


def test_what_did_not_go_out_is_tried_again_under_the_same_key(app: Flask, store: Session, listener: Listener) -> None:
    channel(app, listener.url())
    changed_flag(app)
    listener.status = 500
    assert told(app) == 0
    message = store.scalars(select(AlertMessage)).one()
    assert (message.state, message.attempts, message.problem) == ("waiting", 1, "The webhook answered 500.")
    message.next_attempt_at = datetime.now(UTC)
    store.commit()
    listener.status = 200
    assert told(app) == 1
    first, second = (json.loads(body)["id"] for _path, _headers, body in listener.posts)
    assert first == second


def test_mail_says_what_changed_who_and_why(app: Flask, mailbox: Mailbox) -> None:
    channel(app, "team@example.com", kind="email")
    changed_flag(app)
    assert told(app) == 1
    assert mailbox.mails[0]["Subject"] == "Flag shop.limits created (and 2 more)"
    text = mailbox.mails[0].get_content()
    assert "state: on → off" in text
    assert "Reason: It is too slow." in text
    assert "https://pilothouse.example.org/flags/shop.limits" in text


@pytest.mark.parametrize(
    ("changed", "titles"),
    [
        ({"environment": "production"}, ["shop.limits created"]),
        ({"tells": "alerts"}, []),
        ({"is_on": False}, []),
        ({"tells": "both", "environment": "staging"}, ["created", "set in staging", "turned off in staging"]),
    ],
)
def test_a_channel_hears_of_its_environment_and_of_what_it_asked_for(
    app: Flask, listener: Listener, changed: dict[str, Any], titles: list[str]
) -> None:
    with app.app_context():
        ensure_environment("production")
        ensure_environment("staging")
        db.session.commit()
    channel(app, listener.url(), **changed)
    changed_flag(app)
    told(app)
    sent = [change["title"] for _path, _headers, body in listener.posts for change in json.loads(body)["flags"]]
    assert all(title.endswith(end) for title, end in zip(sent, titles, strict=True))


def test_a_channel_hears_nothing_of_what_was_before_it(app: Flask, listener: Listener) -> None:
    changed_flag(app)
    with app.app_context():
        add_channel(
            ChannelForm("late", "webhook", "", "warning", True, listener.url(), None, "flags")
        ).tells_flags_since = datetime.now(UTC) + timedelta(minutes=1)
        db.session.commit()
    assert told(app) == 0


def test_the_page_says_what_a_channel_tells_of(as_admin: Browser, listener: Listener) -> None:
    fields = {"name": "Flags", "kind": "webhook", "address": listener.url(), "level": "critical", "is_on": "on"}
    assert as_admin.post("/alerts/channels", data=fields | {"tells": "nonsense"}).status_code == 422
    assert as_admin.post("/alerts/channels", data=fields | {"tells": "both"}).status_code == 303
    assert "Critical only; changes of flags" in " ".join(as_admin.get("/alerts/channels").text.split())


def change(before: dict[str, Any] | None, after: dict[str, Any], **changed: Any) -> FlagChange:
    fields = {"flag": "f", "segment": None, "environment": "staging", "version": 2, "at": AT, "author": "ann"}
    return FlagChange(**fields | {"reason": None, "url": "/flags/f"} | changed, before=before, after=after)


def test_a_file_of_many_flags_is_one_message_that_says_how_many(app: Flask, listener: Listener) -> None:
    channel(app, listener.url())
    one = {"state": "ENABLED", "variants": {"a": 1}}
    with app.app_context():
        import_document(json.dumps({"flags": {f"f-{number}": one for number in range(300)}}), "staging")
        db.session.commit()
    assert [told(app), told(app)] == [1, 0]
    sent = json.loads(listener.posts[0][2])
    assert (len(sent["flags"]), sent["more"]) == (500, 100)
    lane = select(func.count()).select_from(Change).where(Change.kind == "flag")
    with app.app_context():
        assert db.session.scalar(lane) == 1


def test_a_hostile_author_or_value_cannot_add_a_header_or_a_line() -> None:
    old, new = {"state": "ENABLED", "owner": "a"}, {"state": "ENABLED", "owner": "b\r\nBcc: x@example.com"}
    message = FlagMessage("k", [change(old, new, author="eve\nBcc: y@example.com")])
    assert "\n" not in message.subject
    assert not [line for line in message.text.splitlines() if line.startswith("Bcc")]


def test_a_long_message_is_cut_and_says_so() -> None:
    message = FlagMessage("k", [change(None, {"state": "ENABLED"})] * 25)
    assert message.text.endswith("5 more: see the changes page.")
    assert len(message.json()["flags"]) == 25
