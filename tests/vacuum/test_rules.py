"""Thresholds of autovacuum and dates of wraparound: truth tables without a server."""

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.vacuum import rules
from dashboard.vacuum.rules import Counted, Pace

NOW = datetime(2026, 5, 1, tzinfo=UTC)
SETTINGS = {
    "autovacuum_vacuum_threshold": "50",
    "autovacuum_vacuum_scale_factor": "0.2",
    "autovacuum_vacuum_insert_threshold": "1000",
    "autovacuum_vacuum_insert_scale_factor": "0.2",
    "autovacuum_analyze_threshold": "50",
    "autovacuum_analyze_scale_factor": "0.1",
    "autovacuum_freeze_max_age": "200000000",
    "autovacuum_multixact_freeze_max_age": "400000000",
    "vacuum_failsafe_age": "1600000000",
    "vacuum_multixact_failsafe_age": "1600000000",
}
CAPPED = SETTINGS | {"autovacuum_vacuum_max_threshold": "100000000"}
TABLE = Counted(tuples=1000, pages=10, frozen_pages=None, dead_rows=125, inserted_rows=600, modified_rows=300)
USUAL = rules.limits([], SETTINGS)


@pytest.mark.parametrize(
    ("changes", "options", "settings", "thresholds"),
    [
        ({}, [], SETTINGS, (250, 1200, 150)),
        ({"tuples": -1}, [], SETTINGS, (50, 1000, 50)),
        ({}, ["autovacuum_vacuum_scale_factor=0.01"], SETTINGS, (60, 1200, 150)),
        ({}, ["autovacuum_vacuum_threshold=0", "autovacuum_vacuum_scale_factor=0"], SETTINGS, (0, 1200, 150)),
        ({}, ["autovacuum_vacuum_insert_threshold=-1"], SETTINGS, (250, None, 150)),
        ({}, ["autovacuum_analyze_threshold=7"], SETTINGS, (250, 1200, 107)),
        ({"tuples": 1e9}, [], SETTINGS, (200_000_050, 200_001_000, 100_000_050)),
        ({"tuples": 1e9}, [], CAPPED, (100_000_000, 200_001_000, 100_000_050)),
        ({"tuples": 1e9}, ["autovacuum_vacuum_max_threshold=-1"], CAPPED, (200_000_050, 200_001_000, 100_000_050)),
        ({"tuples": 1e9}, ["autovacuum_vacuum_max_threshold=500"], CAPPED, (500, 200_001_000, 100_000_050)),
        ({"frozen_pages": 5}, [], CAPPED, (250, 1100, 150)),
        ({"frozen_pages": 0}, [], CAPPED, (250, 1200, 150)),
        ({"frozen_pages": 11}, [], CAPPED, (250, 1000, 150)),
        ({}, [], {}, (None, None, None)),
    ],
)
def test_thresholds_follow_options_settings_and_the_version(changes, options, settings, thresholds) -> None:
    found = rules.due(TABLE._replace(**changes), rules.limits(options, settings))
    assert (found.vacuum_threshold, found.insert_threshold, found.analyze_threshold) == thresholds


def test_the_largest_share_says_what_is_due() -> None:
    assert rules.due(TABLE, USUAL).worst == (0.5, "dead rows")
    assert rules.due(TABLE, USUAL).analyze_share == 2.0
    assert rules.due(TABLE._replace(inserted_rows=2400), USUAL).worst == (2.0, "inserted rows")
    assert rules.due(TABLE, rules.limits([], {})).worst == (None, None)


@pytest.mark.parametrize(
    ("options", "is_on"), [([], True), (["autovacuum_enabled=false"], False), (["autovacuum_enabled=off"], False)]
)
def test_a_table_may_turn_autovacuum_off(options, is_on) -> None:
    assert rules.is_autovacuumed(options) == is_on


def test_toast_follows_its_table_until_it_has_options_of_its_own() -> None:
    assert rules.toast_options(None, ["a=1"]) == ["a=1"]
    assert rules.toast_options(["b=2"], ["a=1"]) == ["b=2"]


def test_a_table_may_lower_the_freeze_age_and_never_raise_it() -> None:
    assert rules.freeze_max_age([], SETTINGS) == 200_000_000
    assert rules.freeze_max_age(["autovacuum_freeze_max_age=100000"], SETTINGS) == 100_000
    assert rules.freeze_max_age(["autovacuum_freeze_max_age=900000000"], SETTINGS) == 200_000_000
    assert rules.freeze_max_age([], SETTINGS, "multixact_") == 400_000_000


@pytest.mark.parametrize(
    ("next_id", "low", "full"),
    [
        (1000, 900, 900),
        (rules.IDS + 1000, 900, rules.IDS + 900),
        (rules.IDS + 1000, rules.IDS - 5, rules.IDS - 5),
        (5 * rules.IDS + 10, 20, 4 * rules.IDS + 20),
    ],
)
def test_an_id_of_32_bits_is_the_newest_one_that_fits(next_id, low, full) -> None:
    assert rules.full_id(next_id, low) == full


@pytest.mark.parametrize(
    ("before", "low", "now"),
    [
        (None, 7, 7), (100, 150, 150), (rules.IDS - 10, 5, rules.IDS + 5), (rules.IDS + 5, 9, rules.IDS + 9),
        (1000, 10, 10),
    ],
)  # fmt: skip
def test_a_counter_counts_on_over_its_wraparound_and_anew_after_a_step_back(before, low, now) -> None:
    assert rules.counted_on(before, low) == now


def made(days: int, per_day: list[int], step_h: int = 6) -> list[tuple[datetime, int]]:
    points, value = [(NOW - timedelta(days=days), 0)], 0
    for hour in range(step_h, days * 24 + 1, step_h):
        value += per_day[(hour - 1) // 24 % len(per_day)] * step_h // 24
        points.append((NOW - timedelta(days=days) + timedelta(hours=hour), value))
    return points


def test_a_pace_has_an_interval_only_after_some_days() -> None:
    assert rules.pace([]) is None
    assert rules.pace([(NOW, 5)]) is None
    assert rules.pace([(NOW - timedelta(minutes=30), 1), (NOW, 5)]) is None
    assert rules.pace(made(1, [2400])) == Pace(2400, None, None, timedelta(days=1))
    assert rules.pace(made(4, [2400, 4800])) == Pace(3600, 2400, 4800, timedelta(days=4))


def test_nothing_before_a_decrease_counts() -> None:
    points = [(NOW - timedelta(days=2), 10_000), (NOW - timedelta(days=1), 100), (NOW, 340)]
    assert rules.pace(points) == Pace(240, None, None, timedelta(days=1))


def test_each_limit_has_its_date_as_an_interval_or_says_that_it_is_passed() -> None:
    limits = rules.xid_limits(SETTINGS)
    assert [age for _, age in limits] == [200_000_000, 1_600_000_000, 2_107_483_647, 2_144_483_647]
    speed = Pace(10_000_000, 5_000_000, 20_000_000, timedelta(days=5))
    passed, failsafe, *_, stop = rules.milestones(300_000_000, limits, speed, NOW)
    assert passed.is_passed
    assert (passed.earliest, passed.latest) == (None, None)
    assert (failsafe.earliest, failsafe.latest) == (NOW + timedelta(days=65), NOW + timedelta(days=260))
    assert stop.share == pytest.approx(300 / 2144.483647)


def test_without_a_pace_or_beyond_twenty_years_there_is_no_date() -> None:
    for speed in (None, Pace(0, None, None, timedelta(days=1)), Pace(1000, None, None, timedelta(days=1))):
        assert [one.earliest for one in rules.milestones(0, rules.xid_limits(SETTINGS), speed, NOW)] == [None] * 4


def test_the_failsafe_never_comes_before_the_forced_vacuum() -> None:
    limits = rules.multixact_limits(SETTINGS | {"vacuum_multixact_failsafe_age": "0"})
    assert limits[1] == ("Failsafe: vacuum without pauses", 420_000_000)
