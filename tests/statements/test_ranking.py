"""The order of a window is found once for as long as its readings are the same."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from dashboard.statements.models import StatementRanking
from dashboard.statements.rank import rank
from dashboard.store import db


def told(browser: Any, query: str = "", of: str = "queries") -> list[str]:
    return [row["text"] for row in browser.get(f"/t/shop/{of}?format=json{query}").json["rows"]]


@pytest.fixture
def ran(read: Any, target_db: Any) -> None:
    read(0)
    target_db.execute("select pg_sleep(0.02)")
    read(1)


@pytest.mark.usefixtures("ran")
def test_a_second_look_asks_for_the_rows_alone(as_viewer: Any, app: Flask, queries: Any) -> None:
    first = told(as_viewer)
    with queries(app) as seen:
        assert told(as_viewer) == first
    assert not [question for question in seen if "array_agg" in question]


@pytest.mark.usefixtures("ran")
def test_the_next_reading_gives_another_order(as_viewer: Any, read: Any, target_db: Any) -> None:
    assert "sleep" in told(as_viewer)[0]
    target_db.execute("select count(*) from generate_series(1, 2000000) as late")
    read(2)
    assert any("generate_series" in text for text in told(as_viewer))


@pytest.mark.usefixtures("ran")
def test_orders_are_kept_apart_by_sort_direction_and_search(as_viewer: Any) -> None:
    down, up = told(as_viewer, "&sort=text&dir=desc"), told(as_viewer, "&sort=text&dir=asc")
    assert down == up[::-1]
    assert told(as_viewer, "&q=sleep") == [text for text in told(as_viewer) if "sleep" in text]


@pytest.fixture
def ranked(app: Flask, target: Any) -> Any:
    """What the worker does after a collection: how many orders it stored."""

    def stored() -> int:
        with app.app_context():
            count = rank(target.id)
            db.session.commit()
        return count

    return stored


@pytest.mark.usefixtures("ran")
def test_the_first_look_takes_the_order_that_the_worker_stored(as_viewer: Any, app: Flask, queries: Any, ranked: Any):
    assert ranked() == 6
    with queries(app) as seen:
        stored = told(as_viewer)
    assert not [question for question in seen if "array_agg" in question]
    app.extensions["pilothouse_rankings"].clear()
    with app.app_context():
        db.session.execute(StatementRanking.__table__.delete())
        db.session.commit()
    assert told(as_viewer) == stored


@pytest.mark.usefixtures("ran")
def test_an_order_is_stored_once_for_a_reading(ranked: Any, read: Any, target_db: Any, store: Any) -> None:
    assert (ranked(), ranked()) == (6, 0)
    target_db.execute("select pg_sleep(0.01)")
    read(2)
    assert ranked() == 6
    assert len(list(store.scalars(select(StatementRanking)))) == 6


def test_the_summary_tells_the_stored_order_of_the_hour(
    as_viewer: Any, app: Flask, queries: Any, ranked: Any, read: Any, target_db: Any
) -> None:
    read(8)
    target_db.execute("select pg_sleep(0.02)")
    read(9)
    found = as_viewer.get("/t/shop/").text
    ranked()
    with queries(app) as seen:
        stored = as_viewer.get("/t/shop/").text
    assert "pg_sleep" in stored
    assert stored.count("/queries/") == found.count("/queries/")
    assert not [question for question in seen if "statement_sample" in question]


def test_the_hour_against_the_one_before_is_stored_too(
    as_viewer: Any, app: Flask, queries: Any, ranked: Any, read: Any, target_db: Any
) -> None:
    for minute in (-81, -80, -79, 7, 8, 9):
        target_db.execute("select pg_sleep(0.01)")
        read(minute)
    found = told(as_viewer, of="queries/compare")
    app.extensions["pilothouse_rankings"].clear()
    assert ranked() == 7
    with queries(app) as seen:
        stored = told(as_viewer, of="queries/compare")
    assert stored == found != []
    assert not [question for question in seen if "array_agg" in question]
    assert told(as_viewer, "&show=new", of="queries/compare") != stored
    assert "pg_sleep" in told(as_viewer)[0]


@pytest.mark.usefixtures("ran")
def test_a_search_is_made_once_for_the_same_readings(as_viewer: Any, app: Flask, queries: Any, read: Any) -> None:
    first = told(as_viewer, "&q=SLEEP")
    with queries(app) as seen:
        assert told(as_viewer, "&q=SLEEP") == first != []
    assert not [question for question in seen if "ILIKE" in question]
    read(2)
    with queries(app) as seen:
        told(as_viewer, "&q=SLEEP")
    assert [question for question in seen if "ILIKE" in question]


def test_what_a_window_rests_on_is_looked_up_once_for_the_last_reading(
    as_viewer: Any, app: Flask, queries: Any, read: Any
) -> None:
    for minute in (8, 9, 10):
        read(minute)
    first = as_viewer.get("/t/shop/queries?window=90d").text
    with queries(app) as seen:
        again = as_viewer.get("/t/shop/queries?window=90d").text
    assert not [question for question in seen if "own_role" in question and "max(" in question]
    assert "2 readings" in first
    assert "2 readings" in again
