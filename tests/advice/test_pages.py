"""The advice pages as page, fragment, JSON and CSV; refusals; empty states; hostile names; what they cost."""

import csv
import io
from datetime import UTC, datetime

import pytest

from dashboard.store import db
from dashboard.targets.states import keep_probe_state
from tests.advice.conftest import ask_by_customer

PAGES = ["/t/shop/advice", "/t/shop/advice/reasons"]
HOSTILE = """
create table "or""ders <b>&" (id integer primary key, "x"") <i>" integer);
insert into "or""ders <b>&" select n, n from generate_series(1, 12000) n;
vacuum analyze "or""ders <b>&";
select pg_stat_reset();
"""


def work(connection):
    ask_by_customer(connection)
    for _ in range(6):
        connection.execute("select count(*) from orders where placed_at::date = '2026-01-05'", prepare=False)


@pytest.fixture
def made(readable, advised):
    advised(work)
    return readable


@pytest.mark.parametrize("url", PAGES)
def test_a_page_shows_in_full_and_as_a_fragment(made, as_viewer, url) -> None:
    whole, part = as_viewer.get(url), as_viewer.fragment.get(url)
    assert (whole.status_code, part.status_code) == (200, 200)
    assert "orders" in whole.text
    assert "<html" not in part.text


@pytest.mark.parametrize("url", PAGES)
def test_nobody_sees_advice_without_signing_in(target, client, url) -> None:
    assert client.get(url).status_code in {302, 303}
    assert client.get(f"{url}?format=json").status_code == 401


@pytest.mark.parametrize("url", PAGES)
def test_a_page_is_only_read(target, as_viewer, url) -> None:
    assert as_viewer.post(url).status_code == 405


@pytest.mark.parametrize("url", PAGES)
def test_a_target_that_is_not_there_is_not_found(target, as_viewer, url) -> None:
    assert as_viewer.get(url.replace("shop", "none")).status_code == 404


@pytest.mark.parametrize("asked", ["sort=key", "dir=up", "page=0"])
def test_a_question_that_cannot_be_asked_is_refused_with_its_field(target, as_viewer, asked) -> None:
    for url in PAGES:
        answer = as_viewer.get(f"{url}?{asked}&format=json")
        assert answer.status_code == 422
        assert list(answer.json["error"]["fields"]) == [asked.split("=")[0]]


def test_the_list_as_json_has_ranges_in_milliseconds_and_the_sql(made, as_viewer) -> None:
    answer = as_viewer.get("/t/shop/advice?format=json").json
    [row] = answer["rows"]
    assert (row["schema"], row["table_name"], row["columns"]) == ("public", "orders", ["customer_id"])
    assert row["saved_low_ms"] <= row["saved_ms"] <= row["saved_high_ms"]
    assert row["create_sql"].startswith("CREATE INDEX CONCURRENTLY")
    assert (row["is_verified"], answer["total"]) == (False, 1)
    assert [family["calls"] for family in row["families"]] == [40]


def test_the_list_as_csv_has_a_line_for_each_index(made, as_viewer) -> None:
    rows = list(csv.DictReader(io.StringIO(as_viewer.get("/t/shop/advice?format=csv").text)))
    assert [row["name"] for row in rows] == ["ix_orders_customer_id"]


def test_the_page_has_the_evidence_the_sql_and_the_migration(made, as_viewer) -> None:
    text = as_viewer.get("/t/shop/advice").text
    assert "Would save" in text
    assert "estimated" in text
    assert "The server has no HypoPG: everything is an estimate." in text
    link = text.split('/migration.py"')[0].rsplit('"', 1)[-1]
    file = as_viewer.get(f"{link}/migration.py")
    assert "CREATE INDEX CONCURRENTLY" in file.text


def test_reasons_can_be_filtered_and_searched(made, as_viewer) -> None:
    rows = as_viewer.get("/t/shop/advice/reasons?reason=expression&format=json").json["rows"]
    assert [row["code"] for row in rows] == ["expression"]
    assert rows[0]["sentence"].startswith("CAST(placed_at AS DATE) converts the column")
    assert as_viewer.get("/t/shop/advice/reasons?q=nowhere-at-all&format=json").json["total"] == 0
    assert "No query fits" in as_viewer.get("/t/shop/advice/reasons?q=nowhere-at-all").text
    assert "No advice matches" in as_viewer.get("/t/shop/advice?q=nowhere-at-all").text


def test_before_the_first_run_the_pages_say_so(target, as_viewer) -> None:
    for url in PAGES:
        assert "No advice yet" in as_viewer.get(url).text


def test_after_a_run_without_readings_the_page_says_when_the_first_advice_comes(target, app, as_viewer) -> None:
    now = datetime.now(UTC)
    with app.app_context():
        keep_probe_state(target.id, "advice", tried_at=now, ended_at=now)
        db.session.commit()
    assert "within minutes of the first two readings" in as_viewer.get("/t/shop/advice").text


def test_without_statements_the_page_says_what_would_help(target, app, as_viewer) -> None:
    now, remedy = datetime.now(UTC), "CREATE EXTENSION pg_stat_statements;"
    with app.app_context():
        keep_probe_state(
            target.id, "statements", tried_at=now, ended_at=now, failed=True, reason="Not there.", remedy_sql=remedy
        )
        db.session.commit()
    text = as_viewer.get("/t/shop/advice").text
    assert "Statements cannot be read, and advice is made from them" in text
    assert "Not there." in text
    assert "EXTENSION" in text


def test_a_workload_that_misses_nothing_says_so(readable, advised, as_viewer) -> None:
    advised(lambda connection: connection.execute("select * from orders where id = 1"))
    assert "No index is missing" in as_viewer.get("/t/shop/advice").text


def test_hostile_names_are_shown_as_text_and_quoted_in_sql(readable, advised, as_viewer) -> None:
    for statement in HOSTILE.split(";\n")[:-1]:
        readable.execute(statement)

    def ask(connection):
        for number in range(20):
            connection.execute('select * from "or""ders <b>&" where "x"") <i>" = %s', (number,), prepare=False)

    advised(ask)
    page = as_viewer.get("/t/shop/advice")
    assert "<b>&" not in page.text
    assert "<i>" not in page.text
    [row] = as_viewer.get("/t/shop/advice?format=json").json["rows"]
    assert row["create_sql"].endswith('ON "public"."or""ders <b>&" USING btree ("x"") <i>")')
    readable.execute(row["create_sql"].replace(" CONCURRENTLY", ""))


@pytest.mark.parametrize(("url", "statements"), [("/t/shop/advice", 11), ("/t/shop/advice/reasons", 10)])
def test_a_page_asks_the_store_the_same_few_questions(made, as_viewer, app, queries, url, statements) -> None:
    with queries(app) as seen:
        as_viewer.get(url)
    assert len(seen) == statements, "\n".join(seen)
