"""Two windows beside each other: by address, as a page, as JSON and CSV, with what is missing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.changes.models import Change
from dashboard.spans import time_param
from dashboard.statements import bulk
from dashboard.statements.models import StatementFamily, StatementReading, StatementSample
from dashboard.store import db
from dashboard.targets.models import Target

NOW = datetime.now(UTC).replace(second=0, microsecond=0)
MINUTE = timedelta(minutes=1)
COMPARE = "/t/shop/queries/compare"
COSTS = {"squares_ms2": 0.0, "temp_blocks": 0, "wal_bytes": 0, "io_ms": None, "shared_read": 0}
QUIET = {"read_at": NOW, "epoch": "s/1/", "entries": 1, "hidden_entries": 0, "hidden_ms": 0.0, "hidden_total_ms": 0.0}
Fill = Callable[..., None]


@pytest.fixture
def fill(app: Flask, store: Session, target: Target) -> Fill:
    """`fill("select 1", before=(calls, ms, blocks, rows), after=…)`: what a family did in the last two half hours."""
    for minute in range(1, 60):
        slot = NOW - minute * MINUTE
        store.add(StatementReading(target_id=target.id, slot=slot, since=slot - MINUTE, is_complete=True, **QUIET))

    def filled(text: str, **windows: tuple[int, float, int, int]) -> None:
        seen = {"first_seen_at": NOW - 50 * MINUTE, "last_seen_at": NOW}
        family = StatementFamily(target_id=target.id, text_key=text.encode(), text=text, **seen)
        store.add(family)
        store.flush()
        for name, (calls, total_ms, blocks, rows) in windows.items():
            slot = NOW - (45 if name == "before" else 15) * MINUTE
            counted = {"calls": calls, "total_ms": total_ms, "shared_hit": blocks, "rows": rows}
            store.add(StatementSample(target_id=target.id, slot=slot, family_id=family.id, **counted, **COSTS))
        store.commit()
        with app.app_context():
            for minute in range(59, 0, -1):
                bulk.sum_up(target.id, NOW - (minute + 1) * MINUTE, NOW - minute * MINUTE)
            db.session.commit()

    return filled


@pytest.fixture
def five(fill: Fill) -> None:
    fill("select slower", before=(100, 1_000.0, 300, 100), after=(100, 9_000.0, 90_000, 100))
    fill("select faster", before=(100, 3_000.0, 300, 100), after=(100, 500.0, 300, 100))
    fill("select steady", before=(100, 100.0, 300, 100), after=(100, 101.0, 300, 100))
    fill("select fresh", after=(7, 70.0, 7, 7))
    fill("select vanished", before=(7, 70.0, 7, 7))


def address(**more: str) -> str:
    since, until = time_param(NOW - 30 * MINUTE), time_param(NOW)
    return f"{COMPARE}?from={since}&to={until}" + "".join(f"&{name}={value}" for name, value in more.items())


def rows(browser: Any, **more: str) -> list[dict[str, Any]]:
    answer = browser.get(address(format="json", **more))
    assert answer.status_code == 200, answer.json
    return answer.json["rows"]


@pytest.mark.usefixtures("five")
def test_the_largest_change_of_time_is_first_whichever_way(as_viewer: Any) -> None:
    found = rows(as_viewer)
    assert [row["text"] for row in found] == ["select slower", "select faster", "select steady"]
    slower = found[0]
    assert slower["change_ms"] == pytest.approx(8_000.0, rel=0.05)
    assert (slower["mean_ratio"], slower["blocks_ratio"], slower["rows_ratio"]) == (9.0, 300.0, 1.0)
    assert [row["kind"] for row in found] == ["more_work", "faster", "same"]


@pytest.mark.usefixtures("five")
def test_new_and_vanished_families_stand_apart(as_viewer: Any) -> None:
    assert [row["text"] for row in rows(as_viewer, show="new")] == ["select fresh"]
    assert [row["text"] for row in rows(as_viewer, show="gone")] == ["select vanished"]
    assert rows(as_viewer, show="slower")[0]["text"] == "select slower"
    assert [row["text"] for row in rows(as_viewer, show="faster")] == ["select faster"]


@pytest.mark.usefixtures("five")
def test_any_two_windows_are_an_address(as_viewer: Any) -> None:
    times = {"base_from": time_param(NOW - 60 * MINUTE), "base_to": time_param(NOW - 40 * MINUTE)}
    assert rows(as_viewer, **times)[0]["before_calls"] == 100
    assert rows(as_viewer, base="week") == []
    assert as_viewer.get(address(base_from="x", base_to="y")).status_code == 422


@pytest.mark.usefixtures("five")
def test_search_sort_and_csv_fit_what_is_shown(as_viewer: Any) -> None:
    assert [row["text"] for row in rows(as_viewer, q="STEADY")] == ["select steady"]
    assert rows(as_viewer, sort="mean_ratio", dir="asc")[0]["text"] == "select faster"
    text = as_viewer.get(address(format="csv")).get_data(as_text=True)
    assert text.startswith("id,text,first_seen_at,change_ms,kind")
    assert text.count("\r\n") == 4


@pytest.mark.usefixtures("five")
def test_the_page_tells_in_words_and_names_what_else_changed(as_viewer: Any, store: Session, target: Target) -> None:
    store.add(
        Change(at=NOW - 31 * MINUTE, kind="index", title="Index dropped", subject="i", target_id=target.id, detail={})
    )
    store.commit()
    page = as_viewer.get(address()).get_data(as_text=True)
    assert "A call touches more blocks for as many rows" in page
    assert "Index dropped" in page
    assert "9.00</data>" in page


@pytest.mark.usefixtures("five")
def test_few_calls_are_named_not_divided(as_viewer: Any, fill: Fill) -> None:
    fill("select few", before=(2, 2.0, 2, 2), after=(3, 3_000.0, 3, 3))
    (few,) = rows(as_viewer, q="few")
    assert (few["mean_ratio"], few["kind"]) == (None, "unsure")


@pytest.mark.usefixtures("five")
def test_a_window_that_lost_something_is_said(as_viewer: Any, store: Session) -> None:
    reading = store.scalars(select(StatementReading).order_by(StatementReading.slot).limit(1).offset(10)).one()
    reading.is_complete, reading.reason = False, "The server dropped its least used statements 3 times to make room."
    store.commit()
    page = as_viewer.get(address()).get_data(as_text=True)
    assert "may only have been forgotten by the server" in page
    assert "3 times to make room" in page


@pytest.mark.usefixtures("five")
@pytest.mark.parametrize(("show", "after", "before"), [("new", 30, 300), ("gone", -300, 30)])
def test_beside_a_window_that_nobody_watched_nothing_is_new_or_gone(
    as_viewer: Any, show: str, after: int, before: int
) -> None:  # fmt: skip
    asked = f"{COMPARE}?show={show}"
    for since, until, ago in (("from", "to", after), ("base_from", "base_to", before)):
        asked += f"&{since}={time_param(NOW - ago * MINUTE)}&{until}={time_param(NOW - (ago - 30) * MINUTE)}"
    assert "One of the windows holds no reading" in as_viewer.get(asked).get_data(as_text=True)
    assert as_viewer.get(f"{asked}&format=json").json["rows"] == []


@pytest.mark.usefixtures("target")
def test_without_readings_the_page_says_so(as_viewer: Any, client: Any) -> None:
    assert "One of the windows holds no reading" in as_viewer.get(COMPARE).get_data(as_text=True)
    assert client.get(COMPARE).status_code in {302, 303, 401}


@pytest.mark.usefixtures("five")
def test_a_family_compares_its_own_windows(as_viewer: Any, store: Session, app: Flask) -> None:
    family = store.scalars(select(StatementFamily).where(StatementFamily.text == "select slower")).one()
    page = as_viewer.get(address().replace("/compare", f"/{family.id}")).get_data(as_text=True)
    assert "9.00</data>" in page
    assert "at most" in page
    assert "modelled" in page
    assert f"/queries/{family.id}/plans/section" in page


@pytest.mark.usefixtures("five")
def test_the_list_and_the_family_honour_two_times(as_viewer: Any, store: Session) -> None:
    listed = as_viewer.get(address(format="json").replace("/compare", "")).json["rows"]
    assert {row["text"] for row in listed} == {"select slower", "select faster", "select steady", "select fresh"}
    family = store.scalars(select(StatementFamily).where(StatementFamily.text == "select vanished")).one()
    page = as_viewer.get(address().replace("/compare", f"/{family.id}")).get_data(as_text=True)
    assert "Not called in this window" in page
    assert "It ran in the window before (7 calls" in page
