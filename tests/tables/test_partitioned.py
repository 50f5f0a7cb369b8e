"""Indexes of partitioned tables: judged as one, built on one partition after the other, on a real server."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dashboard.findings.models import Finding
from dashboard.findings.rules import to_copy
from dashboard.plans.models import Plan
from dashboard.statements.models import StatementFamily
from dashboard.store import db
from dashboard.tables import collect, judge
from dashboard.tables.models import IndexState, IndexVerdict
from dashboard.tables.rows import Table
from dashboard.tables.verdicts_partitioned import can_one_by_one, completed
from dashboard.targets.models import Target
from tests.collections import collecting
from tests.conftest import Database
from tests.tables.index_rows import index, table

SHOP = """
    create table customers (id int primary key);
    create table events (at int, customer_id int references customers, note text) partition by range (at);
    create table events_1 partition of events for values from (0) to (5000);
    create table "Events 2" partition of events for values from (5000) to (10000);
    create index events_note on events (note);
    insert into customers select generate_series(1, 20);
    insert into events select n, 1, 'x' from generate_series(1, 9000) n; analyze;
    delete from customers where id > 1
"""
PARTS = [table(11, "t_1", parent_oid=10), table(12, "t_2", parent_oid=10)]
PARENT_ONLY = index("x", kind="I", definition="CREATE INDEX x ON ONLY public.t USING btree (a) WHERE (a > 0)")


@pytest.fixture
def judged(app: Flask, target: Target, target_db: Database) -> Callable[[], None]:
    """As if watched for forty days."""
    for statement in SHOP.split(";"):
        target_db.execute(statement)

    def once() -> None:
        collecting(app, collect)()
        with app.app_context():
            since = datetime.now(UTC) - timedelta(days=40)
            db.session.execute(update(IndexState).values(first_seen_at=since, counted_since=since))
            db.session.commit()
        collecting(app, judge)()

    return once


def open_findings(store: Session) -> dict[str, Finding]:
    store.expire_all()
    return {row.rule: row for row in store.scalars(select(Finding).where(Finding.ended_at.is_(None)))}


def verdict(store: Session, name: str) -> IndexVerdict:
    store.expire_all()
    same = (IndexState.target_id == IndexVerdict.target_id) & (IndexState.oid == IndexVerdict.oid)
    return store.scalars(select(IndexVerdict).join(IndexState, same).where(IndexState.name == name)).one()


def planned(store: Session, target: Target, index_name: str, seen: datetime) -> None:
    """A query that ran, and the plan that was stored of it."""
    times = {"first_seen_at": seen, "last_seen_at": seen}
    family = StatementFamily(target_id=target.id, text_key=b"k", text="select", text_truncated=False, **times)
    store.add(family)
    store.flush()
    node = {"Node Type": "Bitmap Index Scan", "Index Name": index_name}
    document = {"Plan": {"Node Type": "Append", "Plans": [{"Node Type": "Bitmap Heap Scan", "Plans": [node]}]}}
    store.add(
        Plan(
            target_id=target.id, family_id=family.id, kind="generic", shape=b"s", document=document, nodes=3, cost=1.0,
            search_path="", server_version=180000, valid_from=seen, seen_at=seen,
        )
    )  # fmt: skip
    store.commit()


def test_the_remedy_of_a_missing_index_runs_and_leaves_a_valid_whole(
    judged: Callable[[], None], target_db: Database, store: Session
) -> None:
    judged()
    found = open_findings(store)["unindexed_foreign_key"]
    assert not found.in_transaction
    copied = to_copy(found.up, in_transaction=False)
    assert len([one for one in copied if "lock_timeout" not in one]) == 5
    for _ in range(2):  # as when the first run was cut
        for statement in found.up:
            target_db.execute(statement)
    judged()
    assert "unindexed_foreign_key" not in open_findings(store)
    for statement in found.down:
        target_db.execute(statement)
    assert target_db.execute("select count(*) from pg_indexes where indexname like '%customer_id_idx'") == [(0,)]


def test_an_index_that_lacks_a_part_is_completed(
    judged: Callable[[], None], target_db: Database, store: Session
) -> None:
    target_db.execute("create index events_at on only events (at desc) where at > 3")
    judged()
    for statement in open_findings(store)["incomplete_index"].up:
        target_db.execute(statement)
    assert target_db.execute("select indisvalid from pg_index where indexrelid = 'events_at'::regclass") == [(True,)]
    judged()
    assert "incomplete_index" not in open_findings(store)


def test_scans_of_partitions_are_scans_of_the_whole(
    judged: Callable[[], None], target_db: Database, store: Session
) -> None:
    judged()
    assert verdict(store, "events_note").verdict == "idle"
    assert open_findings(store)["unused_index"].subject == "public.events_note"
    target_db.execute("set enable_seqscan = off; select count(*) from events_1 where note = 'y'")
    target_db.execute("select pg_stat_force_next_flush()")
    judged()
    assert (verdict(store, "events_note").verdict, verdict(store, "events_note").scans) == ("rarely", 1)


def test_an_index_of_a_stored_plan_is_not_called_unused(
    judged: Callable[[], None], target: Target, store: Session
) -> None:
    planned(store, target, "events_1_note_idx", datetime.now(UTC) - timedelta(days=2))
    judged()
    said = verdict(store, "events_note")
    assert (said.verdict, said.scans) == ("rarely", 0)
    assert said.why.endswith("But the stored plan of 1 query that ran in the last 31 days uses it.")
    assert "unused_index" not in open_findings(store)


def test_a_plan_that_was_last_seen_long_ago_says_nothing(
    judged: Callable[[], None], target: Target, store: Session
) -> None:
    planned(store, target, "events_1_note_idx", datetime.now(UTC) - timedelta(days=32))
    judged()
    assert verdict(store, "events_note").verdict == "idle"


@pytest.mark.parametrize(
    ("parts", "can"),
    [(PARTS, True), ([], False), ([replace(PARTS[0], kind="p")], False), (PARTS * 51, False)],
    ids=["tables", "none", "partitioned again", "too many"],
)
def test_what_is_left_to_a_person(parts: list[Table], can: bool) -> None:
    assert can_one_by_one(parts) == can


def test_parts_keep_the_predicate_and_unique_ones_are_left_to_a_person() -> None:
    remedy = completed(PARENT_ONLY, PARTS, {"t_1_a_idx"})
    assert remedy is not None
    assert remedy.up[1] == 'CREATE INDEX CONCURRENTLY "t_1_a_idx1" ON "public"."t_1" USING btree (a) WHERE (a > 0)'
    assert remedy.up[5] == 'ALTER INDEX "public"."x" ATTACH PARTITION "public"."t_2_a_idx"'
    unique = replace(PARENT_ONLY, definition="CREATE UNIQUE INDEX x ON ONLY public.t USING btree (a)")
    assert completed(unique, PARTS, ()) is None
