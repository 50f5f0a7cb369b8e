"""The geometry of charts, without a page."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from dashboard.charts import downsample, line, spans, sparkline, thin
from dashboard.ticks import byte_ticks, nice_ticks, tick_text, time_ticks

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def minutes(*values: float | None) -> list[tuple[datetime, float | None]]:
    return [(NOON + timedelta(minutes=number), value) for number, value in enumerate(values)]


def test_downsampling_keeps_the_lowest_and_the_highest() -> None:
    points = minutes(*[float(number % 97) for number in range(10_000)])
    points[4321] = (points[4321][0], 5000.0)
    points[8765] = (points[8765][0], -3.0)
    kept = downsample(points)
    assert len(kept) <= 900
    assert points[4321] in kept
    assert points[8765] in kept
    assert all(before[0] < after[0] for before, after in pairwise(kept))


def test_downsampling_keeps_what_is_unknown() -> None:
    points = minutes(*[1.0] * 2000, None, *[2.0] * 2000)
    assert points[2000] in downsample(points)


def test_few_points_stay_as_they_are() -> None:
    points = minutes(1, None, 3)
    assert downsample(points) == points


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 87, [0, 25, 50, 75, 100]),
        (0, 1, [0, 0.25, 0.5, 0.75, 1]),
        (0, 0.0042, [0, 0.002, 0.004, 0.006]),
        (5, 5, [4, 6]),
        (0, 0, [0, 0.25]),
    ],
)
def test_ticks_are_round_and_enclose_the_values(low: float, high: float, expected: list[float]) -> None:
    assert nice_ticks(low, high) == expected


def test_ticks_of_bytes_are_round_in_base_1024() -> None:
    gigabyte = 1024.0**3
    assert byte_ticks(0, 3.2 * gigabyte) == [0, gigabyte, 2 * gigabyte, 3 * gigabyte, 4 * gigabyte]


def test_ticks_of_time_are_round_in_utc() -> None:
    ticks = time_ticks(NOON + timedelta(minutes=7), NOON + timedelta(hours=6))
    assert [tick_text(tick, timedelta(hours=6)) for tick in ticks] == [
        "13:00",
        "14:00",
        "15:00",
        "16:00",
        "17:00",
        "18:00",
    ]
    assert tick_text(NOON, timedelta(days=30)) == "Nov 21"


def test_an_unknown_value_breaks_the_line() -> None:
    frame = line([("calls", minutes(1, 2, None, 4, 5))])
    assert frame
    assert frame.curves[0].path.count("M") == 2


def test_a_gap_in_the_evidence_breaks_the_line_and_is_shaded() -> None:
    gap = (NOON + timedelta(minutes=1), NOON + timedelta(minutes=3))
    frame = line([("calls", [(NOON, 1.0), gap_point(1), gap_point(3), gap_point(4)])], gaps=[gap])
    assert frame
    assert frame.curves[0].path.count("M") == 2
    assert frame.gaps == ((250.0, 750.0),)


def test_a_stretch_measured_in_part_is_tinted_and_does_not_break_the_line() -> None:
    lost = (NOON + timedelta(minutes=1), NOON + timedelta(minutes=3))
    frame = line([("calls", [(NOON, 1.0), gap_point(4)])], losses=[lost])
    assert frame
    assert (frame.losses, frame.curves[0].path.count("M")) == (((250.0, 750.0),), 1)


def gap_point(minute: int) -> tuple[datetime, float]:
    return NOON + timedelta(minutes=minute), float(minute)


def test_missing_evidence_is_found_between_known_points() -> None:
    points = minutes(1, None, None, None, 5, 6)
    assert spans(points, timedelta(minutes=2)) == [(points[0][0], points[4][0])]


def test_marks_outside_of_the_chart_are_left_out() -> None:
    frame = line([("calls", minutes(1, 2, 3))], marks=[NOON - timedelta(hours=1), NOON + timedelta(minutes=1)])
    assert frame
    assert frame.marks == ((0.5, (1,)),)


def test_the_axis_starts_at_zero_and_points_stay_inside() -> None:
    frame = line([("calls", minutes(40, 80))])
    assert frame
    assert [tick.value for tick in frame.y_ticks] == [0, 20, 40, 60, 80]
    assert frame.curves[0].path == "M0 100 L1000 0"


def test_nothing_known_is_no_chart() -> None:
    assert line([("calls", minutes(None, None))]) is None
    assert sparkline([None, None]).last is None


def test_a_flat_sparkline_runs_through_the_middle() -> None:
    spark = sparkline([5, 5, 5])
    assert spark.path == "M2 12 L48 12 L94 12"
    assert (spark.low, spark.high, spark.last) == (5, 5, 5)


def test_a_sparkline_breaks_where_nothing_is_known() -> None:
    spark = sparkline([1, 2, None, 4, None])
    assert spark.path.count("M") == 2
    assert spark.end is None


def test_the_table_below_a_chart_is_short_and_ends_with_the_newest() -> None:
    points = minutes(*[float(number) for number in range(500)])
    assert len(thin(points)) == 48
    assert thin(points)[-1] == points[-1]


def test_marks_nearer_than_a_mark_is_wide_stand_together() -> None:
    hour = [(NOON, 1.0), (NOON + timedelta(hours=1), 2.0)]
    marks = [NOON + timedelta(minutes=minute) for minute in (50, 10, 11)]
    frame = line([("calls", hour)], marks=marks)
    assert frame
    assert [indexes for _, indexes in frame.marks] == [(1, 2), (0,)]


def test_a_band_is_filled_between_its_ends_and_opens_where_they_are_unknown() -> None:
    band = [(at, None if value is None else value - 1, value) for at, value in minutes(3, 4, None, 6, 7)]
    frame = line([("mean", minutes(2, 3, None, 5, 6))], bands=[band])
    assert frame
    assert frame.bands[0].count("Z") == 2
    assert frame.y_ticks[-1].value >= 7
