"""Partitions by day: made ahead, rows moved in, old ones dropped; and jobs that run them."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import insert, select, text

from dashboard import retention, rollup
from dashboard.jobs import ROLLUPS
from dashboard.store import db
from dashboard.targets.models import CollectorCost, Environment, Target

NOW = datetime.now(UTC)


@pytest.fixture
def target_id(cloned_store: Flask):
    with cloned_store.app_context():
        target = Target(
            slug="x", name="X", host="h", port=1, dbname="d", sslmode="disable", origin="page", created_by="t"
        )
        target.environment = db.session.scalars(select(Environment).limit(1)).one()
        db.session.add(target)
        db.session.commit()
        yield target.id
        db.session.rollback()


def add(target_id: int, slot: datetime) -> None:
    values = {"cadence": "minute", "duration_ms": 1, "target_ms": 1, "statements": 1, "rows": 1}
    db.session.execute(insert(CollectorCost).values(target_id=target_id, slot=slot, **values))
    db.session.commit()


def places() -> list[str]:
    found = list(db.session.scalars(text("select tableoid::regclass::text from collector_cost order by slot")))
    db.session.commit()
    return found


def test_every_history_table_gets_its_next_days(target_id):
    tables = retention.partitioned()
    assert "statement_sample" in {table.name for table in tables}
    assert retention.keep_house(NOW, 30) == 4 * len(tables)
    assert retention.keep_house(NOW, 30) == 0


def test_rows_that_came_before_their_partition_move_in(target_id):
    add(target_id, NOW)
    assert places() == ["collector_cost_pdefault"]
    retention.keep_house(NOW, 30)
    add(target_id, NOW + timedelta(days=1))
    days = [NOW + timedelta(days=ahead) for ahead in (0, 1)]
    assert places() == [f"collector_cost_p{day:%Y%m%d}" for day in days]


def test_what_is_too_old_is_dropped_wherever_it_is(target_id):
    add(target_id, NOW - timedelta(days=9))
    retention.keep_house(NOW, 30)
    add(target_id, NOW)
    retention.keep_house(NOW + timedelta(days=3), 2)
    assert places() == []


def test_a_past_day_whose_rows_found_no_partition_gets_one(target_id):
    add(target_id, NOW - timedelta(days=9))
    retention.keep_house(NOW, 30)
    assert places() == [f"collector_cost_p{NOW - timedelta(days=9):%Y%m%d}"]


def test_a_month_is_dropped_when_its_last_day_is_too_old(target_id):
    retention.keep_house(datetime(2026, 1, 30, tzinfo=UTC), 90)
    add(target_id, datetime(2026, 1, 31, 12, tzinfo=UTC))
    rollup.roll_up(datetime(2026, 5, 2, tzinfo=UTC), ROLLUPS, minutes_d=7, hours_d=90)
    merged = retention.merge_months(datetime(2026, 5, 2, tzinfo=UTC), 90)
    assert (merged, places()) == (sum(len(one.rows) for one in ROLLUPS), ["collector_cost_m202601"])
    retention.keep_house(datetime(2026, 3, 2, tzinfo=UTC), 30)
    assert places() == ["collector_cost_m202601"]
    retention.keep_house(datetime(2026, 3, 3, tzinfo=UTC), 30)
    assert places() == []


def test_a_busy_table_is_left_for_the_next_run(target_id, monkeypatch):
    monkeypatch.setattr(retention, "LOCK_WAIT", "50ms")
    with db.engine.connect() as other, other.begin():
        other.execute(text("lock table collector_cost_pdefault in access share mode"))
        assert retention.keep_house(NOW, 30) == 4 * (len(retention.partitioned()) - 1)
    assert retention.keep_house(NOW, 30) == 4


def test_a_removed_target_takes_its_history_along(target_id):
    retention.keep_house(NOW, 30)
    add(target_id, NOW)
    db.session.execute(text("delete from target"))
    assert places() == []
