"""The geometry of charts: scales, ticks, downsampling, paths (pure). All coordinates fit a viewBox of our own."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

Point = tuple[datetime, float | None]
LARGEST = 900
WIDTH, HEIGHT = 1000, 200
TIME_STEPS = [
    timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=5), timedelta(minutes=10), timedelta(minutes=15),
    timedelta(minutes=30), timedelta(hours=1), timedelta(hours=2), timedelta(hours=3), timedelta(hours=6),
    timedelta(hours=12), timedelta(days=1), timedelta(days=2), timedelta(days=7), timedelta(days=14),
    timedelta(days=30), timedelta(days=90), timedelta(days=365),
]  # fmt: skip


@dataclass(frozen=True)
class Tick:
    """A labelled place on an axis: `share` is 0 at the start (left, bottom) and 1 at the end."""

    share: float
    value: float | datetime
    label: str = ""


@dataclass(frozen=True)
class Curve:
    name: str
    path: str
    area: str
    last: float | None


@dataclass(frozen=True)
class Frame:
    """Everything that a line chart draws; x and y in units of WIDTH and HEIGHT."""

    curves: tuple[Curve, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    gaps: tuple[tuple[float, float], ...]
    marks: tuple[tuple[float, int], ...]
    start: datetime
    end: datetime
    low: float
    high: float


@dataclass(frozen=True)
class Spark:
    path: str
    area: str
    end: tuple[float, float] | None
    low: float | None
    high: float | None
    last: float | None


def downsample(points: Sequence[Point], limit: int = LARGEST) -> list[Point]:
    """At most `limit` points; of each bucket the lowest, the highest and one unknown stay, in their order."""
    if len(points) <= limit:
        return list(points)
    buckets = max(1, limit // 3)
    kept: list[Point] = []
    for number in range(buckets):
        bucket = points[number * len(points) // buckets : (number + 1) * len(points) // buckets]
        kept += _extremes(bucket)
    return kept


def nice_ticks(low: float, high: float, count: int = 4) -> list[float]:
    """About `count` round numbers (1, 2, 2.5, 5 times a power of ten) that enclose low and high."""
    span = (high - low) or abs(high) or 1.0
    raw = span / max(1, count)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    first, last = math.floor(low / step), math.ceil(high / step - 1e-9)
    return [round(number * step, 12) for number in range(first, max(last, first + 1) + 1)]


def byte_ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Ticks that are round in base 1024: nice numbers of the largest unit that fits."""
    unit = 1024.0 ** max(0, math.floor(math.log(max(high, 1.0), 1024)))
    return [tick * unit for tick in nice_ticks(low / unit, high / unit, count)]


def time_ticks(start: datetime, end: datetime, count: int = 6) -> list[datetime]:
    """At most `count` round moments in UTC between start and end."""
    step = next((step for step in TIME_STEPS if (end - start) / step <= count), TIME_STEPS[-1])
    midnight = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    moment = midnight + step * math.ceil((start - midnight) / step)
    ticks = []
    while moment <= end:
        ticks.append(moment)
        moment += step
    return ticks


def sparkline(values: Sequence[float | None], width: int = 96, height: int = 24) -> Spark:
    """A line without axes; unknown values break it. Flat lines run through the middle."""
    points = [(float(index), value) for index, value in enumerate(values)]
    known = [value for _, value in points if value is not None]
    if not known:
        return Spark("", "", None, None, None, None)
    low, high = min(known), max(known)
    pad, across = 2.0, max(1, len(points) - 1)

    def place(x: float, y: float) -> tuple[float, float]:
        share = (y - low) / (high - low) if high > low else 0.5
        return round(pad + x / across * (width - 2 * pad), 1), round(height - pad - share * (height - 2 * pad), 1)

    runs = [[place(*point) for point in run] for run in _runs(points)]
    end = runs[-1][-1] if points[-1][1] is not None else None
    return Spark(_line(runs), _area(runs, height), end, low, high, known[-1])


def line(
    series: Sequence[tuple[str, Sequence[Point]]],
    *,
    marks: Sequence[datetime] = (),
    gaps: Sequence[tuple[datetime, datetime]] = (),
    start: datetime | None = None,
    end: datetime | None = None,
    binary: bool = False,
) -> Frame | None:
    """A chart of one or more series on common axes, from zero; None when no point is known.

    `binary`: ticks in base 1024. Unknown values and `gaps` break the line; a mark outside of the chart is left out.
    """
    known = [point for _, points in series for point in points if point[1] is not None]
    if not known:
        return None
    first = start or min(at for at, _ in known)
    last = end or max(at for at, _ in known)
    if last <= first:
        first, last = first - timedelta(minutes=30), last + timedelta(minutes=30)
    values = [value for _, value in known if value is not None]
    ticks = (byte_ticks if binary else nice_ticks)(min(0.0, *values), max(values) or 1.0)
    low, high = ticks[0], ticks[-1]

    def across(at: datetime) -> float:
        return (at - first) / (last - first)

    def place(at: datetime, value: float) -> tuple[float, float]:
        return round(across(at) * WIDTH, 1), round(HEIGHT - (value - low) / (high - low) * HEIGHT, 1)

    return Frame(
        curves=tuple(_curve(name, downsample(points), gaps, place) for name, points in series),
        x_ticks=tuple(Tick(across(at), at, tick_text(at, last - first)) for at in time_ticks(first, last)),
        y_ticks=tuple(Tick((tick - low) / (high - low), tick) for tick in ticks),
        gaps=tuple(
            (max(0.0, across(begin)) * WIDTH, min(1.0, across(finish)) * WIDTH)
            for begin, finish in gaps
            if finish > first and begin < last
        ),
        marks=tuple((across(at), index) for index, at in enumerate(marks) if first <= at <= last),
        start=first,
        end=last,
        low=low,
        high=high,
    )


def tick_text(at: datetime, span: timedelta) -> str:
    """A moment on a time axis, in UTC: the clock within two days, else the day."""
    moment = at.astimezone(UTC)
    midnight = not (moment.hour or moment.minute)
    by_day = span > timedelta(days=4) or (span > timedelta(hours=26) and midnight)
    return f"{moment:%b} {moment.day}" if by_day else f"{moment:%H:%M}"


def thin(points: Sequence[Point], limit: int = 48) -> list[Point]:
    """Evenly spaced points for the table below a chart; the newest is always there."""
    if len(points) <= limit:
        return list(points)
    return [points[(number + 1) * len(points) // limit - 1] for number in range(limit)]


def _extremes(bucket: Sequence[Point]) -> list[Point]:
    known = [(value, index) for index, (_, value) in enumerate(bucket) if value is not None]
    kept = {min(known)[1], max(known)[1]} if known else set[int]()
    unknown = next((index for index, (_, value) in enumerate(bucket) if value is None), None)
    if unknown is not None:
        kept.add(unknown)
    return [bucket[index] for index in sorted(kept)]


def _curve(
    name: str,
    points: Sequence[Point],
    gaps: Sequence[tuple[datetime, datetime]],
    place: Callable[[datetime, float], tuple[float, float]],
) -> Curve:
    runs: list[list[tuple[float, float]]] = [[]]
    before: datetime | None = None
    for at, value in points:
        if value is None or (before is not None and _crosses(before, at, gaps)):
            runs.append([])
        if value is not None:
            runs[-1].append(place(at, value))
            before = at
    known = [run for run in runs if run]
    values = [value for _, value in points if value is not None]
    return Curve(name, _line(known), _area(known, HEIGHT), values[-1] if values else None)


def _runs(points: Sequence[tuple[float, float | None]]) -> Iterator[list[tuple[float, float]]]:
    """Stretches without an unknown value."""
    run: list[tuple[float, float]] = []
    for x, y in points:
        if y is not None:
            run.append((x, y))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _line(runs: Sequence[Sequence[tuple[float, float]]]) -> str:
    """An SVG path: one M…L… for each run; a lone point becomes a short dash."""
    parts = []
    for run in runs:
        start, *rest = run
        steps = " ".join(f"L{x:g} {y:g}" for x, y in rest) if rest else "h0.1"
        parts.append(f"M{start[0]:g} {start[1]:g} {steps}")
    return " ".join(parts)


def _area(runs: Sequence[Sequence[tuple[float, float]]], floor: float) -> str:
    """The same runs closed down to the floor, to be filled lightly."""
    return " ".join(
        f"M{run[0][0]:g} {floor:g} " + " ".join(f"L{x:g} {y:g}" for x, y in run) + f" L{run[-1][0]:g} {floor:g}Z"
        for run in runs
        if len(run) > 1
    )


def _crosses(before: datetime, after: datetime, gaps: Sequence[tuple[datetime, datetime]]) -> bool:
    return any(before < finish and after > begin for begin, finish in gaps)


def spans(points: Sequence[Point], longest: timedelta) -> list[tuple[datetime, datetime]]:
    """Missing evidence: stretches between known points longer than `longest`."""
    known = [at for at, value in points if value is not None]
    return [(before, after) for before, after in pairwise(known) if after - before > longest]
