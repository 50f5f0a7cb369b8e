"""What a database was doing at a time: bars over the window, and what was busy in one of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.activity.models import ActivityGroup, ActivityMinute, ActivitySampling
from dashboard.security.models import AuditEntry
from dashboard.statements.models import StatementEntry, StatementFamily
from dashboard.targets.models import Target

PAGE = "/t/shop/activity/history"
AT = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=10)
QUERYID = -4_611_686_018_427_387_904


def keep(
    store: Session, target: Target, at: datetime, *groups: tuple[str, int | None, str, int], **fields: Any
) -> None:
    seen = sum(times for *_, times in groups)
    usual = {"looks": 10, "active": seen, "most_active": 3, "hidden": 0, "look_ms": 1.0, "blockers": []}
    store.add(ActivityMinute(target_id=target.id, slot=at, **usual | fields))
    for position, (wait_class, queryid, application, times) in enumerate(groups):
        event = None if wait_class == "CPU" else "relation"
        store.add(ActivityGroup(
            target_id=target.id, slot=at, position=position, wait_class=wait_class, wait_event=event,
            queryid=queryid, application=application, username="shop", seen=times,
        ))  # fmt: skip
    store.flush()


@pytest.fixture
def family(store: Session, target: Target) -> int:
    """A family whose statement the server knows under a number."""
    text = StatementFamily(
        target_id=target.id, text_key=b"x", text="select *\n  from <orders>", first_seen_at=AT, last_seen_at=AT
    )
    store.add(text)
    store.flush()
    counters = {column.name: 0 for column in StatementEntry.__table__.columns if not column.nullable}
    keys = {"target_id": target.id, "userid": 10, "toplevel": True, "queryid": QUERYID, "family_id": text.id}
    store.add(StatementEntry(**counters | keys | {"username": "shop", "first_seen_at": AT, "changed_at": AT}))
    store.flush()
    return text.id


@pytest.fixture
def busy(store: Session, target: Target, family: int) -> None:
    """Two minutes: a calm one, then one in which two sessions out of three wait for a lock."""
    holder = {"pid": 4711, "application": "migrate", "username": "root", "state": "idle in transaction", "query_id": 1}
    keep(store, target, AT, ("CPU", QUERYID, "web", 5))
    keep(
        store, target, AT + timedelta(minutes=1), ("Lock", QUERYID, "web", 20), ("CPU", 99, "report", 7),
        ("IPC", None, "report", 3), blockers=[holder | {"held_up": 2, "looks": 9}],
    )  # fmt: skip


def rows(browser: Any, query: str = "") -> list[dict[str, Any]]:
    answer = browser.get(f"{PAGE}?format=json{query}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.json["rows"]


def shown(browser: Any, query: str = "") -> str:
    answer = browser.get(f"{PAGE}{query}")
    assert answer.status_code == 200
    return str(answer.get_data(as_text=True))


def at(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:00Z")


@pytest.mark.usefixtures("busy")
def test_a_window_tells_its_families_in_sessions_at_once(as_viewer, family):
    found = rows(as_viewer)
    assert [(row["id"], row["active"], row["share"]) for row in found] == [
        (family, 1.25, pytest.approx(25 / 35)),
        (None, 0.35, pytest.approx(0.2)),
        (None, 0.15, pytest.approx(3 / 35)),
    ]
    assert found[0]["waits"] == {"CPU": 0.25, "Lock": 1.0}
    assert found[0]["text"] == "select * from <orders>"


@pytest.mark.usefixtures("busy")
def test_a_minute_tells_what_waited_and_who_held_it_up(as_viewer, family):
    minute = f"&at={at(AT + timedelta(minutes=1))}"
    assert next((row["id"], row["active"], row["blocked"]) for row in rows(as_viewer, minute)) == (family, 2.0, 2.0)
    page = shown(as_viewer, f"?{minute[1:]}")
    for words in (
        "Held others up",
        "4711",
        "migrate",
        "Lock: relation",
        "not among the stored statements",
        "&lt;orders",
    ):
        assert words in page
    assert "4711" not in shown(as_viewer, f"?at={at(AT)}")


@pytest.mark.usefixtures("busy")
def test_the_bars_stack_and_lead_to_their_minute(as_viewer):
    page = shown(as_viewer)
    assert page.count('class="bar"') == 2
    assert page.count('class="layer"') == 4
    assert 'class="gap"' in page
    assert f"at={at(AT).replace(':', '%3A').replace('00Z', '00.000Z')}" in page


@pytest.mark.usefixtures("busy")
def test_two_picked_times_are_a_window_too(as_viewer):
    span = f"&from={at(AT)}&to={at(AT + timedelta(minutes=1))}"
    assert [row["active"] for row in rows(as_viewer, span)] == [0.5]


@pytest.mark.usefixtures("target")
def test_nothing_stored_yet_is_said(as_viewer):
    page = shown(as_viewer)
    assert "Nobody looked at the sessions in this window" in page
    assert "no look yet" in page
    assert rows(as_viewer) == []


def test_a_watched_minute_with_nobody_busy_is_not_a_gap(as_viewer, store, target):
    keep(store, target, AT)
    page = shown(as_viewer, f"?at={at(AT)}")
    assert "Every look found no session at work" in page
    assert page.count('class="bar"') == 1


@pytest.mark.usefixtures("busy")
def test_search_sort_and_csv(as_viewer, family):
    assert [row["id"] for row in rows(as_viewer, "&q=ORDERS")] == [family]
    assert "No statement fits" in shown(as_viewer, "?q=nothing-like-it")
    assert [row["active"] for row in rows(as_viewer, "&sort=active&dir=asc")] == [0.15, 0.35, 1.25]
    assert as_viewer.get(f"{PAGE}?format=csv").get_data(as_text=True).startswith("id,text,active")


@pytest.mark.usefixtures("target")
def test_bad_input_names_its_field(as_viewer):
    for query in ("at=yesterday", "at=2026-11-21T14:32", "sort=x", "window=1m"):
        answer = as_viewer.get(f"{PAGE}?{query}", headers={"Accept": "application/json"})
        assert (answer.status_code, list(answer.json["error"]["fields"])) == (422, [query.split("=")[0]])


@pytest.mark.usefixtures("busy")
def test_the_page_asks_the_store_seven_questions_of_its_own(as_viewer, app, queries):
    with queries(app) as seen:
        as_viewer.get(PAGE)
    own = [question for question in seen if "activity_" in question or "statement_entry" in question]
    assert len(own) == 7


def test_an_operator_sets_how_often_is_looked(as_operator, as_viewer, client, store, target):
    url = "/t/shop/activity/sampling"
    assert as_viewer.post(url, data={"mode": "off", "version": "0"}).status_code == 403
    assert client.post(url, data={"mode": "off", "version": "0"}).status_code in {302, 303, 401}
    assert as_operator.post(url, data={"mode": "off", "version": "0"}).status_code == 303
    assert as_operator.post(url, data={"mode": "5", "version": "0"}).status_code == 409
    assert as_operator.post(url, data={"mode": "3", "version": "1"}).status_code == 422
    assert as_operator.get(url).status_code == 405
    row = store.scalars(select(ActivitySampling)).one()
    assert (row.is_on, row.interval_s, row.version) == (False, 2, 1)
    entry = store.scalars(select(AuditEntry).where(AuditEntry.action == "activity.sampling")).one()
    assert (entry.before["is_on"], entry.after["is_on"]) == (True, False)
    assert "Looking is switched off" in shown(as_viewer)


def test_stopped_by_its_cost_is_said_with_the_figures(as_viewer, store, target):
    reason = "A look takes the server 80 ms, 0.8% of a core even every 10 s."
    store.add(ActivitySampling(target_id=target.id, pace_s=10, look_ms=80.0, stopped_reason=reason))
    store.flush()
    assert f"Looking stopped by itself. {reason}" in shown(as_viewer)
