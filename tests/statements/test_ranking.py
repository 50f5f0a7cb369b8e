"""The order of a window is found once for as long as its readings are the same."""

from typing import Any

import pytest
from flask import Flask

LIST = "/t/shop/queries?format=json"


def told(browser: Any, query: str = "") -> list[str]:
    return [row["text"] for row in browser.get(LIST + query).json["rows"]]


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
