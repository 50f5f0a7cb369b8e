"""Families and ids over failovers, majors, evictions; giant texts; what is never done to a target."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dashboard.statements import collect as module
from dashboard.statements.models import (
    StatementEntry,
    StatementFamily,
    StatementIdentity,
    StatementReading,
    StatementSample,
    StatementSum,
)
from dashboard.statements.rules import INTERVAL
from tests.statements.test_collect import Read, last, run, sample

HOME = Path(module.__file__).parent
RESET = re.compile(r"pg_stat_(?:statements_)?reset|pg_stat_reset", re.IGNORECASE)


@pytest.fixture(autouse=True)
def _orders(target_db: Any) -> None:
    target_db.execute("create table orders (id int)")
    target_db.execute("insert into orders select generate_series(1, 100)")


def identities(store: Session) -> list[StatementIdentity]:
    store.expire_all()
    found = select(StatementIdentity).join(StatementFamily, StatementFamily.id == StatementIdentity.family_id)
    return list(
        store.scalars(found.where(StatementFamily.text.contains("from orders")).order_by(StatementIdentity.valid_from))
    )


def test_an_id_is_known_with_server_version_and_times(read: Read, store: Session, target_db: Any) -> None:
    run(target_db, 2)
    read(0)
    (one,) = identities(store)
    (truth,) = target_db.execute("""
        select s.queryid, s.userid, s.dbid, c.system_identifier::text
        from pg_stat_statements s, pg_control_system() c
        where s.query like '%from orders where%'
            and s.dbid = (select oid from pg_database where datname = current_database())
    """)
    assert (one.queryid, one.userid, one.dbid, one.system, one.major) == (*truth, 18)
    assert (one.username, one.valid_until) == ("postgres", None)


def test_an_evicted_statement_closes_its_id_and_opens_it_again_when_it_returns(
    read: Read, store: Session, target_db: Any
) -> None:
    run(target_db, 2)
    read(0)
    target_db.execute("select pg_stat_statements_reset(userid, dbid, queryid) from pg_stat_statements")
    read(1)
    (gone,) = identities(store)
    assert gone.valid_until == last(store).slot
    run(target_db, 3)
    read(2)
    (back,) = identities(store)
    assert (back.valid_until, back.queryid) == (None, gone.queryid)
    assert sample(store, "from orders").calls == 3


def test_after_a_failover_ids_are_read_anew_and_the_old_ones_keep_their_times(
    read: Read, store: Session, target_db: Any
) -> None:
    run(target_db, 4)
    read(0)
    store.execute(update(StatementReading).values(epoch="7000000000000000001/5/"))
    store.execute(update(StatementIdentity).values(system="7000000000000000001", dbid=5))
    other = store.scalars(select(StatementFamily).where(~StatementFamily.text.contains("from orders"))).first()
    store.execute(update(StatementEntry).values(family_id=other.id))  # there, the same id was another statement
    store.commit()
    run(target_db, 4)
    read(1)
    assert last(store).since is None
    assert sample(store, "from orders") is None
    old, new = identities(store)
    assert (old.valid_until, new.valid_until) == (last(store).slot, None)
    assert old.family_id == new.family_id
    run(target_db, 2)
    read(2)
    assert sample(store, "from orders").calls == 2


def test_a_clock_set_back_makes_nothing_negative_and_is_said(read: Read, store: Session, target_db: Any) -> None:
    run(target_db, 2)
    read(5)
    run(target_db, 3)
    read(2)
    assert "set back" in store.scalar(select(StatementReading.reason).order_by(StatementReading.slot).limit(1))
    assert sample(store, "from orders").calls == 3
    assert min(store.scalars(select(StatementSample.calls))) > 0


def test_sums_of_closed_blocks_are_those_of_their_samples(read: Read, store: Session, target_db: Any) -> None:
    for minute in range(0, 24, 3):
        run(target_db, 1 + minute % 2)
        read(minute)
    sums = store.scalars(select(StatementSum).order_by(StatementSum.slot)).all()
    assert {one.minutes for one in sums} >= {10}
    for one in sums:
        samples = store.scalars(
            select(StatementSample).where(
                StatementSample.family_id == one.family_id,
                StatementSample.slot >= one.slot,
                StatementSample.slot < one.slot + INTERVAL * one.minutes,
            )
        ).all()
        assert (one.calls, one.max_ms) == (sum(s.calls for s in samples), max((s.max_ms or 0) for s in samples) or None)


def test_a_text_of_seven_million_characters_slows_neither_collection_nor_page(
    read: Read, store: Session, target_db: Any, as_viewer: Any
) -> None:
    read(0)
    target_db.execute("select /* " + "x" * 7_000_000 + " */ count(*) from orders")
    started = time.monotonic()
    read(1)
    assert time.monotonic() - started < 5
    family = store.scalars(select(StatementFamily).where(StatementFamily.text_truncated)).one()
    assert len(family.text) == 10_000
    started = time.monotonic()
    for url in ("/t/shop/queries", f"/t/shop/queries/{family.id}", "/t/shop/queries/compare?show=new"):
        answer = as_viewer.get(url)
        assert (answer.status_code, len(answer.data) < 200_000) == (200, True)
    assert time.monotonic() - started < 5


def test_collecting_never_resets_anything(read: Read, target_db: Any, app: Flask) -> None:
    sources = [*HOME.rglob("*.py"), *HOME.rglob("*.sql")]
    assert len(sources) > 15
    assert not [path.name for path in sources if RESET.search(path.read_text("utf-8"))]
    (before,) = target_db.execute("select stats_reset, dealloc from pg_stat_statements_info")
    read(0)
    read(1)
    assert target_db.execute("select stats_reset, dealloc from pg_stat_statements_info") == [before]


def test_the_watching_role_has_no_right_to_reset(target_db: Any, read: Read) -> None:
    read(0)
    (allowed,) = target_db.execute(
        """
        select count(*) filter (where has_function_privilege(%s, oid, 'execute')), count(*) > 5
        from pg_proc where proname similar to 'pg_stat_(reset|statements_reset)%%'
        """,
        (f"watch_{target_db.name}",),
    )
    assert allowed == (0, True)
