"""A lag does not end because nobody is there any more to be behind."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.alerts.collect import check
from dashboard.alerts.models import Alert
from dashboard.server.models import ReplicationSample, ReplicationState
from dashboard.targets.models import Target

NOW = datetime.now(UTC).replace(second=0, microsecond=0)
Look = Callable[..., list[tuple[str, str]]]


def sender(address: str, behind_s: float, application: str = "copy") -> dict[str, Any]:
    return {"application": application, "address": address, "replay_lag_ms": behind_s * 1000} | {
        "unreplayed_bytes": 9 if behind_s else 0
    }


@pytest.fixture
def look(app: Flask, store: Session, target: Target) -> Look:
    """Judges a reading of a minute; returns state and title of each alert of lag."""
    place = {"slots": [], "subscriptions": [], "conflicts": {}, "is_standby": False, "position": {}, "senders": []}
    state = ReplicationState(target_id=target.id, slot=NOW, **place)
    store.add(state)

    def once(minute: int, senders: list[dict[str, Any]], **changed: Any) -> list[tuple[str, str]]:
        state.slot, state.senders = NOW + timedelta(minutes=minute), senders
        for name, value in changed.items():
            setattr(state, name, value)
        for name in {f"{one['application']} @ {one['address']}" for one in senders}:
            sample = ReplicationSample(target_id=target.id, slot=state.slot, kind="sender", name=name)
            store.add(sample)
        store.commit()
        with app.app_context():
            check(state.slot)
        store.expire_all()
        found = select(Alert).where(Alert.rule == "replication_lag").order_by(Alert.id)
        return [(alert.state, alert.title) for alert in store.scalars(found)]

    return once


@pytest.fixture
def fired(look: Look) -> Look:
    look(0, [sender("10.0.0.5", 90), sender("10.0.0.6", 0)])
    ((state, _),) = look(3, [sender("10.0.0.5", 90), sender("10.0.0.6", 0)])
    assert state == "firing"
    return look


def test_a_follower_that_left_while_its_alert_fires_stays_for_a_day(fired: Look, target: Target) -> None:
    others = [sender("10.0.0.6", 0)]
    for minute in (4, 8, 600):
        ((state, title),) = fired(minute, others)
        assert (state, title.split(",")[0]) == ("firing", f"copy @ 10.0.0.5 is no longer connected to {target.slug}")
    fired(1444, others)
    assert fired(1448, others)[0][0] == "resolved"


def test_it_ends_when_one_of_its_application_is_back_and_caught_up(fired: Look) -> None:
    back = [sender("10.0.0.6", 0), sender("10.0.0.9", 80)]
    assert fired(4, back)[0][0] == "firing"
    back = [sender("10.0.0.6", 0), sender("10.0.0.9", 0)]
    assert fired(5, back)[0][0] == "firing"
    assert fired(8, back)[0][0] == "resolved"


def test_a_server_that_became_a_standby_waits_for_no_follower(fired: Look) -> None:
    receiver = {"status": "streaming", "heard_at": None, "unreceived_bytes": 0}
    position = {"receiver": receiver, "replayed_at": None, "asked_at": NOW.isoformat(), "unreplayed_bytes": 0}
    fired(4, [], is_standby=True, position=position)
    assert fired(7, [])[0][0] == "resolved"


def test_followers_that_were_never_behind_raise_nothing_when_they_leave(look: Look) -> None:
    look(0, [sender("10.0.0.5", 0), sender("10.0.0.7", 0, "pg_basebackup")])
    assert look(1, []) == []
    assert look(9, []) == []


def test_a_standby_without_its_primary_fires_until_it_is_back(look: Look, target: Target) -> None:
    alone = {"receiver": None, "unreplayed_bytes": 0, "replayed_at": None, "heard_at": NOW.isoformat()}
    told = []
    for minute in (0, 1, 4):
        position = alone | {"asked_at": (NOW + timedelta(minutes=minute)).isoformat()}
        told.append(look(minute, [], is_standby=True, position=position))
    ((state, title),) = told[-1]
    assert ([len(one) for one in told], state) == ([0, 1, 1], "firing")
    assert title == f"{target.slug} is not connected to its primary since {NOW:%Y-%m-%d %H:%M} UTC"
