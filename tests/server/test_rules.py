"""What two readings of a server say together."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.server.rules import Identity, Setting, counting_since, server_marks, setting_marks, shown

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
EARLIER, LATER = NOW - timedelta(days=2), NOW - timedelta(minutes=1)
SAME = Identity(
    EARLIER, EARLIER, EARLIER, is_standby=False, system_identifier="7", timeline=1, version="18.0", loaded_at=EARLIER
)
STANDBY = replace(SAME, is_standby=True)
COST = Setting("4", None, "default", pending_restart=False)
BOTH_RESET = {"database_reset_at": LATER, "shared_reset_at": LATER}


@pytest.mark.parametrize(
    ("changed", "lost", "kinds"),
    [
        ({}, False, []),
        ({"started_at": LATER}, False, [("restart", LATER)]),
        ({"database_reset_at": LATER}, True, [("reset", LATER)]),
        ({"shared_reset_at": LATER}, False, [("reset", LATER)]),
        ({"shared_reset_at": LATER}, True, [("crash", LATER)]),
        (BOTH_RESET, True, [("reset", LATER), ("reset", LATER)]),
        (BOTH_RESET | {"version": "14.19"}, True, [("crash", LATER)]),
        ({"started_at": LATER, "shared_reset_at": LATER}, True, [("restart", LATER), ("crash", LATER)]),
        ({}, True, [("reset", NOW)]),
        ({"is_standby": True}, False, [("failover", NOW)]),
        ({"is_standby": True, "started_at": LATER, "shared_reset_at": LATER}, True, [("failover", NOW)]),
        ({"timeline": 2, "started_at": LATER, "shared_reset_at": LATER}, True, [("failover", NOW)]),
        ({"system_identifier": "8", "started_at": LATER, "shared_reset_at": LATER}, True, [("failover", NOW)]),
        (dict.fromkeys(("started_at", "database_reset_at", "shared_reset_at", "is_standby", "timeline")), False, []),
    ],
)
def test_what_happened_to_a_server_is_told_once(changed, lost, kinds):
    marks = server_marks(SAME, replace(SAME, **changed), NOW, lost=lost)
    assert [(mark.kind, mark.at) for mark in marks] == kinds


@pytest.mark.parametrize(
    ("changed", "title"),
    [
        ({"is_standby": False, "timeline": 2}, "The standby was promoted to primary"),
        ({"timeline": 2}, "The standby follows another primary: timeline 1 → 2"),
        (
            {"is_standby": False, "timeline": 2, "started_at": LATER},
            "Another server took over: the address is answered by a server on another timeline",
        ),
    ],
)
def test_a_failover_says_what_took_over(changed, title):
    (mark,) = server_marks(STANDBY, replace(STANDBY, **changed), NOW)
    assert (mark.title, mark.exact, mark.detail["before"]) == (title, False, "standby on timeline 1")


def test_a_crash_says_what_is_inferred():
    (mark,) = server_marks(SAME, replace(SAME, shared_reset_at=LATER), NOW, lost=True)
    assert mark.title == "All counters began at zero after a back end crashed"
    assert "only a crash does both" in mark.detail["inferred"]


def test_an_upgrade_is_a_restart_that_names_both_versions():
    (mark,) = server_marks(SAME, replace(SAME, started_at=LATER, version="18.1"), NOW)
    assert mark.title == "The server was upgraded from PostgreSQL 18.0 to 18.1"


@pytest.mark.parametrize(
    ("kept", "changed", "lost", "since"),
    [
        (None, {}, False, EARLIER),
        (LATER, {}, False, LATER),
        (EARLIER, {"shared_reset_at": LATER}, True, LATER),
        (EARLIER, {"database_reset_at": LATER}, False, LATER),
        (EARLIER, {}, True, NOW),
        (LATER, {"system_identifier": "8"}, False, EARLIER),
    ],
)
def test_counters_count_since_the_last_loss_that_is_known_or_seen(kept, changed, lost, since):
    assert counting_since(kept, SAME, replace(SAME, **changed), NOW, lost=lost) == since


def test_the_first_reset_of_a_database_is_one():
    never = replace(SAME, database_reset_at=None)
    assert [mark.kind for mark in server_marks(never, SAME, NOW)] == ["reset"]


@pytest.mark.parametrize(
    ("source", "loaded_at", "at", "exact"),
    [
        ("configuration file", LATER, LATER, True),
        ("configuration file", None, NOW, False),
        ("database", LATER, NOW, False),
    ],
)
def test_a_value_of_a_file_changed_when_the_server_read_its_files(source, loaded_at, at, exact):
    after = {"x": Setting("1", None, source, pending_restart=False)}
    (mark,) = setting_marks({"x": COST}, after, NOW, loaded_at)
    assert (mark.at, mark.exact) == (at, exact)


def test_a_changed_value_is_told_with_both_sides():
    after = Setting("1.1", None, "configuration file", pending_restart=False)
    mark = setting_marks({"random_page_cost": COST}, {"random_page_cost": after}, NOW)[0]
    assert (mark.title, mark.exact) == ("random_page_cost: 4 → 1.1", False)
    assert mark.detail == {"before": "4", "after": "1.1", "unit": None, "source": "configuration file"}


def test_a_setting_that_waits_for_a_restart_is_told_once():
    waiting = Setting("4", None, "default", pending_restart=True)
    assert setting_marks({"x": COST}, {"x": waiting}, NOW)[0].title == "x was changed and waits for a restart"
    assert setting_marks({"x": waiting}, {"x": waiting}, NOW) == []


def test_settings_that_come_and_go_are_no_changes():
    assert setting_marks({"old": COST}, {"new": COST}, NOW) == []


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        ("16384", "8kB", "128 MB"),
        ("5000", "ms", "5 s"),
        ("", None, "(empty)"),
        ("x" * 99, None, "x" * 59 + "…"),
    ],
)
def test_values_are_shown_with_their_unit(value, unit, text):
    assert shown(Setting(value, unit, "default", pending_restart=False)) == text
