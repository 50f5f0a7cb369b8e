"""Texts of new families are read once for their tables; the page shows them and tables find their queries."""

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.statements.models import StatementFamily
from dashboard.statements.relate import relate
from dashboard.statements.touching import families_touching
from dashboard.targets.models import Target

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
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
        found = families_touching(target.id, "public", "items")
        (certain,) = families_touching(target.id, "shop", "Or/ders")
        assert families_touching(target.id, "public", "Or/ders") == []
    assert {(row.id, row.is_read, row.is_written, row.is_certain) for row in found} == {
        (families[0], True, False, False),
        (families[1], False, True, False),
    }
    assert (certain.id, certain.columns, certain.is_certain) == (families[0], ["id"], True)
