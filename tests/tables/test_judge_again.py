"""Judgements that come again, under locks, without rights, and as the list of indexes shows them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import func, text, update
from sqlalchemy.orm import Session

from dashboard.tables import collect, judge
from dashboard.tables.models import IndexState, IndexVerdict
from dashboard.targets.models import Target
from tests.collections import collecting
from tests.conftest import Database
from tests.people import Browser
from tests.tables.judged import DAY, SHOP, busy, found, verdicts

LONG_AGO = datetime.now(UTC) - 700 * DAY


def test_a_locked_table_is_judged_by_what_is_stored(judged: Any, target_db: Database, store: Session) -> None:
    target_db.execute(SHOP)
    judged()
    with busy(target_db, "alter table orders add column x int"):
        started = datetime.now(UTC)
        judged(40 * DAY)
        assert datetime.now(UTC) - started < timedelta(seconds=5)
    assert [row.subject for row in found(store, "unused_index")] == ["public.orders_note_idx"]


def test_scans_from_before_the_watching_are_forgotten_and_new_ones_are_seen_at_once(
    app: Flask, judged: Any, target_db: Database, store: Session
) -> None:
    target_db.execute(SHOP)
    judged()
    store.execute(update(IndexState).values(scans=500, first_seen_at=func.now() - 40 * DAY, counted_since=LONG_AGO))
    store.execute(update(IndexVerdict).values(own_scans=500))
    store.commit()
    collecting(app, judge)()
    said = verdicts(store)["orders_note_idx"]
    assert (said.verdict, said.why) == ("idle", "0 scans in 40 days on Shop. What the server counts, 500, is older.")
    store.execute(update(IndexState).values(scans=501))
    store.commit()
    collecting(app, judge)()
    assert verdicts(store)["orders_note_idx"].verdict in {"used", "rarely"}


def test_before_the_tables_are_known_nothing_is_judged(
    app: Flask, target: Target, target_db: Database, store: Session
) -> None:
    target_db.execute(SHOP)
    done = collecting(app, judge)()
    assert "once tables and indexes have been collected" in str(done.reason)
    assert verdicts(store) == {}


def test_a_role_that_may_only_connect_gets_the_same_verdicts(
    judged: Any, target_db: Database, store: Session
) -> None:  # fmt: skip
    target_db.execute(SHOP)
    target_db.execute(f"revoke pg_monitor from watch_{target_db.name}; select")
    judged(40 * DAY)
    assert [row.subject for row in found(store, "unused_index")] == ["public.orders_note_idx"]


def test_a_second_judgement_writes_nothing_that_says_the_same(
    app: Flask, judged: Any, target_db: Database, store: Session
) -> None:
    target_db.execute(SHOP)
    judged(40 * DAY)
    rows = text("select array_agg(xmin::text order by oid) from index_verdict")
    before = store.execute(rows).scalar_one()
    collecting(app, judge)()
    assert store.execute(rows).scalar_one() == before


def test_the_list_of_indexes_shows_and_filters_verdicts(
    judged: Any, target_db: Database, as_viewer: Browser, store: Session
) -> None:
    target_db.execute(SHOP)
    target_db.execute("create index orders_again on orders (note); select")
    judged(40 * DAY)
    rows = {row["name"]: row for row in as_viewer.get("/t/shop/indexes?format=json").json["rows"]}
    assert (rows["orders_note_idx"]["verdict"], rows["orders_again"]["trouble"]) == ("idle", "duplicate_index")
    assert rows["orders_note_idx"]["verdict_why"] == "0 scans in 40 days on Shop."
    for wanted, names in (("duplicate_index", ["orders_again"]), ("used", ["customers_pkey"])):
        found = as_viewer.get(f"/t/shop/indexes?format=json&verdict={wanted}").json["rows"]
        assert [row["name"] for row in found] == names
    assert "0 scans in 40 days on Shop." in as_viewer.get("/t/shop/indexes").text
    assert "q=public.orders_again" in as_viewer.get("/t/shop/tables/public.orders").text


def test_before_the_first_judgement_indexes_say_so(
    app: Flask, target: Target, target_db: Database, as_viewer: Browser
) -> None:
    target_db.execute(SHOP)
    collecting(app, collect)()
    assert "not judged yet" in as_viewer.get("/t/shop/indexes").text
    assert "not judged yet" in as_viewer.get("/t/shop/tables/public.orders").text
