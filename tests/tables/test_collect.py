"""What a collection stores of a real server: exact sizes, honest unknowns, only what changed."""

from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dashboard.tables.models import IndexState, TableSample, TableState

SHOP = """
create table orders (id bigint primary key, note text);
insert into orders select n, repeat(md5(n::text), 200) from generate_series(1, 500) n;
alter table orders alter note set storage external;
insert into orders select n, repeat(md5(n::text), 200) from generate_series(501, 700) n;
create index orders_note on orders (left(note, 10)) where id > 5;
vacuum analyze orders;
create table empty (id integer);
"""
EXACT = "select pg_total_relation_size('orders'), pg_indexes_size('orders')"


def fill(target_db: Any, sql: str = SHOP) -> None:
    for statement in sql.split(";\n"):
        if statement.strip():
            target_db.execute(statement)


def table(store: Session, name: str) -> TableState:
    store.expire_all()
    return store.scalars(select(TableState).where(TableState.name == name)).one()


def test_the_parts_of_a_table_add_up_to_what_the_server_says(target_db, collected, store) -> None:
    fill(target_db)
    collected()
    row = table(store, "orders")
    assert [(row.total_bytes, row.index_bytes)] == target_db.execute(EXACT)
    assert row.heap_bytes + row.toast_bytes + row.index_bytes == row.total_bytes
    assert row.toast_bytes > 200 * 6400


def test_rows_are_estimated_after_analyze_and_an_empty_table_has_none(target_db, collected, store) -> None:
    fill(target_db)
    collected()
    assert table(store, "orders").row_estimate == 700
    assert (table(store, "empty").row_estimate, table(store, "empty").total_bytes) == (0, 0)


def test_rows_that_were_never_analyzed_are_those_that_the_server_counted(target_db, collected, store) -> None:
    with target_db.server.connect(target_db.name) as connection:
        connection.execute("create table fresh (id integer) with (autovacuum_enabled = off)")
        connection.execute("insert into fresh select generate_series(1, 40)")
        connection.execute("select pg_stat_force_next_flush()")
    collected()
    assert table(store, "fresh").row_estimate == 40


def test_a_partitioned_table_carries_the_sums_of_its_leaves_over_two_levels(target_db, collected, store) -> None:
    fill(
        target_db,
        """create table events (at date, kind text, id int) partition by range (at);
        create table events_a partition of events for values from ('2026-01-01') to ('2026-02-01')
            partition by list (kind);
        create table events_a_x partition of events_a for values in ('x');
        create table events_b partition of events for values from ('2026-02-01') to ('2026-03-01');
        create index events_id on events (id);
        insert into events select '2026-01-05', 'x', n from generate_series(1, 3000) n;
        insert into events select '2026-02-05', 'y', n from generate_series(1, 5000) n;
        """.replace(";\n        ", ";\n"),
    )
    collected()
    leaves = [table(store, "events_a_x"), table(store, "events_b")]
    assert table(store, "events").total_bytes == sum(leaf.total_bytes for leaf in leaves) > 0
    assert table(store, "events").partition_count == 2
    assert table(store, "events_a").heap_bytes == leaves[0].heap_bytes
    root_index = store.scalars(select(IndexState).where(IndexState.name == "events_id")).one()
    assert root_index.size_bytes == sum(leaf.index_bytes for leaf in leaves)


def test_an_idle_table_is_sampled_once_and_a_changed_one_again(target_db, collected, store) -> None:
    fill(target_db)
    collected()
    target_db.execute("insert into empty select generate_series(1, 10000)")
    collected()
    collected()
    counts = select(TableState.name, func.count()).join(TableSample, TableSample.oid == TableState.oid)
    assert dict(store.execute(counts.group_by(TableState.name)).all()) == {"orders": 1, "empty": 2}


def test_dropped_tables_and_indexes_are_gone_after_the_next_collection(target_db, collected, store) -> None:
    fill(target_db)
    collected()
    target_db.execute("drop table orders")
    collected()
    assert store.scalars(select(TableState.name)).all() == ["empty"]
    assert store.scalars(select(IndexState.name)).all() == []


def test_an_index_tells_its_shape_and_its_definition(target_db, collected, store) -> None:
    fill(target_db)
    collected()
    index = store.scalars(select(IndexState).where(IndexState.name == "orders_note")).one()
    assert (index.method, index.columns, index.is_partial, index.is_unique) == ("btree", ["(expression)"], True, False)
    assert index.definition == 'CREATE INDEX orders_note ON public.orders USING btree ("left"(note, 10)) WHERE (id > 5)'


def test_an_index_tells_its_keys_as_the_catalogue_has_them(target_db, collected, store) -> None:
    target_db.execute("create table lines (id int unique nulls not distinct, at date, note text)")
    target_db.execute(
        "create index pair on lines (at desc, lower(note) collate \"C\") include (id) where at > '2026-01-01'"
    )
    collected()
    index = store.scalars(select(IndexState).where(IndexState.name == "pair")).one()
    assert (index.key_columns, index.include_columns, index.options) == ([2, 0], [1], [3, 0])
    assert (len(index.opclasses), index.collations) == (2, [0, 950])
    assert (index.expressions, index.predicate) == ("lower(note)", "(at > '2026-01-01'::date)")
    unique = store.scalars(select(IndexState).where(IndexState.name == "lines_id_key")).one()
    assert (unique.nulls_not_distinct, unique.backs_constraint, unique.is_ready) == (True, True, True)
    assert (unique.is_referenced, unique.is_clustered, unique.is_exclusion) == (False, False, False)


def test_what_the_planner_and_autovacuum_know_is_stored(target_db, collected, store) -> None:
    fill(target_db)
    target_db.execute("alter table orders set (fillfactor = 70)")
    collected()
    row = table(store, "orders")
    filenode, pages = target_db.execute("select relfilenode::bigint, relpages from pg_class where relname = 'orders'")[
        0
    ]
    assert (row.relfilenode, row.pages, row.tuples, row.options) == (filenode, pages, 700.0, ["fillfactor=70"])
    assert (row.modified_since_analyze, row.rows_hot_updated, row.last_autoanalyze_at) == (0, 0, None)


def test_a_renamed_index_gets_its_new_definition(target_db, collected, store) -> None:
    fill(target_db)
    collected()
    target_db.execute("alter index orders_note rename to orders_start")
    collected()
    index = store.scalars(select(IndexState).where(IndexState.name == "orders_start")).one()
    assert index.definition is not None
    assert index.definition.startswith("CREATE INDEX orders_start ON")


def test_a_reset_of_the_counters_begins_a_new_time_of_evidence(target_db, collected, store) -> None:
    fill(target_db)
    collected()
    before = table(store, "orders").counted_since
    target_db.execute("select pg_stat_reset()")
    collected()
    assert table(store, "orders").counted_since > before


def test_an_empty_database_and_hostile_names_are_collected(target_db, collected, store) -> None:
    assert collected().rows == 0
    target_db.execute(Path(__file__).parent.parent.joinpath("hostile.sql").read_text("utf-8"))
    assert collected().reason is None
    assert "<script>alert('table')</script>" in store.scalars(select(TableState.name)).all()
