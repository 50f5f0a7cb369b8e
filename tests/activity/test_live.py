"""The sessions of a real server: who runs what, who holds up whom, and what a role may not see."""

import re
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.activity.collect import collect
from dashboard.activity.models import ActivitySample
from dashboard.store import db
from dashboard.targets.collection import Collection
from dashboard.targets.connect import address_of, reading
from dashboard.targets.models import Target, TargetLogin
from dashboard.targets.queries import target_by_slug
from tests.activity.conftest import Connect, wait_until

PAGE = "/t/shop/activity"


@pytest.fixture
def queue(connect: Connect, target_db: Any) -> Iterator[list[int]]:
    """A migration holds a table, a reader waits for it, and a second migration waits behind both."""
    target_db.execute("create table orders (id int)")
    holder = connect("migrate")
    holder.execute("lock table orders in access exclusive mode")
    pids = [holder.info.backend_pid]
    threads = []
    for name, statement in (("web", "select id from orders"), ("second", "alter table orders add column a int")):
        waiting = connect(name)
        waiting.autocommit = True
        pids.append(waiting.info.backend_pid)
        threads.append(threading.Thread(target=waiting.execute, args=(statement,)))
        threads[-1].start()
        wait_until(lambda: blocked(target_db) == len(threads))
    yield pids
    holder.rollback()
    for thread in threads:
        thread.join(5)


def blocked(target_db: Any) -> int:
    return int(target_db.execute("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")[0][0])


def rows(browser: Any, query: str = "") -> list[dict[str, Any]]:
    answer = browser.get(f"{PAGE}?format=json{query}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.json["rows"]


@pytest.mark.usefixtures("target")
def test_sessions_are_told_with_state_and_statement(as_viewer: Any, connect: Connect) -> None:
    session = connect("reports")
    session.execute("select 'open'")
    (found,) = rows(as_viewer)
    assert (found["pid"], found["application"]) == (session.info.backend_pid, "reports")
    assert (found["state"], found["query"]) == ("idle in transaction", "select 'open'")
    assert 0 <= found["transaction_ms"] < 5_000
    assert found["query_ms"] is None


@pytest.mark.usefixtures("target")
def test_who_holds_up_whom_is_drawn(as_viewer: Any, queue: list[int]) -> None:
    holder, reader, second = queue
    waits = {row["pid"]: row["blocked_by"] for row in rows(as_viewer)}
    assert waits == {holder: [], reader: [holder], second: [holder, reader]}
    page = as_viewer.get(PAGE).get_data(as_text=True)
    assert "holds up 2" in page
    assert "public.orders" in page
    assert "AccessExclusiveLock" in page


@pytest.mark.usefixtures("target", "queue")
def test_the_page_does_not_wait_for_the_lock(as_viewer: Any) -> None:
    started = time.monotonic()
    assert as_viewer.get(PAGE).status_code == 200
    assert time.monotonic() - started < 1


@pytest.mark.usefixtures("target", "queue")
def test_states_and_words_filter(as_viewer: Any) -> None:
    assert {row["application"] for row in rows(as_viewer, "&state=blocked")} == {"web", "second"}
    assert {row["application"] for row in rows(as_viewer, "&state=transaction")} == {"migrate"}
    assert [row["application"] for row in rows(as_viewer, "&q=ALTER")] == ["second"]
    assert "No session fits" in as_viewer.get(f"{PAGE}?q=nobody").get_data(as_text=True)


@pytest.mark.usefixtures("target")
def test_hostile_statements_and_names_show_as_text(as_viewer: Any, connect: Connect) -> None:
    connect("<b>'\"app").execute("select '<script>alert(1)</script>'")
    page = as_viewer.get(PAGE).get_data(as_text=True)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "&lt;b&gt;&#39;&#34;app" in page


@pytest.mark.usefixtures("target")
def test_what_a_role_may_not_see_is_told_with_the_grant(as_viewer: Any, connect: Connect, target_db: Any) -> None:
    target_db.execute(f"revoke pg_monitor from watch_{target_db.name}")
    connect("secret").execute("select 'secret'")
    (found,) = rows(as_viewer)
    assert (found["is_hidden"], found["query"], found["state"]) == (True, None, None)
    page = as_viewer.get(PAGE).get_data(as_text=True)
    assert "What 1 of 1 sessions do is hidden" in page
    assert f"watch_{target_db.name}" in page
    assert "insufficient privilege" not in page


@pytest.mark.usefixtures("target")
def test_our_own_connections_are_marked(as_viewer: Any, connect: Connect) -> None:
    connect("pilothouse").execute("select 1")
    assert rows(as_viewer)[0]["is_ours"] is True
    assert "this dashboard" in as_viewer.get(PAGE).get_data(as_text=True)


@pytest.mark.usefixtures("target")
def test_nothing_that_changed_is_304(as_viewer: Any, connect: Connect) -> None:
    connect("calm").execute("select 1")
    first = as_viewer.fragment.get(PAGE)
    again = as_viewer.fragment.get(PAGE, headers={"HX-PTag": first.headers["HX-PTag"]})
    assert (again.status_code, again.get_data()) == (304, b"")
    connect("new").execute("select 1")
    assert as_viewer.fragment.get(PAGE, headers={"HX-PTag": first.headers["HX-PTag"]}).status_code == 200


def test_a_target_that_does_not_answer_is_a_state_not_an_error(as_viewer: Any, store: Session, target: Target) -> None:
    store.execute(Target.__table__.update().values(host="127.0.0.1", port=9))
    page = as_viewer.get(PAGE)
    assert page.status_code == 200
    assert "The database did not tell its sessions" in page.get_data(as_text=True)
    assert "Over time" in page.get_data(as_text=True)
    answer = as_viewer.get(f"{PAGE}?format=json")
    assert (answer.status_code, answer.json["error"]["message"]) == (
        503,
        "No PostgreSQL server answers at this address.",
    )


def test_a_target_without_a_role_is_a_state_too(as_viewer: Any, store: Session, target: Target) -> None:
    store.execute(TargetLogin.__table__.delete())
    assert "No role to watch" in as_viewer.get(PAGE).get_data(as_text=True)


@pytest.mark.usefixtures("target", "queue")
def test_each_minute_is_counted_once(app: Flask, store: Session) -> None:
    with app.app_context():
        target = target_by_slug("shop")
        slot = target.created_at.replace(second=0, microsecond=0)
        for _ in range(2):
            with reading(address_of(target)) as reader:
                collection = Collection(target, slot, slot, reader)
                collect(collection)
            db.session.commit()
    found = store.scalars(select(ActivitySample)).one()
    assert (found.active, found.idle_in_transaction, found.blocked, found.hidden) == (2, 1, 2, 0)
    assert found.by_application == {"migrate": 1, "web": 1, "second": 1}
    assert (collection.rows, collection.reason) == (1, None)


@pytest.mark.usefixtures("target")
def test_a_page_beyond_the_end_is_empty(as_viewer: Any) -> None:
    page = as_viewer.get(f"{PAGE}?page=2&format=json").json
    assert (page["rows"], page["total"], page["page"]) == ([], 0, 2)


@pytest.mark.usefixtures("target")
def test_nobody_reads_without_signing_in(client: Any) -> None:
    answers = [client.get(f"{PAGE}{query}").status_code for query in ("", "?format=json", "?format=csv")]
    assert set(answers) <= {302, 303, 401}


@pytest.mark.usefixtures("target")
def test_bad_input_is_refused_with_its_field(as_viewer: Any) -> None:
    for query in ("sort=usename", "page=0", "window=1m", "state=dead", "dir=x", "format=pdf"):
        answer = as_viewer.get(f"{PAGE}?{query}", headers={"Accept": "application/json"})
        assert (answer.status_code, list(answer.json["error"]["fields"])) == (422, [query.split("=")[0]])
        assert as_viewer.get(f"{PAGE}?{query}").status_code == 422
        assert as_viewer.fragment.get(f"{PAGE}?{query}").status_code == 422


@pytest.mark.usefixtures("target", "queue")
def test_the_page_asks_the_store_one_question_of_its_own(as_viewer: Any, app: Flask, queries: Any) -> None:
    with queries(app) as seen:
        as_viewer.get(PAGE)
    assert len([question for question in seen if "activity_sample" in question]) == 1


def test_the_chart_spans_its_window_and_shades_where_nothing_was_read(
    as_viewer: Any, store: Session, target: Target
) -> None:
    noon = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=3)
    counts = {"active": 1, "idle": 0, "waiting": 0, "idle_in_transaction": 0, "blocked": 0, "hidden": 0}
    slots = [noon + timedelta(minutes=minute) for minute in range(20)]
    store.add_all(ActivitySample(target_id=target.id, slot=slot, by_application={}, **counts) for slot in slots)
    store.commit()
    page = as_viewer.get(f"{PAGE}?window=6h").get_data(as_text=True)
    (left, width), (left_after, width_after) = re.findall(r'class="gap" x="([\d.]+)" y="0" width="([\d.]+)"', page)
    assert (float(left), round(float(left_after) + float(width_after))) == (0, 1000)
    assert 490 < float(width) < 510


def test_an_unknown_target_is_404(as_viewer: Any) -> None:
    assert as_viewer.get("/t/nothing/activity").status_code == 404


@pytest.mark.usefixtures("target")
def test_a_write_is_refused(as_admin: Any) -> None:
    assert as_admin.post(PAGE).status_code == 405


@pytest.mark.usefixtures("target", "queue")
def test_csv_has_the_same_rows(as_viewer: Any) -> None:
    text = as_viewer.get(f"{PAGE}?format=csv").get_data(as_text=True)
    assert text.startswith("pid,username,application")
    assert text.count("\r\n") == 4
