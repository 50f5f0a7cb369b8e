"""What a real server says of its vacuums and ids, stored and judged."""

from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import func, select

from dashboard.findings.models import Finding
from dashboard.vacuum import queries
from dashboard.vacuum.models import TableVacuum, VacuumState, XidSample

SHOP = """
create table orders (id bigint primary key, note text) with (autovacuum_vacuum_scale_factor = 0.1);
alter table orders set (toast.autovacuum_enabled = off);
create table quiet (id bigint) with (autovacuum_enabled = off);
create table events (at integer) partition by range (at);
create table events_1 partition of events for values from (0) to (10);
insert into orders select n, 'x' from generate_series(1, 1000) n
"""


@pytest.fixture
def shop(target_db):
    target_db.execute(SHOP)
    target_db.execute("vacuum analyze")
    target_db.execute("delete from orders where id <= 300")
    target_db.execute("select pg_stat_force_next_flush()")
    return target_db


def stored(store) -> dict[str, TableVacuum]:
    store.expire_all()
    return {row.name: row for row in store.scalars(select(TableVacuum))}


def test_a_table_is_due_by_its_own_options(shop, collected, store) -> None:
    collected()
    found = stored(store)
    assert found.keys() == {"orders", "quiet", "events_1"}
    orders = found["orders"]
    assert (orders.dead_rows, orders.vacuum_threshold) == (300, 150)
    assert (orders.due_share, orders.due_for) == (2.0, "dead rows")
    assert (orders.is_autovacuumed, orders.is_toast_autovacuumed) == (True, False)
    assert (orders.vacuums, orders.analyzes, orders.autovacuums) == (1, 1, 0)
    assert orders.vacuum_ms is not None
    assert found["events_1"].parent == "public.events"
    assert not found["quiet"].is_autovacuumed


def test_ages_are_those_of_the_server_and_rows_change_only_when_vacuum_freezes(shop, collected, store) -> None:
    collected()
    before = stored(store)["orders"].frozen_xid
    for _ in range(3):
        shop.execute("select pg_current_xact_id()")
    collected()
    [(age, database_age)] = shop.execute("""
        select age(c.relfrozenxid), (select age(datfrozenxid) from pg_database where datname = current_database())
        from pg_class c where relname = 'orders'
    """)
    assert stored(store)["orders"].frozen_xid == before
    state = store.scalars(select(VacuumState)).one()
    assert state.next_xid - before == pytest.approx(age, abs=2)
    ours = next(one for one in state.databases if one["is_ours"])
    assert ours["xid_age"] == pytest.approx(database_age, abs=2)
    shop.execute("vacuum freeze orders")
    collected()
    assert stored(store)["orders"].frozen_xid > before


def test_a_sample_is_written_only_when_ids_were_used(shop, collected, store) -> None:
    for ago in (30, 20, 10):
        collected(timedelta(minutes=ago))
    assert store.scalar(select(func.count()).select_from(XidSample)) <= 2
    shop.execute("select pg_current_xact_id()")
    collected()
    assert store.scalars(select(XidSample).order_by(XidSample.slot.desc())).first().next_xid > 0


def test_what_holds_the_horizon_is_named(shop, collected, store) -> None:
    shop.execute("select pg_create_physical_replication_slot('keeper', true)")
    with psycopg.connect(shop.url.replace("+psycopg", ""), application_name="report") as session:
        session.execute("set transaction isolation level repeatable read")
        session.execute("select pg_current_xact_id()")
        collected()
    shop.execute("select pg_drop_replication_slot('keeper')")
    holders = store.scalars(select(VacuumState)).one().holders
    assert ("session", "report") in {(one["kind"], one["detail"]) for one in holders}


def test_rows_that_die_between_two_looks_are_counted(shop, collected, store) -> None:
    collected(timedelta(minutes=15))
    shop.execute("delete from orders where id between 301 and 420")
    shop.execute("select pg_stat_force_next_flush()")
    collected()
    orders = stored(store)["orders"]
    assert (orders.dead_rows, orders.died_rows, orders.vacuumed_ms) == (420, 120, 0)


def test_a_table_that_is_switched_off_and_due_is_a_finding(shop, collected, store) -> None:
    shop.execute("insert into quiet select generate_series(1, 1500)")
    shop.execute("delete from quiet")
    shop.execute("select pg_stat_force_next_flush()")
    collected()
    found = store.scalars(select(Finding).where(Finding.source == "vacuum")).one()
    assert (found.rule, found.level, found.subject) == ("autovacuum_off", "warning", "public.quiet")


def test_what_vanished_is_forgotten(shop, collected, store) -> None:
    collected()
    shop.execute("drop table quiet")
    collected()
    assert "quiet" not in stored(store)


def test_a_migrations_lock_neither_stops_nor_delays_the_collection(shop, collected) -> None:
    with psycopg.connect(shop.url.replace("+psycopg", "")) as migration:
        migration.execute("alter table orders add column late integer")
        assert collected().rows == 3


def test_a_role_that_may_only_connect_sees_all_but_the_sessions_of_others(shop, collected, store) -> None:
    shop.execute(f"revoke pg_monitor from watch_{shop.name}")
    with psycopg.connect(shop.url.replace("+psycopg", "")) as session:
        session.execute("select pg_current_xact_id()")
        collection = collected()
    assert "what holds vacuum back may be missing" in collection.reason
    assert collection.remedy_sql.startswith("GRANT pg_monitor TO ")
    assert len(stored(store)) == 3
    assert store.scalars(select(VacuumState)).one().holders == []


def test_limits_have_their_ages_and_dates_only_with_a_pace(app, target, shop, collected) -> None:
    collected(timedelta(hours=3))
    with app.app_context():
        from datetime import UTC, datetime

        now = datetime.now(UTC)
        assert {row.earliest for row in queries.limit_rows(target.id, now)} == {None}
        shop.execute("do $$ begin for n in 1..200 loop perform pg_current_xact_id(); commit; end loop; end $$")
    collected()
    with app.app_context():
        rows = queries.limit_rows(target.id, datetime.now(UTC))
    assert [row.kind for row in rows] == ["transaction ids"] * 4 + ["multixact ids"] * 4
    assert rows[0].per_day > 200
    assert rows[0].limit_age == 200_000_000
