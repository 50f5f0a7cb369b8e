"""Forecasts on made series: what they carry, and why the rest carries none."""

from collections.abc import Iterable
from datetime import date, timedelta

import pytest

from dashboard.tables.forecast import Day, Forecast, filled, forecast, last_segment, together, why_not

MB = 1_000_000
FIRST = date(2026, 9, 1)
NOISE = [0.3, -0.7, 0.9, -0.2, -0.9, 0.5, 0.1, 0.8, -0.4, -0.6]
WEEK = [4, 4, 4, 4, 4, 0, 0]


def series(sizes: Iterable[float], filenodes: Iterable[int] | None = None) -> list[Day]:
    values = [round(size) for size in sizes]
    nodes = list(filenodes) if filenodes else [1] * len(values)
    return [Day(FIRST + timedelta(days=place), size, nodes[place]) for place, size in enumerate(values)]


def linear(days: int = 30, slope: float = MB) -> list[float]:
    return [100 * MB + slope * day for day in range(days)]


def test_a_straight_line_goes_on_without_a_band() -> None:
    found = forecast(series(linear()))
    ahead = found.after(30)
    assert ahead is not None
    assert (ahead.low, ahead.middle, ahead.high) == (159 * MB, 159 * MB, 159 * MB)
    assert (found.slope, found.days, found.reason) == (MB, 30, None)


def test_noise_widens_the_interval_around_the_truth() -> None:
    found = forecast(series(size + NOISE[day % 10] * 2 * MB for day, size in enumerate(linear(40))))
    ahead = found.after(30)
    assert ahead is not None
    assert ahead.low < 100 * MB + 69 * MB < ahead.high
    assert 2 * MB < ahead.high - ahead.low < 30 * MB


def test_a_step_is_not_prolonged_only_what_came_after_it() -> None:
    sizes = [*linear(20), *(size + 500 * MB for size in linear(12, MB / 2))]
    found = forecast(series(sizes))
    assert (found.days, found.slope) == (12, MB / 2)


def test_a_rewrite_cuts_the_series_even_when_the_size_hardly_changes() -> None:
    days = series(linear(20), [1] * 8 + [2] * 12)
    assert len(last_segment(days)) == 12


def test_a_week_up_and_five_days_of_it_is_a_line_with_a_band() -> None:
    sizes, total = [], 100 * MB
    for day in range(42):
        total += WEEK[day % 7] * MB
        sizes.append(total)
    ahead = forecast(series(sizes)).after(28)
    assert ahead is not None
    assert ahead.low <= sizes[-1] + 4 * 20 * MB <= ahead.high


@pytest.mark.parametrize(
    ("sizes", "reason"),
    [
        (linear(6), "only 6 of 7 days so far"),
        ([*linear(20), *(900 * MB + size for size in linear(3))], "only 3 of 7 days since it jumped or was rewritten"),
        (linear(20, -MB), "it has been shrinking"),
        ([100 * MB + day % 4 * 10 * MB for day in range(30)], "it goes up and down rather than in one direction"),
        ([], "no size was ever measured"),
    ],
    ids=["short", "just jumped", "falling", "sawtooth", "nothing"],
)
def test_what_does_not_carry_a_forecast_has_none_and_says_why(sizes, reason) -> None:
    found = forecast(series(sizes))
    assert (found.reason, found.after(30), found.days_to(10**12)) == (reason, None, None)


def test_what_stands_still_stays_where_it_is() -> None:
    found = forecast(series([7 * MB] * 20))
    ahead = found.after(90)
    assert ahead is not None
    assert (ahead.low, ahead.high, found.days_to(8 * MB)) == (7 * MB, 7 * MB, None)


def test_the_time_to_a_limit_is_an_interval_and_open_when_it_may_never_come() -> None:
    assert forecast(series(linear())).days_to(229 * MB) == (100, 100)
    doubtful = Forecast(100, FIRST, 20, slope=1, slope_low=0, slope_high=2, band_bytes=20)
    assert doubtful.days_to(200) == (40, None)


def test_parts_add_up_only_when_each_has_a_forecast() -> None:
    heap, index = forecast(series(linear())), forecast(series([MB] * 20))
    both = together([heap, index], 30)
    assert both is not None
    assert both.middle == 160 * MB
    young = forecast(series(linear(3)))
    assert together([heap, young], 30) is None
    assert why_not({"heap": heap, "index a": young}) == "index a: only 3 of 7 days so far"


def test_days_without_a_sample_have_the_size_of_the_one_before_where_somebody_looked() -> None:
    days = [Day(FIRST, 1), Day(FIRST + timedelta(days=3), 4)]
    every = [FIRST + timedelta(days=number) for number in range(5)]
    assert [day.size_bytes for day in filled(days, every[4], every)] == [1, 1, 1, 4, 4]
    assert [day.day for day in filled(days, every[4], every[2:4])] == [FIRST, every[2], every[3]]
    assert forecast(filled([Day(FIRST, 1)], FIRST + timedelta(days=30), ())).reason == "only 1 of 7 days so far"
