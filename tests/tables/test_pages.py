"""The tables pages as page, fragment, JSON and CSV; refusals; hostile names; what they cost."""

import csv
import html
import io
from datetime import timedelta
from pathlib import Path

import pytest

from dashboard.names import encode

SHOP = """
create table orders (id bigint primary key, note text);
insert into orders select n, 'x' from generate_series(1, 5000) n;
create table customers (id bigint primary key);
create table events (at date) partition by range (at);
create table events_1 partition of events for values from ('2026-01-01') to ('2026-02-01');
insert into events values ('2026-01-05');
create materialized view totals as select count(*) from orders;
"""
PAGES = ["/t/shop/tables", "/t/shop/indexes", "/t/shop/tables/public.orders"]
CONTRACT = {"schema", "name", "total_bytes", "heap_bytes", "toast_bytes", "index_bytes", "row_estimate"}
HOSTILE = Path(__file__).parent.parent / "hostile.sql"


@pytest.fixture
def shop(target_db, collected):
    target_db.execute(SHOP)
    collected(timedelta(hours=25))
    target_db.execute("insert into orders select n, 'x' from generate_series(5001, 9000) n")
    collected()
    return target_db


@pytest.mark.parametrize("url", PAGES)
def test_a_page_shows_in_full_and_as_a_fragment(shop, as_viewer, url) -> None:
    whole, part = as_viewer.get(url), as_viewer.fragment.get(url)
    assert (whole.status_code, part.status_code) == (200, 200)
    assert "orders" in whole.text
    assert "<html" not in part.text
    assert as_viewer.head(url).status_code == 200


@pytest.mark.parametrize("url", PAGES)
def test_nobody_sees_a_table_without_signing_in(shop, client, url) -> None:
    assert client.get(url).status_code in {302, 303}
    assert client.get(f"{url}?format=json").status_code == 401


@pytest.mark.parametrize("url", PAGES)
def test_a_page_is_only_read(shop, as_viewer, url) -> None:
    assert as_viewer.post(url).status_code == 405


@pytest.mark.parametrize(
    "url",
    [
        "/t/none/tables", "/t/none/indexes", "/t/shop/tables/public.none", "/t/shop/tables/orders",
        "/t/shop/tables/a.b~",
    ],
)  # fmt: skip
def test_what_is_not_there_is_not_found_in_every_form(shop, as_viewer, url) -> None:
    assert as_viewer.get(url).status_code == 404
    assert as_viewer.fragment.get(url).status_code == 404
    assert as_viewer.get(f"{url}?format=json").json["error"]["status"] == 404


@pytest.mark.parametrize(
    "asked", ["sort=oid", "sort=nothing", "dir=up", "page=0", "page=x", "kind=index", "partitions=all"]
)
def test_a_question_that_cannot_be_asked_is_refused_with_its_field(shop, as_viewer, asked) -> None:
    answer = as_viewer.get(f"/t/shop/tables?{asked}&format=json")
    assert answer.status_code == 422
    assert list(answer.json["error"]["fields"]) == [asked.split("=")[0]]


def test_a_window_outside_of_the_limits_is_refused(shop, as_viewer) -> None:
    assert as_viewer.get("/t/shop/tables/public.orders?window=91d").status_code == 422


def test_json_rows_carry_the_contract_and_add_up(shop, as_viewer) -> None:
    found = as_viewer.get("/t/shop/tables?format=json").json
    assert (found["total"], found["page"]) == (4, 1)
    assert found["as_of"].endswith("Z")
    for row in found["rows"]:
        assert row.keys() >= CONTRACT
        assert row["heap_bytes"] + row["toast_bytes"] + row["index_bytes"] == row["total_bytes"]
    by_name = {row["name"]: row for row in found["rows"]}
    assert by_name["orders"]["growth_24h_bytes"] > 0
    assert by_name["customers"]["growth_24h_bytes"] == 0
    assert by_name["events"]["partition_count"] == 1


def test_every_field_of_the_json_rows_sorts_both_ways(shop, as_viewer) -> None:
    for url in ("/t/shop/tables", "/t/shop/indexes"):
        for field in as_viewer.get(f"{url}?format=json").json["rows"][0]:
            for direction in ("asc", "desc"):
                assert as_viewer.get(f"{url}?sort={field}&dir={direction}").status_code == 200, field


def test_partitions_stand_under_their_root_until_they_are_asked_for(shop, as_viewer) -> None:
    names = [row["name"] for row in as_viewer.get("/t/shop/tables?format=json&q=events").json["rows"]]
    shown = as_viewer.get("/t/shop/tables?format=json&q=events&partitions=shown").json["rows"]
    assert names == ["events"]
    assert {row["name"]: row["parent"] for row in shown} == {"events": None, "events_1": "events"}
    assert "events_1" in as_viewer.get("/t/shop/tables/public.events").text


def test_search_takes_wildcards_as_they_are(shop, as_viewer) -> None:
    assert as_viewer.get("/t/shop/tables?format=json&q=%25").json["total"] == 0
    assert "No table fits" in as_viewer.get("/t/shop/tables?q=%25").text


def test_the_map_has_a_box_for_each_table_that_fits_and_links_to_it(shop, as_viewer) -> None:
    text = as_viewer.get("/t/shop/tables?view=map").text
    assert text.count('<rect class="box') == 4
    assert 'href="/t/shop/tables/public.orders" aria-label="public.orders, ' in text
    assert '<rect class="box' not in as_viewer.get("/t/shop/tables?view=map&q=nothing").text


def test_the_list_sorts_by_the_growth_that_was_chosen_and_says_why_it_is_unknown(shop, as_viewer) -> None:
    text = as_viewer.get("/t/shop/tables?growth=7d&sort=growth_7d_bytes").text
    assert "Watched for 1 d 1 h only, not for 7d yet." in text
    assert as_viewer.get("/t/shop/tables?growth=8d").status_code == 422


def test_a_young_table_has_no_forecast_and_says_how_many_days_are_missing(shop, as_viewer) -> None:
    text = as_viewer.get("/t/shop/tables/public.orders").text
    assert "There is no forecast of the whole (heap: only 2 of 7 days so far)." in text
    row = next(row for row in as_viewer.get("/t/shop/tables?format=json").json["rows"] if row["name"] == "orders")
    assert (row["projected_bytes"], row["growth_7d_bytes"]) == (None, None)


def test_a_jump_is_told_with_the_change_that_caused_it(shop, collected, as_viewer) -> None:
    shop.execute("alter table orders alter note set storage external")
    shop.execute("insert into orders select n, repeat('x', 2000) from generate_series(10001, 15000) n")
    shop.execute("create index by_note on orders (note)")
    collected()
    text = as_viewer.get("/t/shop/tables/public.orders?window=24h").text
    assert "MB on " in text
    assert "Index by_note on public.orders was built" in text.split('<ul class="steps">')[1]


def test_csv_has_the_whole_list(shop, as_viewer) -> None:
    answer = as_viewer.get("/t/shop/tables?format=csv&sort=name&dir=asc")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["name"] for row in rows] == ["customers", "events", "orders", "totals"]
    assert "tables.csv" in answer.headers["Content-Disposition"]


def test_indexes_show_use_only_with_the_time_that_was_watched(shop, as_viewer) -> None:
    text = as_viewer.get("/t/shop/indexes?state=no_scans").text
    assert "none seen in" in text
    assert "No scans counted is not the same as unused" in text
    assert "unused" not in text.replace("not the same as unused", "")


def test_before_the_first_collection_and_in_an_empty_database_the_page_says_so(target_db, collected, as_viewer) -> None:
    assert "Not collected yet" in as_viewer.get("/t/shop/tables").text
    collected()
    assert "This database has no tables" in as_viewer.get("/t/shop/tables").text
    assert "This database has no indexes" in as_viewer.get("/t/shop/indexes").text


def test_hostile_names_show_as_text_on_every_page(target_db, collected, as_viewer) -> None:
    target_db.execute(HOSTILE.read_text("utf-8"))
    collected()
    rows = as_viewer.get("/t/shop/tables?format=json").json["rows"]
    for url in [
        "/t/shop/tables",
        "/t/shop/indexes",
        *(f"/t/shop/tables/{encode(r['schema'], r['name'])}" for r in rows),
    ]:
        text = as_viewer.get(url.replace("%", "%25").replace("?", "%3F").replace("#", "%23")).text
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "<svg onload" not in text
    assert (
        html.escape("<script>alert('table')</script>").replace("&#x27;", "&#39;")
        in as_viewer.get("/t/shop/tables").text
    )


def test_a_list_costs_the_same_few_questions_for_any_number_of_tables(shop, collected, as_viewer, app, queries) -> None:
    with queries(app) as few:
        as_viewer.get("/t/shop/tables")
    shop.execute("do $$ begin for n in 1..60 loop execute format('create table t%s (id int)', n); end loop; end $$")
    collected()
    with queries(app) as many:
        as_viewer.get("/t/shop/tables")
    assert len(many) == len(few)
    assert len([statement for statement in many if " table_" in statement]) == 4
