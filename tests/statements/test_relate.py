"""Texts of new families are read once for their tables; the page shows them and tables find their queries."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.statements.models import StatementFamily, StatementReading, StatementSample
from dashboard.statements.relate import relate
from dashboard.statements.touching import families_touching
from dashboard.store import db
from dashboard.targets.models import Target

NOW, MINUTE = datetime(2026, 11, 21, 12, tzinfo=UTC), timedelta(minutes=1)
TEXTS = (
    'select o.id from shop."Or/ders" o join items i on i.order_id = o.id',
    "insert into items (order_id) values ($1)",
    "select * from pg_class",
    "select from where (",
)


@pytest.fixture
def families(store: Session, target: Target) -> list[int]:
    found = [
        StatementFamily(target_id=target.id, text_key=text.encode(), text=text, first_seen_at=NOW, last_seen_at=NOW)
        for text in TEXTS
    ]
    store.add_all(found)
    store.commit()
    return [family.id for family in found]


def page(browser: Any, family_id: int) -> str:
    return browser.get(f"/t/shop/queries/{family_id}").get_data(as_text=True)


def test_before_it_was_read_the_page_says_so(as_viewer: Any, families: list[int]) -> None:
    assert "within a minute or two" in page(as_viewer, families[0])


def test_each_text_is_read_once(app: Flask, store: Session, families: list[int]) -> None:
    with app.app_context():
        assert (relate(NOW), relate(NOW)) == (len(families), 0)
    assert set(store.scalars(select(StatementFamily.parsed_at))) == {NOW}


def test_tables_are_links_and_what_is_not_known_is_said(app: Flask, as_viewer: Any, families: list[int]) -> None:
    with app.app_context():
        relate(NOW)
    both = page(as_viewer, families[0])
    assert 'href="/t/shop/tables/shop.Or~2Fders"' in both
    assert 'href="/t/shop/tables?q=items"' in both
    assert "of the system" in page(as_viewer, families[2])
    assert "could not be parsed" in page(as_viewer, families[3])


def test_a_table_finds_the_queries_that_name_it(app: Flask, target: Target, families: list[int]) -> None:
    with app.app_context():
        relate(NOW)
        assert families_touching(target.id, "public", "items") == set(families[:2])
        assert families_touching(target.id, "shop", "Or/ders") == {families[0]}
        assert families_touching(target.id, "public", "Or/ders") == set()


def test_the_list_can_be_asked_for_the_queries_of_a_table(
    app: Flask, store: Session, target: Target, as_viewer: Any, families: list[int]
) -> None:
    slot = datetime.now(UTC).replace(second=0, microsecond=0)
    quiet = {"epoch": "s/1/", "entries": 1, "hidden_entries": 0, "hidden_ms": 0.0, "hidden_total_ms": 0.0}
    store.add(
        StatementReading(target_id=target.id, slot=slot, since=slot - MINUTE, is_complete=True, read_at=slot, **quiet)
    )
    counts = dict.fromkeys(("calls", "total_ms", "squares_ms2", "rows", "shared_hit", "shared_read"), 1)
    for family_id in families:
        row = {"target_id": target.id, "slot": slot, "family_id": family_id, "temp_blocks": 0, "wal_bytes": 0}
        store.add(StatementSample(**row, **counts))
    store.commit()
    with app.app_context():
        relate(NOW)
        db.session.commit()
    found = as_viewer.get("/t/shop/queries?format=json&table=shop.Or~2Fders").json
    assert [row["id"] for row in found["rows"]] == [families[0]]
    assert "names public.nothing" in as_viewer.get("/t/shop/queries?table=public.nothing").text
    assert as_viewer.get("/t/shop/queries?table=nonsense").status_code == 404
