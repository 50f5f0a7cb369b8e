"""Estimates, evidence and growth, decided without a database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dashboard.tables.models import IndexState, TableState
from dashboard.tables.rows import Index, Known, Lock, Seen, Size, SizeAt, Table
from dashboard.tables.rules import evidence_start, new_samples, row_estimate, size_lines, table_rows, use_words

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)


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


def seen(*tables: dict[str, Any], sizes: dict[int, Size], notes: dict[int, str] | None = None, at=NOW) -> Seen:
    return Seen(tables, [], sizes, notes or {}, None, at)


def test_rows_and_columns_of_the_store_are_the_same() -> None:
    assert set(Table.__dataclass_fields__) == set(TableState.__table__.columns.keys()) - {"target_id"}
    assert set(Index.__dataclass_fields__) == set(IndexState.__table__.columns.keys()) - {"target_id"}


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


def test_growth_is_unknown_without_a_measurement_of_a_day_ago_and_for_a_locked_table() -> None:
    size = {1: Size(100, 20, {7: 30})}
    assert table_rows(seen(answer(), sizes=size), Known())[0].growth_24h_bytes is None
    assert table_rows(seen(answer(), sizes=size), Known(totals_a_day_ago={1: 100}))[0].growth_24h_bytes == 50
    old = {1: table_rows(seen(answer(), sizes=size), Known())[0]}
    locked = table_rows(seen(answer(), sizes={}, notes={1: "locked"}), Known(old, totals_a_day_ago={1: 100}))
    assert (locked[0].total_bytes, locked[0].growth_24h_bytes) == (150, None)


def test_a_table_is_sampled_when_its_size_changed_and_at_least_once_a_day() -> None:
    size = {1: Size(100, 0, {})}
    first = table_rows(seen(answer(), sizes=size), Known())
    assert len(new_samples(first, NOW)) == 1
    known = Known({1: first[0]})
    for later, expected in ((timedelta(minutes=5), 0), (DAY - timedelta(minutes=1), 0), (DAY, 1)):
        assert len(new_samples(table_rows(seen(answer(), sizes=size, at=NOW + later), known), NOW + later)) == expected
    grown = table_rows(seen(answer(), sizes={1: Size(101, 0, {})}, at=NOW + timedelta(minutes=5)), known)
    assert len(new_samples(grown, NOW + timedelta(minutes=5))) == 1


def test_a_partitioned_table_with_an_unmeasured_leaf_says_so_and_is_not_sampled() -> None:
    leaves = [answer(2, parent_oid=1), answer(3, parent_oid=1)]
    rows = table_rows(
        seen(answer(1, kind="p"), *leaves, sizes={2: Size(100, 0, {})}, notes={3: "locked by pid 9"}), Known()
    )
    assert (rows[0].total_bytes, rows[0].size_note) == (100, "1 of 2 partitions: locked by pid 9")
    assert rows[0].sampled_at is None


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
