"""Two windows: factors only where there is enough, and words for what kind of change it is."""

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.statements.comparison import Ratios, Side, base_span, change_ms, kind_of, ratios

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SPAN = (NOON - HOUR, NOON)


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (Ratios(mean=4.0, calls=1.0, blocks=40.0, rows=1.0), "more_work"),
        (Ratios(mean=4.0, calls=1.0, blocks=40.0, rows=9.0), "more_rows"),
        (Ratios(mean=4.0, calls=1.0, blocks=1.02, rows=1.0), "waits"),
        (Ratios(mean=4.0, calls=3.0, blocks=None, rows=None), "waits"),
        (Ratios(mean=1.1, calls=3.0, blocks=1.0, rows=1.0), "more_calls"),
        (Ratios(mean=0.2, calls=1.0, blocks=0.1, rows=1.0), "less_work"),
        (Ratios(mean=0.2, calls=1.0, blocks=0.1, rows=0.1), "less_rows"),
        (Ratios(mean=0.2, calls=1.0, blocks=1.0, rows=1.0), "faster"),
        (Ratios(mean=1.0, calls=0.2, blocks=1.0, rows=1.0), "fewer_calls"),
        (Ratios(mean=1.1, calls=0.9, blocks=5.0, rows=1.0), "same"),
        (Ratios(mean=None, calls=9.0, blocks=None, rows=None), "unsure"),
    ],
)
def test_what_moved_tells_what_kind_of_change_it_is(found: Ratios, kind: str) -> None:
    assert kind_of(found) == kind


def test_calls_are_compared_by_the_time_that_was_watched() -> None:
    before, after = Side(60, 600.0, 60, 60, 3_600_000.0), Side(30, 600.0, 30, 60, 900_000.0)
    assert ratios(before, after) == Ratios(mean=2.0, calls=2.0, blocks=2.0, rows=1.0)
    assert change_ms(before, after) == 600.0 - 150.0


def test_few_calls_are_not_compared() -> None:
    few, many = Side(4, 4.0, 4, 4, 60_000.0), Side(400, 4000.0, 400, 400, 60_000.0)
    assert ratios(few, many) == Ratios(mean=None, calls=100.0, blocks=None, rows=None)


def test_a_window_that_was_not_watched_gives_no_factor() -> None:
    nothing, some = Side(0, 0.0, 0, 0, 0.0), Side(10, 10.0, 10, 10, 60_000.0)
    assert ratios(nothing, some).calls is None
    assert change_ms(nothing, some) == 10.0


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("before", (NOON - 2 * HOUR, NOON - HOUR)),
        ("day", (NOON - 25 * HOUR, NOON - 24 * HOUR)),
        ("week", (NOON - 169 * HOUR, NOON - 168 * HOUR)),
    ],
)
def test_the_other_window_is_as_long_and_earlier(base: str, expected: object) -> None:
    assert base_span(SPAN, base, {}) == (expected, {})


def test_any_two_times_may_be_compared_with() -> None:
    times = {"base_from": "2026-11-01T00:00:00Z", "base_to": "2026-11-02T00:00:00Z"}
    (since, until), problems = base_span(SPAN, "week", times)
    assert (until - since, problems) == (timedelta(days=1), {})
    assert base_span(SPAN, "week", {"base_from": "x", "base_to": times["base_to"]})[1].keys() == {"base_from"}
