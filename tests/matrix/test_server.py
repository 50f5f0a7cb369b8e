"""The server behind a target on PostgreSQL 14 to 18: its counters, connections, input and output, replication."""

import contextlib
import os
import signal
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import select

from dashboard.changes.models import Change
from dashboard.embedded import Server
from dashboard.server import collect, collect_connections, collect_io, collect_replication
from dashboard.server.models import (
    ConnectionSample,
    DatabaseSample,
    DatabaseState,
    IoReading,
    IoSample,
    ReplicationState,
    ServerSetting,
)
from dashboard.store import db
from dashboard.targets.models import ProbeState
from dashboard.targets.run import collect_target

COLLECTORS = (collect, collect_connections, collect_io, collect_replication)
RESET_AT = "select stats_reset from pg_stat_database where datname = current_database()"
SHARED_AT = "select stats_reset from pg_stat_bgwriter"
PAGES = ("server", "server?window=24h", "server/replication", "server/settings", "server/settings/work_mem")


def major(place) -> int:
    return int(place.execute("show server_version_num")[0][0]) // 10_000


def collected(place, minute: int) -> dict[str, str]:
    """What the collectors of a server could not answer, in a slot of the last quarter of an hour."""
    slot = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=15 - minute)
    return collect_target(place.target_id, slot, COLLECTORS, by_hand=True).unavailable


def moved(place, question: str, before: object) -> None:
    """Wait until the server tells another answer; 14 counts in a process of its own, and a crash takes a moment."""
    while True:
        with contextlib.suppress(psycopg.OperationalError):
            if place.execute(question)[0][0] != before:
                return
        time.sleep(0.05)


def states() -> dict[str, str]:
    return {state.probe: state.state for state in db.session.scalars(select(ProbeState))}


def test_every_counter_that_a_version_has_is_kept(place) -> None:
    assert collected(place, 1) == {}
    sample = db.session.scalars(select(DatabaseSample)).one()
    unknown = {name for name, value in vars(sample).items() if value is None}
    assert unknown - {"stats_reset_at"} == (set() if major(place) >= 18 else {"checkpoints_done"})
    assert (sample.timeline, sample.is_standby) == (1, False)
    setting = db.session.get_one(ServerSetting, (place.target_id, "track_io_timing"))
    assert (setting.value, setting.default_value) == ("on", "off")


def test_input_and_output_are_told_from_16_on(place) -> None:
    collected(place, 1)
    place.execute("create table written as select g from generate_series(1, 20000) g", "checkpoint")
    collected(place, 6)
    assert len(db.session.scalars(select(IoReading)).all()) == int(major(place) >= 16)
    rows = db.session.scalars(select(IoSample)).all()
    assert bool(rows) == (major(place) >= 16)
    assert all((row.read_bytes or 0) >= (row.reads or 0) for row in rows)
    assert bool({row.object for row in rows} & {"wal"}) == (major(place) >= 18)


def test_connections_and_slots_are_told(place) -> None:
    place.execute("select pg_create_physical_replication_slot('left_behind', true)")
    try:
        assert collected(place, 1) == {}
    finally:
        place.execute("select pg_drop_replication_slot('left_behind')")
    connections = db.session.scalars(select(ConnectionSample)).one()
    assert connections.usable + connections.reserved == int(place.execute("show max_connections")[0][0])
    (slot,) = db.session.scalars(select(ReplicationState)).one().slots
    assert (slot["name"], slot["wal_status"], slot["is_active"]) == ("left_behind", "reserved", False)


def test_a_reset_makes_no_number_and_moves_the_start_of_counting(place) -> None:
    collected(place, 1)
    before = place.execute(RESET_AT)[0][0]
    place.execute("select pg_stat_reset()")
    moved(place, RESET_AT, before)
    collected(place, 2)
    state = db.session.get_one(DatabaseState, place.target_id)
    assert (state.commits_per_s, state.cache_hit_share) == (None, None)
    assert (
        state.counting_since
        == db.session.scalars(select(DatabaseSample.stats_reset_at).order_by(DatabaseSample.slot.desc())).first()
    )


def test_its_pages_show_to_a_role_that_may_only_connect(place, viewer) -> None:
    place.execute(f"revoke pg_monitor from {place.role}")
    assert (collected(place, 1), collected(place, 6)) == ({}, {})
    assert {name: state for name, state in states().items() if name != "connections"} == {
        "server": "ok", "io": "ok", "replication": "ok",
    }  # fmt: skip
    assert {page: viewer.get(f"/t/shop/{page}").status_code for page in PAGES} == dict.fromkeys(PAGES, 200)


def test_a_crash_is_told_on_every_version(place) -> None:
    if isinstance(place.server, Server):
        pytest.skip("the built-in server holds the store; tests/server/test_pair.py crashes one of its own")
    place.execute(*["select 1"] * 50)
    while place.execute("select xact_commit from pg_stat_database where datname = current_database()")[0][0] < 20:
        time.sleep(0.05)
    collected(place, 1)
    before = place.execute(SHARED_AT)[0][0]
    with contextlib.suppress(psycopg.OperationalError), place.server.connect(place.name) as victim:
        os.kill(victim.info.backend_pid, signal.SIGKILL)
    moved(place, SHARED_AT, before)
    collected(place, 2)
    kinds = db.session.scalars(select(Change.kind).where(Change.kind.in_(["crash", "reset", "restart"]))).all()
    assert kinds == ["crash"]
    assert db.session.get_one(DatabaseState, place.target_id).commits_per_s is None
