"""What is made of the answers of a target, and when an age becomes a finding: without a server."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.vacuum.dying import Dying
from dashboard.vacuum.findings import KINDS, findings
from dashboard.vacuum.rows import Counters, table_of
from tests.vacuum.test_rules import SETTINGS

ROW = {
    "oid": 1, "schema": "public", "name": "orders", "kind": "r", "parent": None, "pages": 10, "tuples": 1000.0,
    "frozen_pages": None, "options": [], "dead_rows": 125, "inserted_rows": 0, "modified_rows": 0,
    "last_vacuum_at": None, "last_autovacuum_at": None, "last_analyze_at": None, "last_autoanalyze_at": None,
    "vacuums": 0, "autovacuums": 0, "analyzes": 0, "autoanalyzes": 0, "vacuum_ms": None, "autovacuum_ms": None,
    "analyze_ms": None, "autoanalyze_ms": None, "frozen_id": 900, "multixact_id": 1, "toast_tuples": 0.0,
    "toast_options": None, "toast_dead_rows": 0, "toast_frozen_id": 800, "toast_multixact_id": 1,
}  # fmt: skip
PRIMARY = Counters(
    is_standby=False, sees_sessions=True, next_xid=1000, next_multixact=5, settings=SETTINGS, wraparound_vacuums=0
)
NOW, MINUTE = datetime(2026, 11, 14, 12, tzinfo=UTC), timedelta(minutes=1)
DYING = Dying(NOW)
STANDBY = replace(PRIMARY, is_standby=True)


def test_the_oldest_id_of_a_table_is_that_of_its_toast_too() -> None:
    assert table_of(ROW, PRIMARY, DYING).frozen_xid == 800
    assert table_of(ROW | {"toast_tuples": None, "toast_frozen_id": None}, PRIMARY, DYING).frozen_xid == 900


def test_dead_toast_can_be_what_is_due() -> None:
    found = table_of(ROW | {"toast_dead_rows": 100}, PRIMARY, DYING)
    assert (found.due_share, found.due_for, found.toast_threshold) == (2.0, "dead TOAST rows", 50)
    own = ROW | {"toast_dead_rows": 100, "toast_options": ["autovacuum_vacuum_threshold=1000"]}
    assert table_of(own, PRIMARY, DYING).due_for == "dead rows"


def test_nothing_is_due_on_a_standby_because_nothing_is_counted_there() -> None:
    assert (table_of(ROW, PRIMARY, DYING).due_share, table_of(ROW, STANDBY, DYING).due_share) == (0.5, None)
    assert table_of(ROW, STANDBY, DYING).vacuum_threshold == 250


@pytest.mark.parametrize(("name", "value"), [("autovacuum", "off"), ("track_counts", "off")])
def test_autovacuum_is_off_with_either_setting(name, value) -> None:
    assert PRIMARY.is_autovacuum_on
    assert not replace(PRIMARY, settings=SETTINGS | {name: value}).is_autovacuum_on


@pytest.mark.parametrize(
    ("xid_age", "multixact_age", "found"),
    [
        (299_999_999, 0, []),
        (300_000_000, 0, [("wraparound_xid:shop", "warning")]),
        (1_600_000_000, 0, [("wraparound_xid:shop", "critical")]),
        (0, 600_000_000, [("wraparound_multixact:shop", "warning")]),
    ],
)
def test_an_age_is_a_finding_when_the_forced_vacuum_does_not_get_through(xid_age, multixact_age, found) -> None:
    databases = [{"name": "shop", "is_ours": True, "xid_age": xid_age, "multixact_age": multixact_age}]
    rows = findings(PRIMARY, {"databases": databases, "holders": []}, "shop", NOW)
    assert [(row.key, row.level) for row in rows] == found


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({"xid_age": 99_999_999}, 0),
        ({"xid_age": 100_000_000}, 1),
        ({"xid_age": None}, 0),
        ({"kind": "prepared", "since": NOW - 59 * MINUTE}, 0),
        ({"kind": "prepared", "since": NOW - 60 * MINUTE}, 1),
        ({"kind": "session", "since": NOW - 60 * MINUTE}, 0),
        ({"kind": "session", "since": NOW - 1440 * MINUTE}, 1),
    ],
)
def test_what_holds_vacuum_back_for_long_is_a_finding(changes, count) -> None:
    holder = {"kind": "slot", "name": "two", "pid": None, "xid_age": 5, "since": None, "detail": "shop"} | changes
    rows = findings(PRIMARY, {"databases": [], "holders": [holder]}, "shop", NOW)
    assert [row.title for row in rows] == [f"Vacuum is held back by {KINDS[holder['kind']]} two"] * count


def test_a_prepared_transaction_that_nobody_ended_says_how() -> None:
    holder = {
        "kind": "prepared",
        "name": "x'1",
        "pid": None,
        "xid_age": 5,
        "since": NOW - 60 * MINUTE,
        "detail": "shop",
    }
    [found] = findings(PRIMARY, {"databases": [], "holders": [holder]}, "shop", NOW)
    assert found.remedy is not None
    assert "ROLLBACK PREPARED 'x''1'" in found.remedy.note
    assert found.since == NOW - 60 * MINUTE
