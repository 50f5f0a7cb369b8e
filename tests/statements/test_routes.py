"""The queries pages: only what ran in the window, with the evidence, for every state and visitor."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dashboard.statements.models import StatementFamily, StatementReading
from dashboard.statements.rank import rank
from dashboard.store import db
from dashboard.targets.collection import Collection
from dashboard.targets.models import ProbeState, Target

Read = Callable[[int], Collection]
LIST = "/t/shop/queries"
MADE = {"sslmode": "disable", "origin": "command", "created_by": "tests"}
HOSTILE = 'select 1 as "<img src=x onerror=alert(1)> \' \x02"'


@pytest.fixture
def ran(read: Read, target_db: Any) -> None:
    """Two readings; between them a fast statement ran five times, a slow one twice and one of hostile text once."""
    target_db.execute("create table orders (id int)")
    target_db.execute("select count(*) from orders where id > 0")
    read(0)
    for _ in range(5):
        target_db.execute("select count(*) from orders where id > 0")
    for _ in range(2):
        target_db.execute("select pg_sleep(0.02)")
    target_db.execute(HOSTILE)
    read(1)


def rows(browser: Any, query: str = "") -> list[dict[str, Any]]:
    answer = browser.get(f"{LIST}?format=json{query}")
    assert answer.status_code == 200
    return answer.json["rows"]


@pytest.mark.usefixtures("ran")
def test_rows_are_of_the_window_never_since_the_beginning(as_viewer: Any) -> None:
    (found,) = [row for row in rows(as_viewer) if "orders" in row["text"]]
    assert (found["calls"], found["rows"]) == (5, 5)
    assert found["mean_ms"] == pytest.approx(found["total_ms"] / 5)
    assert 0 < found["share"] < 1


@pytest.mark.usefixtures("ran")
def test_the_slowest_is_first_and_sorting_turns(as_viewer: Any) -> None:
    assert "pg_sleep" in rows(as_viewer)[0]["text"]
    assert rows(as_viewer, "&sort=calls&dir=desc")[0]["calls"] == 5
    assert "pg_sleep" in rows(as_viewer, "&sort=mean_ms&dir=asc")[-1]["text"]


@pytest.mark.usefixtures("ran")
def test_search_finds_text_and_keeps_the_share_of_the_whole(as_viewer: Any) -> None:
    (found,) = rows(as_viewer, "&q=PG_SLEEP")
    assert found["share"] < 1
    assert rows(as_viewer, "&q=100%25_") == []


@pytest.mark.usefixtures("ran")
def test_the_answer_says_total_page_and_as_of(as_viewer: Any) -> None:
    answer = as_viewer.get(f"{LIST}?format=json").json
    assert (answer["total"], answer["page"]) == (len(answer["rows"]), 1)
    assert answer["as_of"].endswith("Z")
    beyond = as_viewer.get(f"{LIST}?format=json&page=9").json
    assert (beyond["rows"], beyond["total"]) == ([], answer["total"])


@pytest.mark.usefixtures("ran")
def test_csv_has_the_same_rows(as_viewer: Any) -> None:
    text = as_viewer.get(f"{LIST}?format=csv").get_data(as_text=True)
    assert text.startswith("id,text,calls,total_ms,mean_ms,stddev_ms,rows")
    assert len(rows(as_viewer)) == text.count("\r\n") - 1


@pytest.mark.usefixtures("ran")
def test_the_page_shows_hostile_texts_as_text(as_viewer: Any) -> None:
    page = as_viewer.get(LIST).get_data(as_text=True)
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt; &#39; ␂" in page


@pytest.mark.usefixtures("ran")
def test_the_page_says_what_its_numbers_rest_on(as_viewer: Any) -> None:
    page = as_viewer.get(LIST).get_data(as_text=True)
    assert "1 reading" in page
    assert "1 min of the 1 h asked for" in page
    assert "watch_target_" in page


@pytest.mark.usefixtures("ran")
def test_a_page_and_its_fragment_hold_the_same_list(as_viewer: Any) -> None:
    fragment = as_viewer.fragment.get(LIST).get_data(as_text=True)
    assert "<html" not in fragment
    assert "pg_sleep" in fragment
    assert "<title>Queries" in fragment


@pytest.mark.usefixtures("ran")
def test_a_family_shows_its_text_numbers_and_entries(as_viewer: Any, store: Session) -> None:
    family = store.scalars(select(StatementFamily).where(StatementFamily.text.contains("orders where"))).one()
    page = as_viewer.get(f"{LIST}/{family.id}").get_data(as_text=True)
    assert "tok-keyword" in page
    assert "Calls per minute" in page
    assert "queryid" in page
    (interval,) = as_viewer.get(f"{LIST}/{family.id}?format=json").json["rows"]
    assert (interval["calls"], interval["covered_ms"]) == (5, 60_000)


@pytest.mark.usefixtures("ran")
def test_charts_tint_where_statements_were_evicted(as_viewer: Any, store: Session) -> None:
    family = store.scalars(select(StatementFamily).where(StatementFamily.text.contains("orders where"))).one()
    assert "tinted" not in as_viewer.get(f"{LIST}/{family.id}").text
    store.execute(update(StatementReading).values(reason="Dropped.", is_complete=False))
    store.commit()
    page = as_viewer.get(f"{LIST}/{family.id}").text
    assert "Where a chart is tinted, something was lost" in page
    assert page.count("Tinted: something was lost, not all is counted there.") == page.count('class="loss"') == 4


@pytest.mark.usefixtures("ran")
def test_times_picked_on_the_charts_of_a_family_lead_to_all_queries_of_these_times(
    as_viewer: Any, store: Session
) -> None:
    family = store.scalars(select(StatementFamily).where(StatementFamily.text.contains("orders where"))).one()
    picked = "from=2026-11-01T08:00:00.000Z&to=2026-11-01T09:30:00.000Z"
    page = as_viewer.get(f"{LIST}/{family.id}?{picked}").get_data(as_text=True)
    assert f"{LIST}?{picked.replace('&', '&amp;')}" in page
    assert "data-pick" in as_viewer.get(f"{LIST}/{family.id}").get_data(as_text=True)


@pytest.mark.usefixtures("ran")
def test_a_hostile_family_shows_as_text(as_viewer: Any, store: Session) -> None:
    family = store.scalars(select(StatementFamily).where(StatementFamily.text.contains("onerror"))).one()
    page = as_viewer.get(f"{LIST}/{family.id}").get_data(as_text=True)
    assert "<img src=x" not in page
    assert "onerror" in page


@pytest.mark.usefixtures("target")
def test_before_any_reading_the_page_says_what_it_waits_for(as_viewer: Any) -> None:
    assert "Collecting the first window" in as_viewer.get(LIST).get_data(as_text=True)
    assert rows(as_viewer) == []


def test_after_one_reading_the_page_waits_for_the_second(as_viewer: Any, read: Read) -> None:
    read(0)
    assert "One is there" in as_viewer.get(LIST).get_data(as_text=True)


def test_a_window_without_readings_says_so(as_viewer: Any, read: Read) -> None:
    read(-60)
    read(-59)
    assert "Nothing was collected in this window" in as_viewer.get(f"{LIST}?window=15m").get_data(as_text=True)


def test_a_target_without_the_extension_shows_the_remedy(as_viewer: Any, store: Session, target: Target) -> None:
    remedy = "CREATE EXTENSION pg_stat_statements;"
    state = {"state": "unavailable", "reason": "Not installed.", "remedy_sql": remedy, "duration_ms": 1, "rows": 0}
    store.add(ProbeState(target_id=target.id, probe="statements", tried_at=target.created_at, **state))
    page = as_viewer.get(LIST).get_data(as_text=True)
    assert "Statements cannot be read" in page
    assert "EXTENSION" in page


@pytest.mark.usefixtures("target")
def test_nobody_reads_without_signing_in(client: Any) -> None:
    for url in (LIST, f"{LIST}?format=json", f"{LIST}?format=csv", f"{LIST}/1"):
        answer = client.get(url)
        assert answer.status_code in {302, 303, 401}
        assert "rows" not in answer.get_data(as_text=True)


@pytest.mark.usefixtures("target")
def test_what_does_not_exist_is_404(as_viewer: Any) -> None:
    for url in ("/t/nothing/queries", *(f"{LIST}/{what}" for what in ("999", "x", "-1", f"{10**30}", "0x1"))):
        assert as_viewer.get(url).status_code == 404
        assert as_viewer.fragment.get(url).status_code == 404


BAD = ("sort=password", "dir=up", "page=0", "page=x", "window=5m", "window=91d", "format=xml", "q=%00")


@pytest.mark.usefixtures("target")
def test_bad_input_names_its_field(as_viewer: Any) -> None:
    for query in BAD:
        assert as_viewer.get(f"{LIST}?{query}").status_code == 422
        json = as_viewer.get(f"{LIST}?{query}", headers={"Accept": "application/json"})
        assert (json.status_code, list(json.json["error"]["fields"])) == (422, [query.split("=")[0]])


@pytest.mark.usefixtures("target")
def test_a_write_to_the_list_is_refused(as_admin: Any) -> None:
    assert as_admin.post(LIST).status_code == 405


@pytest.mark.usefixtures("ran")
def test_a_family_of_another_target_is_404(as_viewer: Any, store: Session, target: Target) -> None:
    other = Target(slug="other", name="Other", environment=target.environment, host="h", port=1, dbname="d", **MADE)
    store.add(other)
    family = store.scalars(select(StatementFamily)).first()
    assert as_viewer.get(f"/t/other/queries/{family.id}").status_code == 404


@pytest.mark.usefixtures("ran")
def test_pages_ask_the_store_a_fixed_number_of_questions(
    as_viewer: Any, app: Flask, queries: Any, target: Target
) -> None:
    with app.app_context():
        rank(target.id)
        db.session.commit()
    with queries(app) as seen:
        as_viewer.get(LIST)
    assert len([question for question in seen if "statement_" in question]) == 4
