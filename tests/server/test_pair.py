"""A real primary with a real standby: lag, slots, and what is told after a crash, a restart and a promotion."""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.changes.models import Change
from dashboard.embedded import Server
from dashboard.server import collect, collect_replication, queries
from dashboard.server.models import DatabaseSample, DatabaseState, ReplicationState
from dashboard.server.replication import standing, unheard
from dashboard.server.series import MINUTE, rate
from dashboard.targets.models import Target
from dashboard.targets.queries import target_by_slug
from dashboard.vacuum import collect as vacuum
from dashboard.vacuum.models import VacuumState
from tests.collections import collecting
from tests.databases import FOLDERS
from tests.server.pair import DATABASE, ROLE, Standby, eventually, on, reach, register

Read = Callable[..., None]


@pytest.fixture(scope="module")
def primary() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix=FOLDERS))
    server = Server(folder, durable=False).start()
    with server.connect() as connection:
        connection.execute(b"alter system set max_prepared_transactions = 2")
    server.stop()
    with server.start().connect() as connection:
        connection.execute(f"create database {DATABASE}".encode())
        connection.execute(f"create role {ROLE} login password '{server.password(ROLE)}' in role pg_monitor".encode())
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def standby(primary: Server) -> Iterator[Standby]:
    standby = Standby(primary, "copy").start()
    yield standby
    standby.remove()


@pytest.fixture
def read(app: Flask, primary: Server, standby: Standby) -> Iterator[Read]:
    """`read("shop", minutes_ago)` collects from the primary, `read("copy", …)` from its standby."""
    own, places = app.extensions["pilothouse_server"], {"shop": primary.socket_dir, "copy": standby.socket_dir}
    for slug, place in places.items():
        register(app, slug, primary, place)

    def once(slug: str, minutes: int) -> None:
        reach(app, places[slug])
        for collector in (collect, collect_replication):
            collecting(app, collector, slug)(timedelta(minutes=minutes))

    yield once
    app.extensions["pilothouse_target_pools"].close()
    app.extensions["pilothouse_server"] = own


def state_of(store: Session, slug: str) -> Any:
    return store.scalars(select(DatabaseState).join(Target).where(Target.slug == slug)).one()


def replication_of(store: Session, slug: str) -> ReplicationState:
    return store.scalars(select(ReplicationState).join(Target).where(Target.slug == slug)).one()


def caught_up(primary: Server, standby: Standby) -> bool:
    (lsn,) = on(primary, "select pg_current_wal_lsn()::text")[0]
    return bool(standby.execute(f"select pg_last_wal_replay_lsn() >= '{lsn}'")[0][0])


def samples(store: Session, slug: str) -> list[DatabaseSample]:
    found = select(DatabaseSample).join(Target).where(Target.slug == slug).order_by(DatabaseSample.slot)
    return list(store.scalars(found))


def marks(store: Session) -> list[tuple[str, str]]:
    kinds = ("crash", "restart", "failover", "reset")
    found = select(Change.kind, Change.title).where(Change.kind.in_(kinds)).order_by(Change.id)
    return [(kind, title) for kind, title in store.execute(found)]


def test_both_sides_know_each_other(
    app: Flask, store: Session, as_viewer: Any, read: Read, primary: Server, standby: Standby
) -> None:
    eventually(lambda: caught_up(primary, standby))
    read("shop", 1)
    read("copy", 1)
    assert (state_of(store, "shop").is_standby, state_of(store, "copy").is_standby) == (False, True)
    with app.app_context():
        shop, copy = target_by_slug("shop"), target_by_slug("copy")
        assert [one.slug for one in queries.standbys_of(shop)] == ["copy"]
        assert queries.cluster_target_ids(copy.id) == [copy.id, shop.id]
        assert queries.counter_start(copy.id) is not None
    rows = {row["kind"]: row for row in as_viewer.get("/t/shop/server/replication?format=json").json["rows"]}
    assert (rows["follower"]["state"], rows["slot"]["state"]) == ("streaming, async", "active, reserved")
    assert rows["slot"]["why"] == "Its reader keeps up."
    assert 'href="/t/copy/server/replication"' in as_viewer.get("/t/shop/server/replication").text
    page = as_viewer.get("/t/copy/server/replication").text
    assert "Everything that the primary sent is replayed." in page
    assert 'href="/t/shop/server/replication"' in page


def test_a_prepared_transaction_that_no_session_shows_holds_vacuum_back(
    app: Flask, store: Session, read: Read, primary: Server
) -> None:
    reach(app, primary.socket_dir)
    on(primary, "begin; select pg_current_xact_id(); prepare transaction 'left behind'")
    collecting(app, vacuum, "shop")()
    holders = store.scalars(select(VacuumState)).one().holders
    on(primary, "rollback prepared 'left behind'")
    assert ("prepared", "left behind", "postgres") in {(one["kind"], one["name"], one["detail"]) for one in holders}


def test_a_paused_standby_is_behind_in_bytes_and_in_time(
    store: Session, as_viewer: Any, read: Read, primary: Server, standby: Standby
) -> None:
    on(primary, "create table if not exists first as select 1 as one")
    eventually(lambda: caught_up(primary, standby))
    standby.execute("select pg_wal_replay_pause()")
    eventually(lambda: standby.execute("select pg_get_wal_replay_pause_state()") == [("paused",)])
    try:
        on(primary, "create table if not exists paused as select g from generate_series(1, 20000) g")
        eventually(lambda: standby.execute("select pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()") == [(True,)])
        read("copy", 1)
    finally:
        standby.execute("select pg_wal_replay_resume()")
    stands = standing(replication_of(store, "copy").position)
    assert (stands.lag_bytes or 0) > 100_000
    assert (stands.lag_ms or -1) >= 0
    assert "pg_wal_replay_resume()" in as_viewer.get("/t/copy/server/replication").text


def test_a_role_without_pg_monitor_is_told_what_is_hidden(as_viewer: Any, read: Read, primary: Server) -> None:
    on(primary, f"revoke pg_monitor from {ROLE}")
    try:
        read("shop", 1)
        read("copy", 1)
    finally:
        on(primary, f"grant pg_monitor to {ROLE}")
    page = as_viewer.get("/t/shop/server/replication").text
    assert "How far those who follow this server are is hidden from the watching role." in page
    (follower,) = as_viewer.get("/t/shop/server/replication?format=json&q=follower").json["rows"]
    assert (follower["state"], follower["lag_bytes"]) == ("hidden", None)


def test_an_idle_primary_makes_no_lag(store: Session, read: Read, primary: Server, standby: Standby) -> None:
    eventually(lambda: caught_up(primary, standby))
    read("copy", 1)
    stands = standing(replication_of(store, "copy").position)
    assert (stands.lag_bytes, stands.lag_ms, stands.level) == (0, 0.0, "good")


def test_the_slot_of_a_stopped_standby_says_since_when_it_holds_wal(
    as_viewer: Any, read: Read, primary: Server, standby: Standby
) -> None:
    standby.stop()
    eventually(lambda: on(primary, "select active from pg_replication_slots") == [(False,)])
    on(primary, "create table if not exists held as select g from generate_series(1, 20000) g")
    try:
        read("shop", 1)
    finally:
        standby.start()
    (row,) = as_viewer.get("/t/shop/server/replication?format=json").json["rows"]
    assert row["held_bytes"] > 100_000
    assert row["why"].startswith("Nobody reads it since 20")
    assert "at the latest" not in row["why"]


def test_a_crashed_back_end_is_a_mark_and_no_negative_number(store: Session, read: Read, primary: Server) -> None:
    on(primary, "select count(*) from generate_series(1, 1000)")
    for _ in range(60):
        on(primary, "select 1")
    eventually(lambda: on(primary, f"select xact_commit > 50 from pg_stat_database where datname = '{DATABASE}'")[0][0])
    read("shop", 2)
    since = state_of(store, "shop").counting_since
    with primary.connect(DATABASE) as victim:
        os.kill(victim.info.backend_pid, signal.SIGKILL)
    eventually(lambda: on(primary, "select 1") == [(1,)])
    read("shop", 1)
    store.expire_all()
    assert [kind for kind, _ in marks(store)] == ["crash"]
    before, after = samples(store, "shop")
    assert after.commits < before.commits
    assert rate(before, after, "commits", MINUTE) is None
    assert (state_of(store, "shop").commits_per_s, state_of(store, "shop").cache_hit_share) == (None, None)
    assert state_of(store, "shop").counting_since > since


def test_a_restart_is_a_mark_and_keeps_what_was_counted(store: Session, read: Read, primary: Server) -> None:
    read("shop", 2)
    since = state_of(store, "shop").counting_since
    primary.stop()
    read("copy", 1)
    primary.start()
    assert unheard(replication_of(store, "copy").position) is not None
    read("shop", 1)
    store.expire_all()
    assert marks(store) == [("restart", "The server was restarted")]
    before, after = samples(store, "shop")
    assert after.commits >= before.commits
    assert rate(before, after, "commits", MINUTE) is None
    assert state_of(store, "shop").counting_since == since


def test_a_promotion_is_a_failover_and_ends_the_bond(
    app: Flask, store: Session, read: Read, primary: Server, standby: Standby
) -> None:
    eventually(lambda: caught_up(primary, standby))
    read("shop", 2)
    read("copy", 2)
    standby.execute("select pg_promote()")
    eventually(lambda: standby.execute("select pg_is_in_recovery()") == [(False,)])
    read("copy", 1)
    store.expire_all()
    assert marks(store) == [("failover", "The standby was promoted to primary")]
    assert (state_of(store, "copy").timeline, state_of(store, "shop").timeline) == (2, 1)
    with app.app_context():
        assert queries.standbys_of(target_by_slug("shop")) == []
        assert len(queries.cluster_target_ids(target_by_slug("shop").id)) == 1


def test_another_cluster_at_the_same_address_is_not_joined(
    app: Flask, store: Session, read: Read, primary: Server, server: Server
) -> None:
    read("shop", 2)
    sample = samples(store, "shop")[0]
    sample.system_identifier, sample.size_bytes = "7000000000000000000", 1
    sample.slot -= timedelta(days=1)
    store.flush()
    read("shop", 1)
    store.expire_all()
    ((kind, title),) = marks(store)
    assert (kind, title.split(":")[0]) == ("failover", "Another database cluster answers at this address")
    state = state_of(store, "shop")
    assert (state.growth_24h_bytes, state.commits_per_s, state.cluster_since) == (None, None, state.slot)
