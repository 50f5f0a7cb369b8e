"""What is kept of an object by its number ends with the object, and with the server that gave the number."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from dashboard.store import db
from dashboard.tables import bloat_edits, collect, history_queries
from dashboard.tables.models import IndexState, IndexVerdict, RelationBloat, TableSample, TableState
from dashboard.vacuum import collect as vacuum
from dashboard.vacuum import queries, sequence_collect, sequence_queries
from dashboard.vacuum.models import SequenceSample, SequenceState, VacuumState
from tests.collections import collecting

SHOP = "create table orders (id bigserial primary key); insert into orders select from generate_series(1, 900)"
NOW = datetime.now(UTC)
VERDICT = {"verdict": "used", "why": "", "since": None, "scans": 1, "own_scans": 1, "used_at": None, "trouble": None}
ABOUT = (TableState, IndexState, IndexVerdict, RelationBloat)


@pytest.fixture
def judged(app: Flask, target_db: Any, target: Any, collected: Any, store: Session) -> Iterator[Any]:
    """A table whose bloat was measured and whose index was judged, on server 1."""
    target.system_identifier = "1"
    store.commit()
    target_db.execute(SHOP)
    collected(timedelta(minutes=9))
    table, index = (store.scalar(select(model.oid)) for model in (TableState, IndexState))
    with app.app_context():
        db.session.add(IndexVerdict(target_id=target.id, oid=index, **VERDICT))
        for oid, kind in ((table, "table"), (index, "index")):
            bloat_edits.keep_measurement(target.id, bloat_edits.bare(oid, table, kind, 8192), 0, 0.0, "Ada", NOW)
        db.session.commit()
        yield target


def kept(store: Session) -> list[int]:
    return [store.scalar(select(func.count()).select_from(model)) for model in ABOUT]


def test_a_dropped_index_leaves_nothing_that_was_said_of_it(judged, target_db, collected, store) -> None:
    assert kept(store) == [1, 1, 1, 2]
    target_db.execute("alter table orders drop constraint orders_pkey")
    collected()
    assert kept(store) == [1, 0, 0, 1]


def test_a_dropped_table_takes_its_measured_bloat_along(judged, target_db, collected, store) -> None:
    target_db.execute("drop table orders")
    collected()
    assert kept(store) == [0, 0, 0, 0]


def test_another_server_takes_verdicts_bloat_and_lines_of_the_same_number_along(judged, collected, store) -> None:
    collected(timedelta(minutes=6))
    judged.system_identifier = "2"
    store.commit()
    collected(timedelta(minutes=3))
    assert kept(store) == [1, 1, 0, 0]
    collected()
    oid = store.scalar(select(TableState.oid))
    assert store.scalar(select(func.count()).select_from(TableSample).where(TableSample.oid == oid)) == 2
    told = [size for _, size in history_queries.sparklines(judged.id, [oid], datetime.now(UTC))[oid]]
    assert told[:-1] == [None] * (len(told) - 1)


def test_the_first_sizes_are_written_down_when_they_are_looked_at_again(judged, target_db, collected, store) -> None:
    row = store.scalars(select(TableState)).one()
    assert store.scalars(select(TableSample)).all() == []
    shown = history_queries.sizes_over(row, NOW - timedelta(hours=1), datetime.now(UTC))
    assert [(size.at, size.total_bytes) for size in shown] == [(row.first_seen_at, row.total_bytes)]
    before = row.total_bytes
    target_db.execute("insert into orders select from generate_series(1, 9000)")
    collected()
    store.refresh(row)
    shown = history_queries.sizes_over(row, NOW - timedelta(hours=1), datetime.now(UTC))
    assert [size.total_bytes for size in shown] == [before, row.total_bytes]
    assert before < row.total_bytes


def test_ids_and_sequences_of_another_server_are_no_evidence(judged, app, target_db, store) -> None:
    collectors = [collecting(app, one) for one in (vacuum, sequence_collect, collect)]
    target_db.execute("grant select on all sequences in schema public to public")
    for collected in collectors:
        collected(timedelta(minutes=6))
    assert queries.known_state(judged.id) is not None
    assert len(sequence_queries.known(judged.id)) == 1
    db.session.commit()
    store.execute(update(VacuumState).values(next_multixact=2**33 + 1))
    judged.system_identifier = "2"
    store.commit()
    assert queries.known_state(judged.id) is None
    assert (sequence_queries.known(judged.id), sequence_queries.values_at(judged.id, NOW)) == ({}, {})
    db.session.commit()
    for collected in collectors:
        collected()
    store.expire_all()
    assert store.scalars(select(VacuumState.next_multixact)).one() < 2**32
    assert store.scalar(select(func.count()).select_from(SequenceSample)) == 2
    assert len(queries.counter_points(judged.id, NOW - timedelta(hours=1), datetime.now(UTC))) == 1
    assert store.scalars(select(SequenceState.last_value)).one() == 900
