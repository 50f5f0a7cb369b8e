"""Old minutes of the active-session history become hours with the same averages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from dashboard import retention, rollup
from dashboard.activity.history_queries import buckets, kinds, looked
from dashboard.activity.models import ActivityGroup, ActivityMinute
from dashboard.activity.rollups import ROLLUPS
from dashboard.store import db

DAY = datetime(2026, 3, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
SPAN = (DAY, DAY + 24 * HOUR)


@pytest.fixture
def minutes(cloned_store: Any, target_db: Any, watch: Any) -> Any:
    """Three hours of minutes; the target's id."""
    target_id = watch(cloned_store, target_db)
    with cloned_store.app_context():
        retention.keep_house(DAY, 90)
        slots = [DAY + timedelta(minutes=number) for number in range(180)]
        minute = {"looks": 29, "active": 29, "most_active": 4, "hidden": 0, "look_ms": 2.0, "blockers": [{"pid": 1}]}
        group = {"wait_event": None, "queryid": 7, "username": "shop", "seen": 29}
        db.session.execute(insert(ActivityMinute), [minute | {"target_id": target_id, "slot": slot} for slot in slots])
        db.session.execute(insert(ActivityGroup), [
            group | {"target_id": target_id, "slot": slot, "position": place, "wait_class": name, "application": name}
            for slot in slots for place, name in enumerate(("CPU", "Lock"))
        ])  # fmt: skip
        db.session.commit()
        yield target_id
        db.session.rollback()
    target_db.execute(f"drop role watch_{target_db.name}")


def told(target_id: int) -> tuple[Any, ...]:
    """Every answer that speaks of whole hours."""
    known = looked(target_id, *SPAN)
    bars, parts = buckets(target_id, *SPAN, HOUR), kinds(target_id, *SPAN)
    db.session.rollback()
    return known.looks, known.active, known.most_active, known.look_ms, parts, bars


def rows_of(model: Any) -> int:
    """Without holding the table afterwards: a roll-up would wait for the next run."""
    count = db.session.scalar(select(func.count()).select_from(model)) or 0
    db.session.rollback()
    return count


def test_hours_and_days_tell_the_same_as_their_minutes(minutes: int) -> None:
    before = told(minutes)
    assert before[:2] == (29 * 180, 1.0)
    rollup.roll_up(DAY + timedelta(days=9), ROLLUPS, minutes_d=7, hours_d=90)
    assert rows_of(ActivityMinute) == 3
    assert rows_of(ActivityGroup) == 6
    assert told(minutes) == before
    rollup.roll_up(DAY + timedelta(days=99), ROLLUPS, minutes_d=7, hours_d=90)
    assert rows_of(ActivityGroup) == 2
    assert told(minutes)[:5] == before[:5]
