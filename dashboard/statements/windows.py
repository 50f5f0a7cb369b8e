"""What a window of statements rests on, and how its intervals become points of charts (pure)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from dashboard.statements.latency import deviation

MOST_POINTS = 240
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
STEPS = [timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1440)]


@dataclass(frozen=True)
class Evidence:
    """The readings that a window's numbers come from; `since` and `until` is what they really cover."""

    start: datetime
    end: datetime
    first_slot: datetime | None
    since: datetime | None
    until: datetime | None
    readings: int
    incomplete: int
    covered_ms: float
    hidden_entries: int
    hidden_ms: float
    own_role: str | None
    losses: Sequence["Loss"] = ()

    @property
    def is_complete(self) -> bool:
        return self.readings > 0 and self.incomplete == 0

    @property
    def covered(self) -> timedelta:
        return timedelta(milliseconds=self.covered_ms)

    @property
    def is_short(self) -> bool:
        """Less than nine tenths of what was asked for."""
        return self.covered < 0.9 * (self.end - self.start)


@dataclass(frozen=True)
class Loss:
    """An interval in which something was lost, and why."""

    since: datetime | None
    slot: datetime
    reason: str | None


@dataclass(frozen=True)
class Interval:
    """What a family did in one bucket of a chart; `covered_ms` is how much of the bucket was watched.

    `is_complete`: nothing was lost in it, by evictions for one.
    """

    at: datetime
    covered_ms: float
    calls: int
    total_ms: float
    squares_ms2: float
    rows: int
    blocks: int
    is_complete: bool = True


Points = list[tuple[datetime, float | None]]


@dataclass(frozen=True)
class Chart:
    """One line chart: the names of its series with their points, and bands around them."""

    key: str
    title: str
    note: str
    unit: str
    series: list[tuple[str, Points]]
    bands: list[list[tuple[datetime, float | None, float | None]]] = field(default_factory=list)


def bucket(window: timedelta, minutes_kept: timedelta, reach: timedelta | None = None) -> timedelta:
    """The shortest step that draws a window in at most 240 points; an hour or more where the window holds hours.

    `reach` is how long ago a window began that does not end now.
    """
    shortest = HOUR if (reach or window) > minutes_kept else STEPS[0]
    return next((step for step in STEPS if step >= shortest and window / step <= MOST_POINTS), STEPS[-1])


def charts(intervals: Sequence[Interval]) -> list[Chart]:
    """Four views of a family: how often, how long, how many blocks, how many rows."""
    return [
        Chart("calls", "Calls per minute", "how often it runs", "", [("calls", _points(intervals, _per_minute))]),
        Chart(
            "time",
            "Time per call",
            "mean of each interval; the band is one standard deviation to each side",
            "ms",
            [("mean", _points(intervals, _mean_ms))],
            [[(one.at, *_around_mean_ms(one)) for one in intervals]],
        ),
        Chart(
            "blocks",
            "Blocks per call",
            "rises when plan or data change, not when the machine is busy",
            "",
            [("blocks per call", _points(intervals, _blocks_per_call))],
        ),
        Chart(
            "rows",
            "Rows per call",
            "rises when the data or the question changes",
            "",
            [("rows per call", _points(intervals, _rows_per_call))],
        ),
    ]


def _points(intervals: Sequence[Interval], value: Callable[[Interval], float | None]) -> Points:
    return [(one.at, value(one)) for one in intervals]


def _per_minute(one: Interval) -> float | None:
    return one.calls / one.covered_ms * 60_000 if one.covered_ms else None


def _mean_ms(one: Interval) -> float | None:
    return one.total_ms / one.calls if one.calls else None


def _around_mean_ms(one: Interval) -> tuple[float | None, float | None]:
    """One deviation below and above the mean; no call takes less than nothing."""
    spread = deviation(one.calls, one.total_ms, one.squares_ms2)
    if spread is None:
        return None, None
    mean = one.total_ms / one.calls
    return max(0.0, mean - spread), mean + spread


def _rows_per_call(one: Interval) -> float | None:
    return one.rows / one.calls if one.calls else None


def _blocks_per_call(one: Interval) -> float | None:
    return one.blocks / one.calls if one.calls else None


def gaps(known: Evidence, intervals: Sequence[Interval], step: timedelta) -> list[tuple[datetime, datetime]]:
    """Stretches of the window in which nothing was read: before the first interval, between two, after the last."""
    longest, times = max(2 * step, timedelta(minutes=3)), [known.start, *(one.at for one in intervals), known.end]
    return [(before, after) for before, after in pairwise(times) if after - before > longest]


def losses(intervals: Sequence[Interval], step: timedelta) -> list[tuple[datetime, datetime]]:
    """Stretches in which something was lost; those that touch are one."""
    found: list[tuple[datetime, datetime]] = []
    for one in intervals:
        if not one.is_complete:
            begin = found.pop()[0] if found and found[-1][1] == one.at else one.at
            found.append((begin, one.at + step))
    return found
