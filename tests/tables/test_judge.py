"""The judgement of a real target's indexes, stored as verdicts and findings."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from dashboard.findings.models import Finding, FindingRun
from dashboard.store import db
from dashboard.tables.models import IndexState
from dashboard.targets.models import ProbeState, Target
from tests.conftest import Database
from tests.tables.judged import DAY, SHOP, busy, found, verdicts


def test_a_day_of_watching_is_not_enough(judged: Any, target_db: Database, store: Session) -> None:
    target_db.execute(SHOP)
    judged(DAY)
    assert {name: row.verdict for name, row in verdicts(store).items()}["orders_note_idx"] == "not_enough_evidence"
    assert found(store, "unused_index") == []
    assert "1 of 3 indexes cannot be called unused yet" in str(store.scalars(select(FindingRun.note)).one())


def test_forty_days_without_a_scan_are(judged: Any, target_db: Database, store: Session) -> None:
    target_db.execute(SHOP)
    judged(40 * DAY)
    finding = found(store, "unused_index")[0]
    assert (finding.subject, finding.level) == ("public.orders_note_idx", "info")
    assert finding.up == ['DROP INDEX CONCURRENTLY IF EXISTS "public"."orders_note_idx"']
    assert finding.down[-1] == "CREATE INDEX CONCURRENTLY orders_note_idx ON public.orders USING btree (note)"
    assert datetime.now(UTC) - finding.since > 39 * DAY
    assert verdicts(store)["orders_pkey"].verdict == "cannot_drop"


def test_a_scan_ends_the_finding(judged: Any, target_db: Database, store: Session) -> None:
    target_db.execute(SHOP)
    judged(40 * DAY)
    target_db.execute(
        "set enable_seqscan = off; set enable_bitmapscan = off; select from orders where note = 'x' limit 1"
    )
    target_db.execute("select pg_stat_force_next_flush()")
    judged(40 * DAY)
    assert found(store, "unused_index") == []
    assert verdicts(store)["orders_note_idx"].verdict == "rarely"


def test_scans_on_a_watched_standby_count(
    judged: Any, target_db: Database, app: Flask, store: Session, target: Target
) -> None:
    """The standby is told by its system identifier; its indexes have the same numbers as those of the primary."""
    target_db.execute(SHOP)
    judged(40 * DAY)
    standby = replica_of(app, target.id, scans=4_000)
    judged(40 * DAY)
    verdict = verdicts(store)["orders_note_idx"]
    assert (verdict.verdict, verdict.scans, "2 servers" in verdict.why) == ("used", 4_000, True)
    with app.app_context():
        db.session.execute(update(ProbeState).where(ProbeState.target_id == standby).values(as_of=None))
        db.session.execute(update(IndexState).where(IndexState.target_id == standby).values(scans=0))
        db.session.commit()
    judged(40 * DAY)
    assert verdicts(store)["orders_note_idx"].verdict == "not_enough_evidence"


def replica_of(app: Flask, target_id: int, scans: int) -> int:
    with app.app_context():
        known = db.session.get_one(Target, target_id)
        standby = Target(slug="replica", name="Replica", environment_id=known.environment_id, host="h", port=1,
                         dbname=known.dbname, sslmode="disable", origin="page", created_by="t")  # fmt: skip
        db.session.add(standby)
        db.session.flush()
        for one, is_standby in ((target_id, False), (standby.id, True)):
            db.session.execute(
                text("""insert into database_state (target_id, slot, detail, system_identifier, is_standby)
                        values (:id, now(), '{}', '77', :standby) on conflict (target_id) do update
                        set system_identifier = '77', is_standby = :standby"""),
                {"id": one, "standby": is_standby},
            )
        for table in ("index_state", "probe_state"):
            columns = [column.name for column in db.metadata.tables[table].columns if column.name != "target_id"]
            chosen = [str(scans) if column == "scans" else column for column in columns]
            db.session.execute(
                text(f"""insert into {table} (target_id, {", ".join(columns)})
                         select :to, {", ".join(chosen)} from {table} where target_id = :from"""),
                {"to": standby.id, "from": target_id},
            )
        db.session.commit()
        return standby.id


def test_what_a_failed_concurrent_build_left_is_found(judged: Any, target_db: Database, store: Session) -> None:
    target_db.execute(SHOP)
    with pytest.raises(Exception, match="could not create unique index"):
        target_db.execute("create unique index concurrently broken on orders (note)")
    judged()
    finding = found(store, "invalid_index")[0]
    assert (finding.subject, finding.level) == ("public.broken", "warning")
    assert finding.up == ['REINDEX INDEX CONCURRENTLY "public"."broken"']
    assert "duplicate rows" in str(finding.note)
    assert verdicts(store)["broken"].trouble == "invalid_index"


def test_an_index_that_is_just_being_built_is_left_alone(judged: Any, target_db: Database, store: Session) -> None:
    target_db.execute(SHOP)
    with busy(target_db, "insert into orders values (9999, 1, 'y')"):
        building = target_db.server.connect(target_db.name)
        building.pgconn.send_query(b"create index concurrently slow on orders (note)")
        wait_for(target_db, "select count(*) from pg_index where indexrelid = to_regclass('slow')")
        judged()
        assert found(store, "invalid_index") == []
    building.close()


def wait_for(database: Database, question: str) -> None:
    deadline = datetime.now(UTC) + timedelta(seconds=10)
    while database.execute(question) == [(0,)]:
        assert datetime.now(UTC) < deadline


def test_a_partitioned_index_that_lacks_a_part_is_not_called_invalid(
    judged: Any, target_db: Database, store: Session
) -> None:
    target_db.execute("""
        create table events (a int) partition by range (a);
        create table events_1 partition of events for values from (0) to (10);
        create table events_2 partition of events for values from (10) to (20);
        create index events_a on only events (a); create index events_1_a on events_1 (a);
        alter index events_a attach partition events_1_a; select""")
    judged()
    finding = found(store, "incomplete_index")[0]
    assert (finding.subject, finding.detail["lacking"], "public.events_2" in finding.why) == (
        "public.events_a",
        1,
        True,
    )
    assert found(store, "invalid_index") == []


def test_a_partitioned_duplicate_is_dropped_as_a_whole(judged: Any, target_db: Database, store: Session) -> None:
    target_db.execute("""
        create table events (a int) partition by range (a);
        create table events_1 partition of events for values from (0) to (10);
        create index x1 on events (a); create index x2 on events (a); select""")
    judged()
    (finding,) = found(store, "duplicate_index")
    assert (finding.up, finding.in_transaction) == (['DROP INDEX "public"."x2"'], True)
    target_db.execute(f"{finding.up[0]}; {finding.down[0]}; select")
    assert target_db.execute("select count(*) from pg_inherits where inhparent = 'x2'::regclass") == [(1,)]


def test_every_remedy_runs_there_and_back_whatever_the_names_are(
    judged: Any, target_db: Database, store: Session
) -> None:
    target_db.execute("""
        create schema "s.""1"; set search_path = "s.""1";
        create table "T; --" ("a %s" int unique, "b'" int, unique ("a %s"));
        create index "i "" ON x" on "T; --" ("b'"); create index "i2" on "T; --" ("b'", "a %s");
        create table "C" (x int references "T; --" ("a %s")); insert into "C" select null from generate_series(1, 1500);
        create unique index on "T; --" ("a %s", "b'"); analyze; select""")
    judged()
    remedies = [row for row in store.scalars(select(Finding)) if row.up]
    assert len(remedies) == 3
    for row in remedies:
        for statement in (*row.up, *row.down, *row.up):
            target_db.execute(statement)
    judged()
    assert found(store, "covered_index") == found(store, "unindexed_foreign_key") == []


@pytest.mark.parametrize(
    ("change", "level"),
    [("delete from customers where id = 20", "warning"), ("update customers set email = 'y'", "info"),
     ("select", "info"), ("truncate orders; analyze orders", None), ("create index on orders (customer_id)", None)],
)  # fmt: skip
def test_a_foreign_key_without_an_index(
    change: str, level: str | None, judged: Any, target_db: Database, store: Session
) -> None:
    target_db.execute(SHOP)
    target_db.execute(f"{change}; select pg_stat_force_next_flush()")
    judged()
    assert [row.level for row in found(store, "unindexed_foreign_key")] == ([level] if level else [])


def test_a_standby_that_nobody_watches_blocks_the_verdict(
    judged: Any, target_db: Database, store: Session
) -> None:  # fmt: skip
    target_db.execute(SHOP)
    target_db.execute("select pg_create_physical_replication_slot('away', true)")
    try:
        judged(40 * DAY)
    finally:
        target_db.execute("select pg_drop_replication_slot('away')")
    verdict = verdicts(store)["orders_note_idx"]
    assert (verdict.verdict, "Not watched: 1 standby server." in verdict.why) == ("not_enough_evidence", True)
    assert found(store, "unused_index") == []
