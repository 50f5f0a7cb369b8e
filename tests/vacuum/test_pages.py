"""The vacuum pages as page, fragment, JSON and CSV; refusals; what they cost."""

import csv
import io
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

SHOP = """
create table orders (id serial primary key, note text);
create table quiet (id bigint) with (autovacuum_enabled = off);
insert into orders (note) select 'x' from generate_series(1, 1000) n;
"""
PAGES = ["/t/shop/vacuum", "/t/shop/vacuum/running", "/t/shop/vacuum/limits", "/t/shop/vacuum/sequences"]
LISTS = ["/t/shop/vacuum", "/t/shop/vacuum/sequences"]
HOSTILE = Path(__file__).parent.parent / "hostile.sql"


@pytest.fixture
def shop(target_db, collected, counted):
    target_db.execute(SHOP)
    target_db.execute("vacuum analyze")
    target_db.execute("delete from orders where id <= 500")
    target_db.execute("select pg_stat_force_next_flush()")
    collected(timedelta(hours=2))
    target_db.execute("select pg_current_xact_id()")
    collected()
    counted()
    return target_db


@pytest.mark.parametrize("url", PAGES)
def test_a_page_shows_in_full_and_as_a_fragment(shop, as_viewer, url) -> None:
    whole, part = as_viewer.get(url), as_viewer.fragment.get(url)
    assert (whole.status_code, part.status_code) == (200, 200)
    assert "<html" in whole.text
    assert "<html" not in part.text


@pytest.mark.parametrize("url", PAGES)
def test_a_page_is_only_for_those_who_signed_in_and_only_read(shop, as_viewer, client, url) -> None:
    assert client.get(url).status_code in {302, 303}
    assert client.get(f"{url}?format=json").status_code == 401
    assert as_viewer.post(url).status_code == 405
    assert as_viewer.get(url.replace("shop", "none")).status_code == 404


@pytest.mark.parametrize("url", LISTS)
def test_every_field_of_the_json_rows_sorts_both_ways(shop, as_viewer, url) -> None:
    for field in as_viewer.get(f"{url}?format=json").json["rows"][0]:
        for direction in ("asc", "desc"):
            assert as_viewer.get(f"{url}?sort={field}&dir={direction}").status_code == 200, field
    assert as_viewer.get(f"{url}?sort=oid&format=json").status_code == 422
    assert as_viewer.get(f"{url}?state=strange&format=json").status_code == 422


def test_the_list_tells_what_is_due_and_what_is_switched_off(shop, as_viewer) -> None:
    rows = {row["name"]: row for row in as_viewer.get("/t/shop/vacuum?format=json").json["rows"]}
    assert rows["orders"]["due_share"] == 2.0
    assert rows["orders"]["vacuum_threshold"] == 250
    assert not rows["quiet"]["is_autovacuumed"]
    assert as_viewer.get("/t/shop/vacuum?format=json&state=due").json["total"] == 1
    assert as_viewer.get("/t/shop/vacuum?format=json&state=autovacuum_off").json["total"] == 1
    text = as_viewer.get("/t/shop/vacuum").text
    assert "autovacuum off" in text
    assert "200 %" in text
    found = list(csv.DictReader(io.StringIO(as_viewer.get("/t/shop/vacuum?format=csv").text)))
    assert {row["name"] for row in found} == {"orders", "quiet"}


def test_running_vacuums_are_asked_of_the_target(shop, as_viewer) -> None:
    assert as_viewer.get("/t/shop/vacuum/running?format=json").json["rows"] == []
    assert "No vacuum runs" in as_viewer.fragment.get("/t/shop/vacuum/running").text


def test_a_running_vacuum_shows_its_phase_and_how_far_it_is(shop, as_viewer) -> None:
    with closing(psycopg.connect(shop.url.replace("+psycopg", ""), autocommit=True)) as session:
        session.execute("insert into orders (note) select repeat('x', 100) from generate_series(1, 20000)")
        session.execute("set vacuum_cost_delay = 50; set vacuum_cost_limit = 1; set vacuum_cost_page_dirty = 10000")
        session.pgconn.send_query(b"vacuum orders")
        rows, until = [], time.monotonic() + 5
        while not rows and time.monotonic() < until:
            rows = as_viewer.get("/t/shop/vacuum/running?format=json").json["rows"]
        text = as_viewer.get("/t/shop/vacuum/running").text
        session.cancel()
    assert (rows[0]["schema"], rows[0]["name"], rows[0]["is_automatic"]) == ("public", "orders", False)
    assert rows[0]["blocks"] > 100
    assert "by hand" in text


def test_a_target_that_is_down_stops_no_page(shop, store, target, as_viewer) -> None:
    target.port = 1
    store.commit()
    assert "not known now" in as_viewer.fragment.get("/t/shop/vacuum/running").text
    assert as_viewer.get("/t/shop/vacuum").status_code == 200
    assert as_viewer.get("/t/shop/vacuum/running?format=json").status_code == 503


def test_limits_are_a_list_too(shop, as_viewer) -> None:
    rows = as_viewer.get("/t/shop/vacuum/limits?format=json").json["rows"]
    assert len(rows) == 8
    assert rows[0].keys() >= {"kind", "name", "age", "limit_age", "earliest", "latest", "per_day"}
    assert "The server stops writing" in as_viewer.get("/t/shop/vacuum/limits").text


def test_charts_of_ids_shade_where_nothing_was_read_and_can_be_picked_from(shop, as_viewer) -> None:
    page = as_viewer.get("/t/shop/vacuum/limits?window=24h").text
    assert page.count("<figure") == page.count("data-pick") == 2
    assert page.count('class="gap"') == 4, "the time before the first reading and the one between the two"


def test_pages_say_when_nothing_was_collected(target, as_viewer) -> None:
    for url in PAGES:
        answer = as_viewer.get(url)
        assert answer.status_code == 200
        assert "Not collected yet" in answer.text or url.endswith("running")


def test_hostile_names_show_as_text(target_db, collected, counted, as_viewer) -> None:
    target_db.execute(HOSTILE.read_text("utf-8"))
    target_db.execute('create sequence "<script>alert(1)</script>"')
    collected()
    counted()
    for url in PAGES:
        text = as_viewer.get(url).text
        assert "<script>alert" not in text
        assert "<img src=x" not in text


@pytest.mark.parametrize("url", PAGES)
def test_a_page_costs_the_same_few_questions_for_any_number_of_tables(
    shop, collected, counted, as_viewer, app, queries, url
) -> None:
    with queries(app) as few:
        as_viewer.get(url)
    shop.execute("do $$ begin for n in 1..60 loop execute format('create table t%s (id serial)', n); end loop; end $$")
    collected()
    counted()
    with queries(app) as many:
        as_viewer.get(url)
    ours = [one for one in many if any(word in one for word in ("vacuum_state", "table_vacuum", "sequence_", "xid_"))]
    assert len(many) == len(few)
    assert len(ours) <= {"limits": 4, "sequences": 3, "running": 0}.get(url.split("/")[-1], 5)
