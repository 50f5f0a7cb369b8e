"""Bloat from the hourly job to the pages, and measuring it on demand."""

from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import select

from dashboard.findings.models import Finding
from dashboard.security.models import AuditEntry
from dashboard.tables import bloat, bloat_collect, bloat_grant, bloat_queries, bloat_rules
from dashboard.tables.models import IndexState, RelationBloat, TableState
from tests.collections import collecting

SHOP = """
create table orders (id bigint primary key, note text);
insert into orders select n, 'note ' || n from generate_series(1, 60000) n;
delete from orders where id % 2 = 0;
create table small (id bigint primary key);
create table events (at integer) partition by range (at);
create table events_1 partition of events for values from (0) to (100000);
insert into events select n from generate_series(1, 50000) n;
delete from events where at % 2 = 0
"""
MEASURE = "/t/shop/tables/public.orders/measure"


@pytest.fixture
def estimated(app, target):
    return collecting(app, bloat_collect)


@pytest.fixture
def shop(target_db, collected, estimated):
    target_db.execute(SHOP)
    target_db.execute("vacuum")
    target_db.execute("analyze")
    target_db.execute(bloat_grant.LEND.format(role="PUBLIC"))
    collected()
    estimated()
    return target_db


def stored(store) -> dict[str, RelationBloat]:
    store.expire_all()
    names = dict(store.execute(select(TableState.oid, TableState.name)).all())
    names |= dict(store.execute(select(IndexState.oid, IndexState.name)).all())
    return {names[row.oid]: row for row in store.scalars(select(RelationBloat))}


def test_estimates_are_stored_for_what_is_large_and_summed_for_roots(shop, store) -> None:
    found = stored(store)
    assert found.keys() == {"orders", "orders_pkey", "events", "events_1"}
    assert found["orders"].bloat_share == pytest.approx(0.5, abs=0.03)
    assert found["events"].bloat_bytes == found["events_1"].bloat_bytes > 0


def test_an_unchanged_estimate_is_not_written_again(shop, store, estimated) -> None:
    before = {name: row.estimated_at for name, row in stored(store).items()}
    estimated()
    assert {name: row.estimated_at for name, row in stored(store).items()} == before


def test_what_grew_is_unknown_although_a_reset_hides_its_changes(shop, target_db, store, collected, estimated) -> None:
    target_db.execute("alter table orders set (autovacuum_enabled = off); select")
    target_db.execute("insert into orders select n, 'much more ' || n from generate_series(100000, 170000) n")
    target_db.execute("select pg_stat_force_next_flush(), pg_stat_reset()")
    estimated()
    assert stored(store)["orders"].reason is None, "it was not measured again yet"
    collected()
    estimated()
    assert stored(store)["orders"].reason == bloat.RESIZED


def test_what_vanished_is_forgotten(shop, store, estimated, collected) -> None:
    shop.execute("drop table events")
    estimated()
    collected()
    assert set(stored(store)) == {"orders", "orders_pkey"}


def test_without_the_right_bloat_is_unknown_and_the_grant_is_told(target_db, store, collected, estimated) -> None:
    target_db.execute(SHOP)
    target_db.execute("analyze")
    collected()
    collection = estimated()
    assert stored(store)["orders"].reason == bloat.DENIED
    assert collection.reason.startswith("The bloat of 3 of 3 tables and indexes is unknown")
    assert "SECURITY DEFINER" in collection.remedy_sql
    target_db.execute(collection.remedy_sql)
    estimated()
    target_db.execute("drop schema pilothouse cascade")
    assert stored(store)["orders"].bloat_share == pytest.approx(0.5, abs=0.03)


def test_a_function_of_somebody_without_rights_is_not_called(target_db, store, collected, estimated) -> None:
    target_db.execute(SHOP)
    target_db.execute("analyze")
    target_db.execute(bloat_grant.LEND.format(role="PUBLIC"))
    target_db.execute("create role somebody")
    target_db.execute("alter function pilothouse.column_statistics() owner to somebody")
    collected()
    estimated()
    target_db.execute("alter function pilothouse.column_statistics() owner to postgres")
    target_db.execute("drop role somebody")
    assert stored(store)["orders"].reason == bloat.DENIED


def test_a_migrations_lock_neither_stops_nor_delays_the_estimates(shop, estimated) -> None:
    with psycopg.connect(shop.url.replace("+psycopg", "")) as migration:
        migration.execute("alter table orders add column late integer")
        assert estimated().reason is None


def test_what_is_worth_doing_becomes_a_finding_and_ends_with_it(shop, store, estimated, monkeypatch) -> None:
    monkeypatch.setattr(bloat_rules, "FLOOR_BYTES", 100_000)
    monkeypatch.setattr(bloat_queries, "FLOOR_BYTES", 100_000)
    estimated()
    keys = select(Finding.key).where(Finding.ended_at.is_(None)).order_by(Finding.key)
    expected = ["bloat_index:public.orders_pkey", "bloat_table:public.events_1", "bloat_table:public.orders"]
    assert store.scalars(keys).all() == expected
    shop.execute("vacuum full analyze")
    estimated()
    store.expire_all()
    assert store.scalars(keys).all() == []


def test_the_pages_show_bloat_with_its_share_and_what_to_do(shop, as_viewer, as_operator) -> None:
    text = as_viewer.get("/t/shop/tables/public.orders").text
    assert "Bloat" in text
    assert "orders_pkey" in text
    assert "Nothing to do" in text
    assert MEASURE not in text
    assert MEASURE in as_operator.get("/t/shop/tables/public.orders").text
    assert "too small to matter" in as_viewer.get("/t/shop/tables/public.small").text
    [row] = as_viewer.get("/t/shop/tables?format=json&q=orders").json["rows"]
    assert row["bloat_bytes"] > 1_000_000
    assert as_viewer.get("/t/shop/tables?sort=bloat_bytes").status_code == 200
    rows = as_viewer.get("/t/shop/indexes?format=json&sort=bloat_bytes").json["rows"]
    assert rows[0]["name"] == "orders_pkey"


def test_an_operator_measures_and_it_is_kept_with_time_and_name(shop, store, as_operator) -> None:
    shop.execute("create extension pgstattuple")
    assert as_operator.post(MEASURE).status_code == 303
    answer = as_operator.fragment.post(MEASURE, data={"oid": stored(store)["orders_pkey"].oid})
    assert answer.status_code == 200
    assert "measured" in answer.text
    found = stored(store)
    assert found["orders"].measured_share == pytest.approx(0.47, abs=0.03)
    assert found["orders_pkey"].measured_share == pytest.approx(0.5, abs=0.06)
    assert found["orders"].measured_by.startswith("operator-")
    entries = store.scalars(select(AuditEntry).where(AuditEntry.action == "bloat.measure")).all()
    assert {entry.subject for entry in entries} == {"shop/public.orders", "shop/public.orders_pkey"}


def test_toast_has_a_lower_bound_until_it_is_measured(target_db, store, collected, estimated, as_operator) -> None:
    target_db.execute("create extension pgstattuple")
    target_db.execute("create table orders (id bigint primary key, document text); create table small (note text)")
    target_db.execute("alter table orders alter document set storage external")
    target_db.execute("insert into orders select n, repeat('x', 7980) from generate_series(1, 400) n")
    target_db.execute("delete from orders where id % 2 = 0")
    target_db.execute("vacuum analyze orders")
    collected()
    estimated()
    toast = store.scalars(select(RelationBloat).where(RelationBloat.kind == "toast")).one()
    assert toast.bloat_share == pytest.approx(0.5, abs=0.01)
    assert "estimated, at least" in as_operator.get("/t/shop/tables/public.orders").text
    assert as_operator.post(MEASURE, data={"oid": toast.oid}).status_code == 303
    store.refresh(toast)
    assert toast.measured_share == pytest.approx(0.5, abs=0.05)
    assert "estimated, at least" not in as_operator.get("/t/shop/tables/public.orders").text


def test_measuring_says_what_is_missing(shop, as_operator) -> None:
    for browser in (as_operator, as_operator.fragment):
        text = browser.post(MEASURE).text
        assert "The extension pgstattuple is not installed" in text
        assert "CREATE EXTENSION pgstattuple" in text
    shop.execute("create extension pgstattuple")
    shop.execute(f"revoke pg_monitor from watch_{shop.name}")
    assert "GRANT pg_stat_scan_tables TO" in as_operator.post(MEASURE).text.replace("</span>", "").replace(
        '<span class="tok-keyword">', ""
    )


def test_measuring_waits_for_no_lock(shop, as_operator) -> None:
    shop.execute("create extension pgstattuple")
    with psycopg.connect(shop.url.replace("+psycopg", "")) as migration:
        migration.execute("lock table orders in access exclusive mode")
        answer = as_operator.post(MEASURE)
    assert "Another session holds a lock" in answer.text


@pytest.mark.parametrize(("sent", "status"), [({"oid": "1"}, 422), ({"oid": "x"}, 422), ({}, 303)])
def test_only_the_table_and_its_b_trees_are_measured(shop, as_operator, sent, status) -> None:
    shop.execute("create extension pgstattuple")
    assert as_operator.post(MEASURE, data=sent).status_code == status


def test_a_viewer_may_not_measure_and_nobody_without_signing_in(shop, as_viewer, client, as_operator) -> None:
    assert as_viewer.post(MEASURE).status_code == 403
    assert client.post(MEASURE).status_code in {302, 303, 401}
    assert as_operator.get(MEASURE).status_code == 405
    assert as_operator.post("/t/shop/tables/public.none/measure").status_code == 404
    assert as_operator.post("/t/shop/tables/public.events/measure").status_code == 422


def test_a_page_before_the_first_estimate_says_so(target_db, collected, as_viewer) -> None:
    target_db.execute(SHOP)
    collected(timedelta(hours=1))
    assert "estimated every hour, not yet" in as_viewer.get("/t/shop/tables/public.orders").text
