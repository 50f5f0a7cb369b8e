"""Alerts begin, stay and end; the page says what to do."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.alerts.collect import check
from dashboard.alerts.models import Alert
from dashboard.server.models import ReplicationState
from dashboard.targets.models import Target

NOW = datetime.now(UTC)


@pytest.fixture
def down(store: Session, target: Target) -> Target:
    row = store.get_one(Target, target.id)
    row.state, row.unreachable_since = "unreachable", NOW - timedelta(minutes=10)
    row.unreachable_reason = "The server refused the connection."
    store.commit()
    return row


def check_at(app: Flask, store: Session, at: datetime) -> bool:
    with app.app_context():
        changed = check(at)
    store.expire_all()
    return changed


def test_a_target_that_is_down_fires_once(app: Flask, store: Session, down: Target) -> None:
    assert check_at(app, store, NOW) is True
    assert check_at(app, store, NOW + timedelta(minutes=1)) is False
    (alert,) = store.scalars(select(Alert)).all()
    assert (alert.state, alert.began_at, alert.checked_at) == ("firing", NOW, NOW + timedelta(minutes=1))


def test_a_target_that_is_back_resolves_its_alert(app: Flask, store: Session, down: Target) -> None:
    check_at(app, store, NOW)
    down.state, down.unreachable_since, down.collected_at = "reachable", None, NOW
    store.commit()
    assert check_at(app, store, NOW + timedelta(minutes=1)) is False
    assert check_at(app, store, NOW + timedelta(minutes=4)) is True
    (alert,) = store.scalars(select(Alert)).all()
    assert (alert.state, alert.resolved_at) == ("resolved", NOW + timedelta(minutes=4))


def test_a_lag_that_is_not_known_any_more_does_not_end_its_alert(app: Flask, store: Session, target: Target) -> None:
    place = {"slots": [], "subscriptions": [], "conflicts": {}, "is_standby": False, "position": {}, "senders": []}
    state = ReplicationState(target_id=target.id, slot=NOW, **place)
    store.add(state)
    told = []
    unknown, caught_up = (9_000_000, None), (0, None)
    course = [(0, (9_000_000, 90_000.0)), (3, (9_000_000, 90_000.0)), (6, unknown), (12, unknown), (13, caught_up)]
    for minute, (behind, lag_ms) in [*course, (16, caught_up)]:
        sender = {"application": "replica", "address": None, "unreplayed_bytes": behind, "replay_lag_ms": lag_ms}
        state.slot, state.senders = NOW + timedelta(minutes=minute), [sender]
        store.commit()
        check_at(app, store, state.slot)
        alert = store.scalars(select(Alert).where(Alert.rule == "replication_lag")).one()
        told.append((alert.state, alert.title))
    assert [standing for standing, _ in told] == ["pending", *["firing"] * 4, "resolved"]
    assert {title for _, title in told} == {"replica is 1 min 30 s behind on shop"}


def test_the_page_shows_what_is_wrong_and_what_to_do(app: Flask, store: Session, as_viewer: Any, down: Target) -> None:
    check_at(app, store, NOW)
    page = as_viewer.get("/alerts").text
    assert f"{down.slug} is unreachable" in page
    assert "The server refused the connection." in page


def test_the_list_is_json_too(app: Flask, store: Session, as_viewer: Any, down: Target) -> None:
    check_at(app, store, NOW)
    (row,) = as_viewer.get("/alerts?format=json&state=firing").json["rows"]
    assert (row["rule"], row["target"], row["level"]) == ("target_unreachable", down.slug, "critical")
    assert as_viewer.get("/alerts?format=json&state=resolved").json["total"] == 0


def test_calm_is_said_in_words(target: Any, as_viewer: Any) -> None:
    assert "All calm" in as_viewer.get("/alerts").text


def test_calm_is_not_said_of_nothing(as_viewer: Any) -> None:
    assert "Nothing is watched yet" in as_viewer.get("/alerts").text


def test_a_visitor_is_sent_to_sign_in(client: Any) -> None:
    assert client.get("/alerts").status_code == 303


def test_an_unknown_state_is_refused_by_name(as_viewer: Any) -> None:
    assert as_viewer.get("/alerts?state=odd").status_code == 422
