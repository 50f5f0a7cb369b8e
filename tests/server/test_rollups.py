"""What is left of a server's minutes when they become hours."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import insert, select

from dashboard import rollup
from dashboard.retention import keep_house
from dashboard.server import page_queries
from dashboard.server.models import ConnectionSample, IoReading, IoSample, ReplicationSample
from dashboard.server.rollups import ROLLUPS
from dashboard.store import db
from tests.conftest import Database

MINUTE = timedelta(minutes=1)
NOW = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
DAY = NOW.replace(hour=0) - timedelta(days=1)


def add(model: Any, rows: Sequence[dict[str, Any]], target_id: int) -> None:
    db.session.execute(insert(model), [{"target_id": target_id} | row for row in rows])
    db.session.commit()


def fill(target_id: int) -> None:
    """Two hours of a day, with a reading of input and output that cannot be compared."""
    group = {"named": [["active", 1]], "others": 0, "hidden": 0}
    sample = {"active": 1, "idle_in_transaction": 0, "usable": 97, "reserved": 3}
    connections = [
        sample | {"slot": DAY + n * MINUTE, "total": n % 60, "groups": {"state": group, "n": n}} for n in range(120)
    ]
    add(ConnectionSample, connections, target_id)
    slots = [DAY + 5 * n * MINUTE for n in range(1, 12)]
    lost = slots[3]
    readings = [{"slot": at, "since": None if at == lost else at - 5 * MINUTE, "is_timed": True} for at in slots]
    add(IoReading, readings, target_id)
    who = {"backend_type": "client backend", "object": "relation", "context": "normal"}
    moved = [who | {"slot": at, "reads": 1, "read_bytes": 8192, "read_ms": 2.0} for at in slots if at != lost]
    add(IoSample, moved, target_id)
    lag = {"kind": "sender", "name": "one"}
    add(ReplicationSample, [lag | {"slot": at, "lag_bytes": at.minute, "lag_ms": None} for at in slots], target_id)


def test_hours_keep_busiest_minutes_sums_and_largest_lags(cloned_store: Flask, target_db: Database, watch: Any) -> None:
    target_id = watch(cloned_store, target_db)
    with cloned_store.app_context():
        keep_house(DAY, 7)
        fill(target_id)
        before = page_queries.io_window(target_id, DAY, NOW)
        db.session.rollback()
        assert rollup.roll_up(NOW + timedelta(days=3), ROLLUPS, minutes_d=1, hours_d=90) == len(ROLLUPS) - 1
        busiest = db.session.scalars(select(ConnectionSample).order_by(ConnectionSample.slot)).all()
        assert [(row.slot.minute, row.total, row.groups["n"]) for row in busiest] == [(59, 59, 59), (59, 59, 119)]
        (reading,), (sample,) = db.session.scalars(select(IoReading)).all(), db.session.scalars(select(IoSample)).all()
        assert (sample.reads, sample.read_bytes, sample.read_ms, sample.writes) == (10, 81920, 20.0, None)
        assert (reading.slot - reading.since) == timedelta(seconds=before.seconds) == 50 * MINUTE
        lag = db.session.scalars(select(ReplicationSample)).one()
        assert (lag.slot.minute, lag.lag_bytes, lag.lag_ms) == (55, 55, None)
