"""The same questions on PostgreSQL 14 to 18: every probe answers, and what it says is true."""

import importlib
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select

import dashboard
from dashboard.activity.models import ActivitySample
from dashboard.jobs import COLLECTORS
from dashboard.schema.queries import relation_named
from dashboard.server.models import DatabaseState
from dashboard.store import db
from dashboard.tables.models import IndexState, TableState
from dashboard.targets.connect import address_of, reading
from dashboard.targets.models import ProbeState
from dashboard.targets.probes import Probe
from dashboard.targets.run import OUR_FAULT

HOME = Path(dashboard.__file__).parent
OIDS = """
select set_config('pilothouse.oids', string_agg(oid::text, ','), true)
from (
    select oid from pg_class where relnamespace = 'public'::regnamespace and relname <> 'scratch'
    union select 'public.state'::regtype
) as every
"""
QUERYIDS = "select set_config('pilothouse.queryids', array_agg(queryid)::text, true) from public.pg_stat_statements"
# Asked with parameters of their own, or of something that does not go on here.
NOTHING_NOW = {"advice/columns", "tables/busy", "tables/index_facts", "vacuum/progress"}
TRUTH = """
select relname, pg_total_relation_size(oid), pg_table_size(oid), pg_indexes_size(oid)
from pg_class where relkind in ('r', 'm') and relnamespace = 'public'::regnamespace
"""
PAGES = ("", "schema", "schema/public.orders", "schema/diagram", "schema/diagram?focus=public.orders", "tables")
PAGES += ("tables/public.orders", "indexes", "queries", "activity", "migrations", "vacuum", "vacuum/running")
PAGES += ("vacuum/limits", "vacuum/sequences", "findings")


def probes() -> dict[str, Probe]:
    """Every probe of the code, by feature and name."""
    return {
        f"{path.parent.name}/{probe.name}": probe
        for path in HOME.glob("*/*.py")
        if "Probe.read(" in path.read_text("utf-8")
        for probe in vars(importlib.import_module(f"dashboard.{path.parent.name}.{path.stem}")).values()
        if isinstance(probe, Probe)
    }


def states() -> dict[str, ProbeState]:
    return {state.probe: state for state in db.session.scalars(select(ProbeState))}


def test_every_file_of_a_probe_is_asked_by_somebody() -> None:
    files = {f"{path.parent.parent.name}/{path.stem}" for path in HOME.glob("*/probes/*.sql")}
    assert files == probes().keys()


def test_every_probe_answers(place) -> None:
    with place.server.connect(place.name) as other, other.transaction(), reading(address_of(place.target)) as reader:
        other.execute("lock table scratch in access exclusive mode")
        reader.rows(OIDS)
        reader.rows(QUERYIDS)
        silent = {name for name, probe in probes().items() if not reader.ask(probe)}
    assert silent <= NOTHING_NOW


def test_a_whole_collection_leaves_every_probe_ok(place) -> None:
    for minute in (1, 2):
        outcome = place.collect(minute)
        assert (outcome.unavailable, outcome.unreachable, outcome.skipped) == ({}, None, None)
    assert {name: (state.state, state.reason) for name, state in states().items()} == {
        collector.PROBE: ("ok", None) for collector in COLLECTORS
    }


def test_the_sizes_are_those_of_the_server_and_add_up(place) -> None:
    place.collect()
    truth = {name: sizes for name, *sizes in place.execute(TRUTH)}
    found = {row.name: row for row in db.session.scalars(select(TableState).where(TableState.kind != "p"))}
    assert {
        name: [row.total_bytes, row.heap_bytes + row.toast_bytes, row.index_bytes] for name, row in found.items()
    } == truth
    assert found["customers"].toast_bytes > 1_000_000
    assert found["customers"].row_estimate == 2200
    root = db.session.scalars(select(TableState).where(TableState.kind == "p")).one()
    assert root.total_bytes == found["events_old"].total_bytes + found["events_new"].total_bytes


def test_the_indexes_have_their_sizes_shapes_and_definitions(place) -> None:
    place.collect()
    sizes = dict(place.execute("select relname, pg_relation_size(oid) from pg_class where relkind = 'i'"))
    rows = {row.name: row for row in db.session.scalars(select(IndexState))}
    assert {name: row.size_bytes for name, row in rows.items()}.items() <= sizes.items()
    assert {name for name, row in rows.items() if not row.definition} == set()
    assert (rows["orders_open"].columns, rows["orders_open"].is_partial) == (["customer_id"], True)
    assert rows["customers_email_key"].constraint_name == "customers_email_key"


def test_the_numbers_of_a_database_are_plausible(place) -> None:
    place.collect(1)
    place.execute("select count(*) from orders", "select count(*) from orders")
    place.collect(2)
    found = db.session.get_one(DatabaseState, place.target_id)
    size = place.execute("select pg_database_size(current_database())")[0][0]
    assert size - 1_000_000 <= found.size_bytes <= size
    assert 0 < found.connections <= found.connections_max
    assert found.commits_per_s >= 0
    assert 0.5 < found.cache_hit_share <= 1
    assert db.session.scalars(select(ActivitySample)).first().hidden == 0


def test_the_statements_of_a_window_are_counted_exactly(place, viewer) -> None:
    place.execute(*["select 'before', count(*) from orders"] * 3)
    place.collect(1)
    with place.server.connect(place.name) as client:
        for number in range(7):
            client.execute("select * from orders where id <= 9 and customer_id <> %s", [-number])
        for _ in range(3):
            client.execute("update customers set name = name || 'x' where id <= 5")
    place.collect(2)
    found = viewer.get("/t/shop/queries?format=json&window=1h").json["rows"]
    rows = {row["text"].split()[0]: row for row in found if "orders where" in row["text"] or "update" in row["text"]}
    assert {word: (row["calls"], row["rows"]) for word, row in rows.items()} == {"select": (7, 63), "update": (3, 15)}
    assert all(row["mean_ms"] == pytest.approx(row["total_ms"] / row["calls"]) for row in rows.values())
    assert not [row for row in found if "before" in row["text"] or "pg_stat_statements" in row["text"]]


def test_the_schema_reads_the_same_on_every_version(place) -> None:
    place.collect()
    customers = relation_named(place.target_id, "public", "customers").detail
    assert {key["name"]: key["kind"] for key in customers["keys"]} == {
        "customers_name_check": "check", "customers_pkey": "primary key", "customers_email_key": "unique",
    }  # fmt: skip
    assert [column["name"] for column in customers["columns"]] == ["id", "email", "name", "notes", "initial"]
    assert customers["columns"][4]["default"] == "substr(name, 1, 1)"
    assert relation_named(place.target_id, "public", "events").detail["partitioned_by"] == "RANGE (at)"
    assert "select" in relation_named(place.target_id, "public", "paid").detail["definition"].lower()


def test_a_second_collection_of_an_unchanged_schema_stores_no_version(place) -> None:
    place.collect(1)
    before = dict(vars(relation_named(place.target_id, "public", "orders")))
    place.collect(2)
    db.session.expire_all()
    after = relation_named(place.target_id, "public", "orders")
    assert {name: getattr(after, name) for name in before if name != "_sa_instance_state"} == {
        name: value for name, value in before.items() if name != "_sa_instance_state"
    }


def test_its_pages_show(place, viewer) -> None:
    place.collect(1)
    place.collect(2)
    assert {page: viewer.get(f"/t/shop/{page}").status_code for page in PAGES} == dict.fromkeys(PAGES, 200)
    assert {page: viewer.fragment.get(f"/t/shop/{page}").status_code for page in PAGES} == dict.fromkeys(PAGES, 200)


def test_a_role_that_may_only_connect_gets_what_there_is_and_is_told_the_rest(place, viewer) -> None:
    place.execute(f"revoke pg_monitor from {place.role}", f"revoke all on alembic_version from {place.role}")
    assert place.collect(1).unreachable is None
    assert place.collect(2).unreachable is None
    found = states()
    assert found.keys() == {collector.PROBE for collector in COLLECTORS}
    short = {name: state.state for name, state in found.items() if state.state != "ok"}
    short.pop("connections", None)  # partial only while sessions of others are there to be hidden
    assert short == {"statements": "partial", "vacuum": "partial", "history": "unavailable"}
    assert found["statements"].remedy_sql == f'GRANT pg_monitor TO "{place.role}";'
    assert "GRANT SELECT ON public.alembic_version" in found["history"].remedy_sql
    assert {page: viewer.get(f"/t/shop/{page}").status_code for page in PAGES} == dict.fromkeys(PAGES, 200)


def test_without_the_statements_each_refusal_has_its_remedy(place) -> None:
    place.execute("create schema kept", "alter extension pg_stat_statements set schema kept")
    place.execute(f"revoke all on schema kept from public, {place.role}")
    place.collect(1)
    assert states()["statements"].remedy_sql == f'GRANT USAGE ON SCHEMA "kept" TO "{place.role}";'
    place.execute("drop extension pg_stat_statements")
    place.collect(2)
    db.session.expire_all()
    assert states()["statements"].remedy_sql == "CREATE EXTENSION pg_stat_statements;"
    assert OUR_FAULT not in {state.reason for state in states().values()}


def test_an_extension_older_than_its_server_still_counts(place) -> None:
    """After pg_upgrade the extension keeps its old columns until somebody updates it."""
    place.execute("drop extension pg_stat_statements", "create extension pg_stat_statements version '1.9'")
    place.collect(1)
    place.collect(2)
    assert states()["statements"].state == "ok"


def test_a_lock_on_a_table_stops_nothing(place) -> None:
    with place.server.connect(place.name) as other, other.transaction():
        other.execute("lock table orders in access exclusive mode")
        assert place.collect().unavailable == {}
    assert {name for name, state in states().items() if state.state == "unavailable"} == set()


def test_live_sessions_tell_who_waits_for_whom(place, viewer) -> None:
    connect = place.server.connect
    with connect(place.name) as holder, connect(place.name) as other, holder.transaction():
        holder.execute("lock table orders in access exclusive mode")
        other.execute("set statement_timeout = 1500")
        pid = other.info.backend_pid
        other.pgconn.send_query(b"select count(*) from orders")
        rows = viewer.get("/t/shop/activity?format=json").json["rows"]
        waiting = next(row for row in rows if row["pid"] == pid)
        assert holder.info.backend_pid in waiting["blocked_by"]
        other.close()
    assert isinstance(other, psycopg.Connection)


def test_the_remedy_of_an_old_extension_helps_at_once(place) -> None:
    """What was learnt of the views before the update must not outlive it."""
    place.execute("drop extension pg_stat_statements", "create extension pg_stat_statements version '1.9'")
    place.collect(1)
    place.execute(
        "alter extension pg_stat_statements update", "alter extension pg_stat_statements set schema pg_catalog"
    )
    place.collect(2)
    place.collect(3)
    assert states()["statements"].state == "ok"
