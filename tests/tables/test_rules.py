"""Estimates, evidence and growth, decided without a database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dashboard.tables.collect import INDEXES
from dashboard.tables.growth import size_lines
from dashboard.tables.lines import IndexLine
from dashboard.tables.models import IndexState, TableState
from dashboard.tables.records import IndexRecord, Known, TableRecord, TableTrace
from dashboard.tables.rows import Lock, Size, SizeAt
from dashboard.tables.rules import Found, Now, evidence_start, is_due, row_estimate, table_record, write_digest
from dashboard.tables.sizes import about
from dashboard.tables.use import use_words
from dashboard.targets.connect import address_of, reading
from dashboard.targets.queries import target_by_slug

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY, MINUTES = timedelta(days=1), timedelta(minutes=5)


def answer(oid: int = 1, **changes: Any) -> dict[str, Any]:
    """What the target says of one table."""
    row = {
        "oid": oid, "schema": "public", "name": f"t{oid}", "kind": "r", "parent_oid": None, "pages": 10,
        "tuples": 100.0, "toast_oid": None, "live_rows": 120, "dead_rows": 1, "rows_inserted": 120, "rows_updated": 0,
        "rows_deleted": 0, "sequential_scans": 5, "last_sequential_scan_at": None, "last_vacuum_at": None,
        "last_analyze_at": None, "relfilenode": oid, "options": [], "rows_hot_updated": 0, "modified_since_analyze": 0,
        "inserted_since_vacuum": 0, "last_autovacuum_at": None, "last_autoanalyze_at": None,
    }  # fmt: skip
    return row | changes


def made(answered: dict[str, Any], old: TableRecord | None = None, size: Size | None = None, note: str | None = None):
    return table_record(answered, old, Found(size, note, None, 2, 1), Now(NOW, None, NOW - MINUTES))


def test_rows_and_columns_of_the_store_are_the_same() -> None:
    stored = set(TableState.__table__.columns.keys()) - {"target_id"}
    later = {name for name in stored if name.startswith(("growth", "project", "forecast"))}
    assert set(TableRecord._fields) == stored - later
    assert set(IndexRecord._fields) == set(IndexState.__table__.columns.keys()) - {"target_id"}


@pytest.mark.parametrize(
    ("facts", "rows"),
    [
        ({"is_analyzed": True, "live_rows": 130}, 130),
        ({"is_analyzed": False, "live_rows": 3}, 200),
        ({"is_analyzed": False, "tuples": 50.0, "pages": 0, "heap_bytes": 0}, 50),
        ({"is_analyzed": False, "tuples": -1.0, "live_rows": 40}, 40),
        ({"is_analyzed": False, "tuples": -1.0, "live_rows": 0, "heap_bytes": 0}, 0),
        ({"is_analyzed": False, "tuples": -1.0, "live_rows": 0, "heap_bytes": 8192}, None),
        ({"is_analyzed": False, "tuples": -1.0, "live_rows": 0, "heap_bytes": None}, None),
    ],
)
def test_rows_come_from_the_best_anchored_number_and_are_else_unknown(facts, rows) -> None:
    usual = {"tuples": 100.0, "pages": 10, "live_rows": 0, "heap_bytes": 20 * 8192}
    assert row_estimate(**(usual | facts)) == rows


def test_the_probe_tells_of_an_index_in_the_order_of_its_record(target_db, app, target) -> None:
    target_db.execute("create table t (id int primary key)")
    with app.app_context(), reading(address_of(target_by_slug("shop"))) as reader:
        oid = target_db.execute("select 't'::regclass::oid::bigint")[0][0]
        about(reader, INDEXES, [oid])
        [row] = reader.ask(INDEXES)
    assert tuple(row) == IndexRecord._fields[: len(row)]
    assert IndexRecord._fields[len(row)] == "definition"


def test_a_size_that_was_not_measured_is_the_last_known_one_and_a_note_says_of_when() -> None:
    first = made(answer(), size=Size(100, 20, {7: 30}))
    assert (first.total_bytes, first.sampled_at, first.resized_at, first.sized_at) == (150, NOW, NOW, None)
    locked = made(answer(), first, note="locked")
    assert (locked.total_bytes, locked.size_note, locked.sized_at) == (150, "locked", NOW - MINUTES)
    assert made(answer(), note="locked").total_bytes is None


def test_a_size_is_written_down_only_when_it_changed() -> None:
    first = made(answer(), size=Size(100, 0, {}))._replace(sampled_at=NOW - DAY, resized_at=NOW - DAY)
    assert made(answer(), first, Size(100, 0, {})).sampled_at == NOW - DAY
    assert made(answer(), first, Size(101, 0, {})).resized_at == NOW
    assert made(answer(), first).resized_at == NOW - DAY


@pytest.mark.parametrize(
    ("changes", "facts", "due"),
    [
        ({}, {}, False),
        ({"rows_inserted": 121}, {}, True),
        ({"relfilenode": 9}, {}, True),
        ({"sequential_scans": 9, "dead_rows": 4}, {}, False),
        ({}, {"is_busy": True}, True),
        ({}, {"is_large": True}, True),
        ({}, {"turn": 13}, True),
        ({"oid": 2}, {}, True),
        ({"kind": "p", "rows_inserted": 9}, {}, False),
    ],
)
def test_a_table_is_measured_when_its_files_may_have_changed_and_in_its_turn(changes, facts, due) -> None:
    known = Known({1: TableTrace(0, write_digest(answer(), []), is_sized=True)}, {}, NOW)
    row = answer() | changes
    asked = {"is_busy": False, "is_large": False, "turn": 0} | facts
    assert is_due(row, write_digest(row, []), known, **asked) is due


def test_a_new_index_or_a_last_size_that_is_not_known_makes_a_table_due() -> None:
    asked = {"is_busy": False, "is_large": False, "turn": 0}
    written = write_digest(answer(), [IndexLine(5, 1, 0, 5, b"")])
    assert is_due(answer(), written, Known({1: TableTrace(0, write_digest(answer(), []), True)}, {}, NOW), **asked)
    assert is_due(answer(), written, Known({1: TableTrace(0, written, is_sized=False)}, {}, NOW), **asked)


@pytest.mark.parametrize(
    ("facts", "start"),
    [
        ({}, NOW - DAY),
        ({"known": NOW - timedelta(hours=2)}, NOW - timedelta(hours=2)),
        ({"is_new": True, "as_of": NOW - timedelta(minutes=5)}, NOW - timedelta(minutes=5)),
        ({"has_fallen": True, "known": NOW - DAY}, NOW),
        ({"server": None}, None),
    ],
)
def test_evidence_begins_at_the_latest_reset_that_anything_proves(facts, start) -> None:
    usual = {"server": NOW - DAY, "known": None, "is_new": False, "has_fallen": False, "as_of": None, "slot": NOW}
    given = usual | facts
    assert evidence_start(given.pop("server"), given.pop("known"), **given) == start


def test_no_use_is_never_said_without_the_time_that_was_watched() -> None:
    assert use_words(0, NOW - 300 * DAY, NOW - timedelta(hours=2), NOW) == "none seen in 2 h"
    assert use_words(0, NOW - timedelta(minutes=5), NOW - DAY, NOW) == "none seen in 5 min"
    assert use_words(9, NOW - 2 * DAY, NOW, NOW) == "counted for 2 d"
    assert use_words(9, None, NOW, NOW) == "since an unknown time"
    assert use_words(None, None, NOW, NOW) == "use unknown"


def test_a_lock_is_told_with_who_and_since_when() -> None:
    assert Lock(7, True, NOW).note == "locked by pid 7 since 2026-11-21 12:00:00 UTC"
    assert Lock(None, True, None).note == "locked by a prepared transaction"
    assert Lock(7, False, None).note == "pid 7 waits for a lock on it"


def test_sizes_hold_until_the_next_one_and_begin_with_what_held_before() -> None:
    sizes = [SizeAt(NOW - 2 * DAY, 1, 0, 0), SizeAt(NOW - DAY / 2, 5, 0, 0)]
    name, points = size_lines(sizes, NOW - DAY, NOW)[0]
    second = timedelta(seconds=1)
    assert name == "Total"
    assert points == [(NOW - DAY, 1.0), (NOW - DAY / 2 - second, 1.0), (NOW - DAY / 2, 5.0), (NOW, 5.0)]
