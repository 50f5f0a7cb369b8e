"""The change lane: recorded once, found by filter, shown as text, marked on charts."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dashboard.changes.models import Change
from dashboard.changes.queries import marks
from dashboard.changes.record import record
from dashboard.store import db
from dashboard.targets.models import Target

NOW = datetime.now(UTC)


@pytest.fixture
def lane(store: Session, target: Target) -> Target:
    """Three changes: of the target, of its environment's flags, and of nothing in particular."""
    rows = [
        Change(at=NOW - timedelta(minutes=5), kind="migration", title="Revision 0007 applied", author="deploy",
               target_id=target.id, subject="0007", detail={}),
        Change(at=NOW - timedelta(minutes=3), kind="flag", title="checkout <b>on</b>", author="ada@example.com",
               environment_id=target.environment_id, subject="checkout", detail={}),
        Change(at=NOW - timedelta(days=20), kind="target", title="Old news", author=None, subject="x", detail={}),
    ]  # fmt: skip
    store.add_all(rows)
    store.commit()
    return target


def titles(answer: Any) -> list[str]:
    return [row["title"] for row in answer.json["rows"]]


def test_the_newest_change_comes_first_and_the_window_ends_the_list(as_viewer: Any, lane: Target) -> None:
    answer = as_viewer.get("/changes?format=json")
    assert titles(answer) == ["checkout <b>on</b>", "Revision 0007 applied"]
    assert titles(as_viewer.get("/changes?format=json&window=30d"))[-1] == "Old news"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("kind=flag", ["checkout <b>on</b>"]),
        ("q=0007", ["Revision 0007 applied"]),
        ("q=ada@", ["checkout <b>on</b>"]),
        ("target={slug}", ["checkout <b>on</b>", "Revision 0007 applied"]),
        ("target=nobody", []),
        ("sort=title&dir=desc", ["Revision 0007 applied", "checkout <b>on</b>"]),
    ],
)
def test_filters_search_and_order_narrow_the_list(as_viewer: Any, lane: Target, asked: str, found: list[str]) -> None:
    assert titles(as_viewer.get(f"/changes?format=json&{asked.format(slug=lane.slug)}")) == found


def test_titles_are_text_on_page_and_fragment(as_viewer: Any, lane: Target) -> None:
    for answer in (as_viewer.get("/changes"), as_viewer.fragment.get("/changes")):
        assert "checkout &lt;b&gt;on&lt;/b&gt;" in answer.text
        assert "<b>on</b>" not in answer.text


def test_a_visitor_is_sent_to_sign_in(client: Any) -> None:
    assert client.get("/changes").status_code == 303


def test_an_unknown_kind_is_refused_by_name(as_viewer: Any) -> None:
    answer = as_viewer.get("/changes?kind=gossip&format=json")
    assert answer.status_code == 422
    assert set(answer.json["error"]["fields"]) == {"kind"}


def test_a_change_with_a_key_is_recorded_once(app: Flask, store: Session) -> None:
    with app.app_context():
        for _ in range(2):
            record("schema", "orders: column note added", subject="orders", dedupe_key="schema:1:abc")
        db.session.commit()
    assert store.scalar(select(func.count()).select_from(Change)) == 1


def test_charts_of_a_target_get_its_own_changes_and_its_environments_flags(app: Flask, lane: Target) -> None:
    with app.app_context():
        found = marks(lane.id, NOW - timedelta(hours=1), NOW)
    assert [mark["kind"] for mark in found] == ["migration", "flag"]
    assert all(mark["href"].startswith("/changes/") for mark in found)


def test_marks_that_stand_together_open_the_list_of_their_times(app: Flask, as_viewer: Any, lane: Target) -> None:
    with app.app_context():
        first, second = marks(lane.id, NOW - timedelta(hours=1), NOW)
    both = as_viewer.get(f"{first['between'](first['at'], second['at'])}&format=json")
    assert titles(both) == ["checkout <b>on</b>", "Revision 0007 applied"]


def test_a_mark_opens_what_happened_and_what_else_did(as_viewer: Any, app: Flask, lane: Target) -> None:
    with app.app_context():
        migration, flag = marks(lane.id, NOW - timedelta(hours=1), NOW)
    text = as_viewer.get(migration["href"]).text
    assert f'href="/t/{lane.slug}/migrations/0007"' in text
    assert "checkout &lt;b&gt;on&lt;/b&gt;" in text
    assert 'href="/flags/checkout"' in as_viewer.fragment.get(flag["href"]).text


def test_what_a_change_says_of_itself_is_text(as_viewer: Any, store: Session, lane: Target) -> None:
    detail = {"before": {"work_mem": "<i>4MB</i>"}, "after": "8MB", "nothing": None}
    change = Change(
        at=NOW,
        kind="setting",
        title="work_mem",
        subject="work_mem",
        detail=detail,
        noticed_after=NOW - timedelta(hours=1),
    )
    store.add(change)
    store.commit()
    text = as_viewer.get(f"/changes/{change.id}").text
    assert "&lt;i&gt;4MB&lt;/i&gt;" in text
    assert "Nothing" not in text.split("<dl")[1].split("</dl>")[0]


@pytest.mark.parametrize("unknown", [999_999_999, 10**30])
def test_an_unknown_change_is_not_found(as_viewer: Any, lane: Target, unknown: int) -> None:
    assert as_viewer.get(f"/changes/{unknown}").status_code == 404


def test_the_list_costs_the_same_questions_however_long_it_is(
    app: Flask, as_viewer: Any, lane: Target, queries: Callable[[Flask], AbstractContextManager[list[str]]]
) -> None:
    with queries(app) as seen:
        as_viewer.get("/changes?format=json")
    lane_questions = [text for text in seen if "FROM change" in text]
    assert len(lane_questions) == 2
