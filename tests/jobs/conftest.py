"""A target with four days of partitions, for what becomes of old minutes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select

from dashboard import retention, rollup
from dashboard.jobs import ROLLUPS
from dashboard.statements.models import StatementFamily
from dashboard.store import db
from dashboard.targets.models import Environment, Target

NOW = datetime(2026, 3, 29, 9, 11, tzinfo=UTC)


DAY = datetime(2026, 3, 20, tzinfo=UTC)


MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def target_id(cloned_store: Flask):
    """A target in a store that has partitions for the four days from DAY on."""
    with cloned_store.app_context():
        target = Target(
            slug="x", name="X", host="h", port=1, dbname="d", sslmode="disable", origin="page", created_by="t"
        )
        target.environment = db.session.scalars(select(Environment).limit(1)).one()
        db.session.add(target)
        db.session.flush()
        for number in (1, 2, 3):
            values = {"id": number, "target_id": target.id, "text": f"select {number}", "text_key": b"%d" % number}
            db.session.execute(insert(StatementFamily).values(first_seen_at=DAY, last_seen_at=NOW, **values))
        db.session.commit()
        retention.keep_house(DAY, 90)
        yield target.id
        db.session.rollback()


def roll_up(now: datetime, minutes_d: int = 7, hours_d: int = 90, **limits: Any) -> int:
    return rollup.roll_up(now, ROLLUPS, minutes_d=minutes_d, hours_d=hours_d, **limits)


def add(model: type, rows: list[dict[str, Any]]) -> None:
    db.session.execute(insert(model), rows)
    db.session.commit()
