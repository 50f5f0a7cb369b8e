"""What the collectors of a server keep, asked of a real one."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.server.models import (
    ConnectionSample,
    DatabaseSample,
    DatabaseState,
    IoReading,
    IoSample,
    ReplicationSample,
    ReplicationState,
    ServerSetting,
)
from dashboard.targets.models import Target
from tests.collections import Collect
from tests.conftest import Database

MINUTE = timedelta(minutes=1)
WORK = """
create table worked as select g, repeat('x', 200) as filler from generate_series(1, 50000) g;
checkpoint
"""


def test_a_sample_has_every_counter_of_this_version(store: Session, collected: Collect) -> None:
    collected()
    sample = store.scalars(select(DatabaseSample)).one()
    unknown = {name for name, value in vars(sample).items() if value is None}
    assert unknown == {"stats_reset_at"} - {name for name in ["stats_reset_at"] if sample.stats_reset_at}
    assert (sample.timeline, sample.is_standby, len(sample.system_identifier or "")) == (1, False, 19)


def test_the_state_says_since_when_counters_count(store: Session, target: Target, collected: Collect) -> None:
    collected()
    state = store.get_one(DatabaseState, target.id)
    assert state.counting_since is not None
    assert (state.cluster_since, state.is_standby) == (None, False)


def test_a_setting_is_kept_with_what_it_means_and_where_it_stands(
    store: Session, target: Target, collected: Collect
) -> None:
    collected()
    setting = store.get_one(ServerSetting, (target.id, "track_io_timing"))
    assert (setting.value, setting.default_value, setting.context) == ("on", "off", "superuser")
    assert str(setting.place).startswith("postgresql.conf:")
    assert "timing" in str(setting.description)


def test_connections_are_counted_in_groups_against_the_limit(
    store: Session, target_db: Database, connected: Collect
) -> None:
    with target_db.server.connect(target_db.name) as other:
        other.execute("set application_name = '<i>till</i>'")
        assert connected().reason is None
    sample = store.scalars(select(ConnectionSample)).one()
    applications = dict(sample.groups["application"]["named"])
    assert applications["<i>till</i>"] == 1
    assert dict(sample.groups["database"]["named"])[target_db.name] == 1
    assert (sample.usable, sample.reserved) == (197, 3)
    assert sample.total == sum(n for _, n in sample.groups["state"]["named"])


def test_many_groups_become_twelve_and_the_rest(store: Session, target_db: Database, connected: Collect) -> None:
    others = [target_db.server.connect(target_db.name) for _ in range(15)]
    for number, other in enumerate(others):
        other.execute(f"set application_name = 'one-{number}'".encode())
    connected()
    for other in others:
        other.close()
    group = store.scalars(select(ConnectionSample)).one().groups["application"]
    assert len(group["named"]) == 12
    assert sum(n for _, n in group["named"]) + group["others"] >= 15


def test_input_and_output_are_differences_between_two_readings(
    store: Session, target_db: Database, counted: Collect
) -> None:
    counted(timedelta(minutes=5))
    assert store.scalars(select(IoSample)).all() == []
    for statement in WORK.split(";"):
        target_db.execute(statement)
    counted()
    reading = store.scalars(select(IoReading)).one()
    assert (reading.slot - reading.since, reading.is_timed) == (timedelta(minutes=5), True) or reading.since
    rows = {(row.backend_type, row.object, row.context): row for row in store.scalars(select(IoSample))}
    made = rows["client backend", "relation", "normal"]
    assert (made.extends or 0) + (rows["client backend", "relation", "bulkwrite"].extends or 0) > 0
    assert all((row.read_bytes or 0) >= 0 for row in rows.values())


def test_a_reset_of_input_and_output_makes_no_difference(store: Session, target_db: Database, counted: Collect) -> None:
    counted(timedelta(minutes=5))
    target_db.execute("select pg_stat_reset_shared('io')")
    counted()
    assert store.scalars(select(IoReading)).one().since is None
    assert store.scalars(select(IoSample)).all() == []


def test_a_slot_is_kept_with_what_it_holds(store: Session, target_db: Database, followed: Collect) -> None:
    target_db.execute("select pg_create_physical_replication_slot('left_behind', true)")
    try:
        followed()
    finally:
        target_db.execute("select pg_drop_replication_slot('left_behind')")
    (slot,) = store.scalars(select(ReplicationState)).one().slots
    assert (slot["name"], slot["is_active"], slot["wal_status"]) == ("left_behind", False, "reserved")
    lag = store.scalars(select(ReplicationSample)).one()
    assert (lag.kind, lag.name, lag.lag_bytes) == ("slot", "left_behind", slot["held_bytes"])


def test_the_same_slot_twice_is_stored_once(
    store: Session, collected: Collect, connected: Collect, counted: Collect, followed: Collect
) -> None:
    for collector in (collected, connected, counted, followed):
        for _ in range(2):
            collector(MINUTE)
    models: tuple[Any, ...] = (DatabaseState, ReplicationState)
    assert [len(store.scalars(select(model)).all()) for model in models] == [1, 1]
