"""What a collection tells the change lane, of a real server; and what it keeps silent about."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from dashboard.changes.models import Change
from dashboard.tables.models import IndexSample, TableReading, TableSample, TableState
from tests.tables.test_collect import table

SHOP = """
create table orders (id bigint primary key, note text) with (autovacuum_enabled = off);
insert into orders select n, repeat('x', 100) from generate_series(1, 5000) n;
create table small (id int);
"""


@pytest.fixture
def shop(target_db, collected):
    target_db.execute(SHOP)
    collected(timedelta(minutes=5))
    return target_db


def lane(store) -> list[tuple[str, str]]:
    found = select(Change).where(Change.kind.in_(("rewrite", "index", "analyze", "reset"))).order_by(Change.id)
    return [(row.kind, row.title) for row in store.scalars(found)]


def test_nothing_is_told_of_the_first_sight_or_of_a_new_table(shop, collected, store) -> None:
    shop.execute("create table fresh (id int primary key)")
    collected()
    assert lane(store) == []


@pytest.mark.parametrize(
    ("statements", "kind", "words"),
    [
        (["alter table orders alter id type numeric"], "rewrite", "public.orders was rewritten: "),
        (["truncate orders"], "rewrite", "public.orders was truncated: "),
        (["create index by_note on orders (note)"], "index", "Index by_note on public.orders was built, "),
        (["reindex index orders_pkey"], "index", "Index orders_pkey on public.orders was rebuilt, "),
        (["reindex index concurrently orders_pkey"], "index", "Index orders_pkey on public.orders was rebuilt, "),
        (["alter table orders drop constraint orders_pkey"], "index", "Index orders_pkey on public.orders was dropped"),
        (["analyze small"], "analyze", "Statistics of public.small were gathered by ANALYZE"),
    ],
)
def test_what_happened_to_a_table_is_one_mark(shop, collected, store, statements, kind, words) -> None:
    for statement in statements:
        shop.execute(statement)
    collected()
    collected()
    [(told, title)] = lane(store)
    assert told == kind
    assert title.startswith(words)


def test_counters_of_one_table_that_began_anew_are_told(shop, collected, store) -> None:
    shop.execute("select pg_stat_force_next_flush()")
    shop.execute("select pg_stat_reset_single_table_counters('orders'::regclass)")
    collected()
    assert lane(store) == [("reset", "Counters of public.orders began anew")]


def test_an_analyze_of_everything_is_one_mark(shop, collected, store) -> None:
    for number in range(4):
        shop.execute(f"create table t{number} (id int)")
    collected(timedelta(minutes=4))
    shop.execute("analyze")
    collected()
    assert lane(store) == [("analyze", "6 tables were analyzed")]


def test_an_index_that_is_being_built_is_told_when_it_is_valid(shop, collected, store) -> None:
    shop.execute("create index late on orders (note)")
    shop.execute("update pg_index set indisvalid = false where indexrelid = 'late'::regclass")
    collected(timedelta(minutes=2))
    assert lane(store) == []
    shop.execute("update pg_index set indisvalid = true where indexrelid = 'late'::regclass")
    collected()
    assert lane(store)[0][1].startswith("Index late on public.orders was built")


def test_an_idle_database_costs_one_row_a_collection(shop, collected, store) -> None:
    collected(timedelta(minutes=4))
    collected()
    counts = [len(store.scalars(select(model)).all()) for model in (TableSample, IndexSample, TableReading)]
    assert counts == [2, 1, 3]


def test_a_table_that_did_not_change_grew_by_nothing_and_another_by_what_it_has_more(
    target_db, collected, store
) -> None:
    target_db.execute(SHOP)
    collected(timedelta(days=30, minutes=10))
    before = table(store, "orders").total_bytes
    collected(timedelta(days=7, minutes=10))
    target_db.execute("insert into orders select n, repeat('x', 100) from generate_series(5001, 9000) n")
    collected(timedelta(hours=24, minutes=10))
    collected()
    row, idle = table(store, "orders"), table(store, "small")
    grown = row.total_bytes - before
    assert (row.growth_24h_bytes, row.growth_7d_bytes, row.growth_30d_bytes) == (0, grown, grown)
    assert (row.growth_90d_bytes, idle.growth_7d_bytes, idle.growth_90d_bytes) == (None, 0, None)


def test_another_server_begins_anew_without_invented_growth_or_marks(shop, target, collected, store) -> None:
    target.system_identifier = "1"
    store.commit()
    collected(timedelta(minutes=4))
    target.system_identifier = "2"
    store.commit()
    shop.execute("truncate orders")
    collected()
    assert lane(store) == []
    row = store.scalars(select(TableState).where(TableState.name == "orders")).one()
    assert (row.growth_24h_bytes, row.first_seen_at) == (None, row.sampled_at)
