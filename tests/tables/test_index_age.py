"""How old an index is, told by the recorded schema; a young one is never called unused."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dashboard.changes.record import record
from dashboard.findings.models import Finding
from dashboard.schema import collect as schema
from dashboard.store import db
from dashboard.tables import collect, judge
from dashboard.tables.index_age import age_text
from dashboard.tables.models import IndexState, IndexVerdict, TableState
from dashboard.tables.verdicts import HostUse, judge_use
from dashboard.targets.models import Target
from tests.collections import collecting
from tests.conftest import Database
from tests.people import Browser
from tests.tables.index_rows import LONG_AGO, NOW, index

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
CAME = {"after": NOW - 12 * DAY - HOUR, "at": NOW - 12 * DAY, "migration": "Revision 7 was applied"}
SPAN = "between 2026-03-31 08:00 UTC and 2026-03-31 09:00 UTC"


@pytest.mark.parametrize(
    ("added", "first_seen_at", "said"),
    [(None, LONG_AGO, "older than its watching, which began 2026-01-12"),
     (None, NOW - DAY, "first seen 2026-04-11 09:00 UTC"),
     (CAME, NOW - 12 * DAY, f"added {SPAN} by: Revision 7 was applied"),
     (CAME | {"migration": None}, NOW - 12 * DAY, f"added {SPAN}"),
     (CAME | {"migration": None}, NOW - DAY, f"added {SPAN}; built anew, first seen so 2026-04-11 09:00 UTC"),
     (CAME, LONG_AGO, f"renamed {SPAN}; first seen 2026-01-12")],
)  # fmt: skip
def test_an_age_says_what_it_rests_on(added: Any, first_seen_at: datetime, said: str) -> None:
    assert age_text(added, first_seen_at, LONG_AGO) == said


@pytest.mark.parametrize(("days", "verdict"), [(12, "not_enough_evidence"), (40, "idle")])
def test_an_index_younger_than_its_evidence_is_not_condemned(days: int, verdict: str) -> None:
    came_at = NOW - days * DAY
    use = judge_use(index(), [HostUse("Shop", 0, 0, came_at)], [], NOW, came_at=came_at)
    assert use.verdict == verdict
    assert ("The index itself is young, first seen 12 days ago; 31 days" in use.why) == (days == 12)


@pytest.fixture
def added(app: Flask, target: Target, target_db: Database) -> Callable[[timedelta], None]:
    """`added(age)`: an index came to a table that was there, and is so old; table and counters are 90 days old."""

    def came(age: timedelta) -> None:
        tables, schemas = collecting(app, collect), collecting(app, schema)
        target_db.execute("create table orders (id int, note text); select")
        tables(), schemas()
        with app.app_context():
            record("migration", "Revision 7 was applied", subject="7", target_id=target.id)
            db.session.commit()
        target_db.execute("create index orders_note_idx on orders (note); select")
        tables(), schemas()
        with app.app_context():
            now = db.session.execute(select(IndexState.first_seen_at)).scalar_one()
            db.session.execute(update(TableState).values(first_seen_at=now - 90 * DAY))
            db.session.execute(update(IndexState).values(first_seen_at=now - age, counted_since=now - 90 * DAY))
            db.session.commit()
        collecting(app, judge)()

    return came


def test_the_page_of_a_table_names_the_revision_that_brought_an_index(
    added: Any, store: Session, as_viewer: Browser
) -> None:
    added(12 * DAY)
    why = store.scalars(select(IndexVerdict.why)).one()
    assert "The index itself is young, first seen 12 days ago" in why
    assert store.scalars(select(Finding).where(Finding.rule == "unused_index")).all() == []
    text = as_viewer.get("/t/shop/tables/public.orders").text
    assert "added to the schema</a> between" in text
    assert "Revision 7 was applied" in text


def test_an_unused_index_tells_its_age(added: Any, store: Session) -> None:
    added(60 * DAY)
    finding = store.scalars(select(Finding).where(Finding.rule == "unused_index")).one()
    assert "first seen" in finding.detail["age"]
