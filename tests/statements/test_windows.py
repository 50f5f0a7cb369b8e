"""What a window rests on, and the points of its charts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from dashboard.statements.models import StatementReading
from dashboard.statements.readings import evidence
from dashboard.statements.windows import MOST_POINTS, Evidence, Interval, bucket, charts, gaps, losses
from dashboard.targets.models import Target

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
QUIET = {"read_at": NOW, "epoch": "s/1/", "entries": 1, "hidden_entries": 0, "hidden_ms": 0.0, "hidden_total_ms": 0.0}


def reading(target: Target, minutes_ago: int, since: int | None, reason: str | None = None) -> StatementReading:
    return StatementReading(
        target_id=target.id,
        slot=NOW - minutes_ago * MINUTE,
        since=None if since is None else NOW - since * MINUTE,
        is_complete=reason is None,
        reason=reason,
        **QUIET,
    )


@pytest.mark.parametrize("window", ["15m", "1h", "6h", "1d", "7d", "30d", "90d"])
def test_a_chart_has_at_most_240_points(window: str) -> None:
    units = {"m": 1, "h": 60, "d": 1440}
    span = timedelta(minutes=int(window[:-1]) * units[window[-1]])
    assert span / bucket(span, 7 * DAY) <= MOST_POINTS


def test_where_minutes_became_hours_a_step_is_an_hour_at_least() -> None:
    assert bucket(2 * DAY, minutes_kept=2 * DAY) == 15 * MINUTE
    assert bucket(2 * DAY, minutes_kept=DAY) == timedelta(hours=1)
    assert bucket(90 * DAY, minutes_kept=DAY) == timedelta(hours=12)


def test_points_are_rates_means_and_unknown_without_a_call() -> None:
    busy = Interval(NOW, covered_ms=120_000, calls=4, total_ms=40.0, squares_ms2=500.0, rows=8, blocks=12)
    idle = Interval(NOW + MINUTE, covered_ms=60_000, calls=0, total_ms=0.0, squares_ms2=0.0, rows=0, blocks=0)
    calls, time, blocks, rows = charts([busy, idle])
    assert [value for _, value in calls.series[0][1]] == [2.0, 0.0]
    assert [value for _, value in time.series[0][1]] == [10.0, None]
    assert [band[1:] for band in time.bands[0]] == [(5.0, 15.0), (None, None)]
    assert [value for _, value in blocks.series[0][1]] == [3.0, None]
    assert [value for _, value in rows.series[0][1]] == [2.0, None]


def test_a_stretch_without_readings_is_a_gap_at_both_ends_of_the_window_too() -> None:
    at = [Interval(NOW + minute * MINUTE, 60_000, 1, 1.0, 1.0, 1, 1) for minute in (0, 1, 2, 9)]
    known = Evidence(NOW - MINUTE, NOW + 10 * MINUTE, NOW, NOW, NOW + 9 * MINUTE, 4, 0, 0.0, 0, 0.0, None)
    assert gaps(known, at, MINUTE) == [(NOW + 2 * MINUTE, NOW + 9 * MINUTE)]
    longer = replace(known, start=NOW - 60 * MINUTE, end=NOW + 30 * MINUTE)
    assert gaps(longer, at[:3], MINUTE) == [(longer.start, NOW), (NOW + 2 * MINUTE, longer.end)]


def test_intervals_that_lost_something_are_stretches_those_that_touch_are_one() -> None:
    told = [True, False, False, True, False]
    at = [Interval(NOW + n * MINUTE, 60_000, 1, 1.0, 1.0, 1, 1, whole) for n, whole in enumerate(told)]
    assert losses(at, MINUTE) == [(NOW + MINUTE, NOW + 3 * MINUTE), (NOW + 4 * MINUTE, NOW + 5 * MINUTE)]


def test_a_window_covers_what_was_really_read(app: Flask, store: Session, target: Target) -> None:
    store.add_all(
        [reading(target, 40, None), reading(target, 39, 40), reading(target, 10, 39, "late"), reading(target, 9, 10)]
    )
    store.commit()
    with app.app_context():
        known = evidence(target.id, timedelta(hours=1), NOW)
    assert (known.since, known.until, known.readings) == (NOW - 40 * MINUTE, NOW - 9 * MINUTE, 3)
    assert (known.covered, known.is_short, known.incomplete) == (31 * MINUTE, True, 1)
    assert [loss.reason for loss in known.losses] == ["late"]


def test_a_reading_belongs_to_the_window_that_holds_more_than_half_of_it(
    app: Flask, store: Session, target: Target
) -> None:
    store.add_all([reading(target, 10, 400, "away"), reading(target, 9, 10)])
    store.commit()
    with app.app_context():
        assert evidence(target.id, timedelta(hours=1), NOW).since == NOW - 10 * MINUTE
        assert evidence(target.id, timedelta(hours=6), NOW).since == NOW - 400 * MINUTE


def test_starting_anew_is_told_but_covers_nothing(app: Flask, store: Session, target: Target) -> None:
    store.add(reading(target, 5, None, "Another server"))
    store.commit()
    with app.app_context():
        known = evidence(target.id, timedelta(hours=1), NOW)
    assert (known.readings, known.incomplete, known.first_slot) == (0, 1, None)
