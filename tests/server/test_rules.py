"""What two readings of a server say together."""

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.server.rules import Identity, Setting, server_marks, setting_marks, shown

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
EARLIER, LATER = NOW - timedelta(days=2), NOW - timedelta(minutes=1)
SAME = Identity(EARLIER, EARLIER, EARLIER, is_standby=False)
COST = Setting("4", None, "default", pending_restart=False)


@pytest.mark.parametrize(
    ("after", "kinds"),
    [
        (SAME, []),
        (Identity(LATER, EARLIER, EARLIER, is_standby=False), [("restart", LATER)]),
        (Identity(EARLIER, LATER, EARLIER, is_standby=False), [("reset", LATER)]),
        (Identity(EARLIER, EARLIER, LATER, is_standby=False), [("reset", LATER)]),
        (Identity(EARLIER, LATER, LATER, is_standby=False), [("reset", LATER)]),
        (Identity(EARLIER, EARLIER, EARLIER, is_standby=True), [("restart", NOW)]),
        (Identity(None, None, None, is_standby=None), []),
    ],
)
def test_restarts_resets_and_promotions_are_told_once(after, kinds):
    assert [(mark.kind, mark.at) for mark in server_marks(SAME, after, NOW)] == kinds


def test_the_first_reset_of_a_database_is_one():
    never = Identity(EARLIER, None, EARLIER, is_standby=False)
    assert [mark.kind for mark in server_marks(never, SAME, NOW)] == ["reset"]


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
        ("16384", "8kB", "16384 of 8kB"),
        ("5000", "ms", "5000 ms"),
        ("", None, "(empty)"),
        ("x" * 99, None, "x" * 59 + "…"),
    ],
)
def test_values_are_shown_with_their_unit(value, unit, text):
    assert shown(Setting(value, unit, "default", pending_restart=False)) == text
