"""Somebody's lock costs only the locked table its measurement, and nobody waits for us."""

import threading
import time
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import select

from dashboard.tables.models import IndexState, TableState

TABLES = """
create table free (id integer primary key);
create table busy (id integer primary key, note text);
insert into free select generate_series(1, 10000);
insert into busy select n, repeat('x', 50) from generate_series(1, 10000) n
"""


def sizes(store) -> dict[str, tuple[int | None, str | None]]:
    store.expire_all()
    return {row.name: (row.total_bytes, row.size_note) for row in store.scalars(select(TableState))}


@pytest.fixture
def migration(target_db):
    """Another session, in a transaction."""
    target_db.execute(TABLES)
    with psycopg.connect(target_db.url.replace("+psycopg", "")) as connection:
        yield connection


def test_a_table_that_a_migration_holds_keeps_its_last_known_size(target_db, migration, collected, store) -> None:
    collected()
    before = sizes(store)
    migration.execute("alter table busy add column extra integer default 7")
    target_db.execute("insert into free select generate_series(10001, 40000)")
    started = time.monotonic()
    collection = collected()
    assert time.monotonic() - started < 1
    after = sizes(store)
    assert after["free"][0] > before["free"][0]
    assert after["busy"][0] == before["busy"][0]
    assert after["busy"][1].startswith(f"locked by pid {migration.info.backend_pid} since ")
    assert collection.reason == "1 of 2 tables could not be measured and show their last known size: busy."


def test_a_table_that_was_never_measured_has_no_invented_size(migration, collected, store) -> None:
    migration.execute("lock table busy in access exclusive mode")
    collected()
    assert sizes(store)["busy"][0] is None


def test_the_size_of_a_locked_table_says_when_it_was_measured(migration, collected, store) -> None:
    collected()
    first = datetime.now(UTC)
    migration.execute("lock table busy in access exclusive mode")
    collected()
    collected()
    row = store.scalars(select(TableState).where(TableState.name == "busy")).one()
    assert row.sized_at < first
    migration.rollback()
    collected()
    store.refresh(row)
    assert (row.sized_at, row.size_note) == (None, None)


def test_a_waiting_migration_is_seen_and_gets_its_lock_at_once_when_the_reader_ends(
    target_db, migration, collected, store
) -> None:
    collected()
    migration.execute("select count(*) from busy")
    waited: list[float] = []

    def alter() -> None:
        with psycopg.connect(target_db.url.replace("+psycopg", "")) as other:
            other.execute("alter table busy add column late integer")
        waited.append(time.monotonic())

    waiting = threading.Thread(target=alter)
    waiting.start()
    time.sleep(0.3)
    collected()
    assert "waits for a lock on it since" in sizes(store)["busy"][1]
    released = time.monotonic()
    migration.commit()
    waiting.join(5)
    assert waited[0] - released < 1


def test_a_lock_on_an_index_or_the_toast_table_is_a_lock_on_its_table(target_db, migration, collected, store) -> None:
    collected()
    migration.execute("create unique index busy_note on busy (id)")
    migration.commit()
    collected()
    migration.execute("drop index busy_note")
    collected()
    assert sizes(store)["busy"][1].startswith("locked by pid")
    assert sizes(store)["free"][1] is None
    assert "busy_note" in store.scalars(select(IndexState.name)).all()


def test_a_lock_that_comes_after_the_look_costs_one_table_not_the_batch(target_db, migration, app, target) -> None:
    from dashboard.tables import sizes as measuring
    from dashboard.targets.connect import address_of, reading
    from dashboard.targets.queries import target_by_slug

    oids = [row[0] for row in target_db.execute("select oid::bigint from pg_class where relname in ('free', 'busy')")]
    migration.execute("lock table busy in access exclusive mode")
    with app.app_context(), reading(address_of(target_by_slug("shop"))) as reader:
        assert measuring._sizes_of(reader, oids) is None
        measured = measuring.Measured()
        measuring._measure_one_by_one(reader, oids, measured, time.monotonic() + 5)
    assert (len(measured.sizes), len(measured.notes)) == (1, 1)


def test_nothing_we_asked_keeps_a_lock_on_a_table_until_our_transaction_ends(target_db, migration, app, target) -> None:
    from dashboard.tables.collect import collect
    from dashboard.targets.collection import Collection
    from dashboard.targets.connect import address_of, reading
    from dashboard.targets.queries import target_by_slug

    now = datetime.now(UTC)
    held = """select count(*) from pg_locks l join pg_class c on c.oid = l.relation
        where c.oid > 16383 and l.pid <> pg_backend_pid()
        and l.database = (select oid from pg_database where datname = current_database())"""
    with app.app_context(), reading(address_of(row := target_by_slug("shop"))) as reader:
        collect(Collection(row, now, now, reader))
        assert target_db.execute(held) == [(0,)]
