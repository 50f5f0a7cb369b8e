"""The geometry of charts: scales, downsampling, paths (pure). All coordinates fit a viewBox of our own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from dashboard.ticks import byte_ticks, nice_ticks, tick_text, time_ticks, together

Point = tuple[datetime, float | None]
Band = tuple[datetime, float | None, float | None]
LARGEST = 900
WIDTH, HEIGHT = 1000, 200


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
    """Everything that a line chart draws; x and y in units of WIDTH and HEIGHT.

    Marks that would cover each other stand together: where, and the indexes of the marks.
    """

    curves: tuple[Curve, ...]
    bands: tuple[str, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    gaps: tuple[tuple[float, float], ...]
    losses: tuple[tuple[float, float], ...]
    marks: tuple[tuple[float, tuple[int, ...]], ...]
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Axes:
    """Where a moment and a value lie between the ends of both axes."""

    first: datetime
    last: datetime
    low: float
    high: float

    def x(self, at: datetime) -> float:
        return (at - self.first) / (self.last - self.first)

    def y(self, value: float) -> float:
        return (value - self.low) / (self.high - self.low)

    def place(self, at: datetime, value: float) -> tuple[float, float]:
        return round(self.x(at) * WIDTH, 1), round((1 - self.y(value)) * HEIGHT, 1)

    def shade(self, begin: datetime, finish: datetime) -> tuple[float, float]:
        return max(0.0, self.x(begin)) * WIDTH, min(1.0, self.x(finish)) * WIDTH

    def shades(self, spans: Sequence[tuple[datetime, datetime]]) -> tuple[tuple[float, float], ...]:
        return tuple(self.shade(*span) for span in spans if span[1] > self.first and span[0] < self.last)


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
    edges = [number * len(points) // buckets for number in range(buckets + 1)]
    return [point for begin, finish in pairwise(edges) for point in _extremes(points[begin:finish])]


def values(points: Sequence[Any]) -> tuple[float | None, ...]:
    """What a sparkline draws: the values of points `(at, value)`, or values as they are."""
    if points and isinstance(points[0], Sequence):
        return tuple(value for _, value in points)
    return tuple(points)


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
    losses: Sequence[tuple[datetime, datetime]] = (),
    start: datetime | None = None,
    end: datetime | None = None,
    binary: bool = False,
    bands: Sequence[Sequence[Band]] = (),
) -> Frame | None:
    """A chart of one or more series on common axes, from zero; None when no point is known.

    `binary`: ticks in base 1024. Unknown values and `gaps` break the line, `losses` (measured in part) do not. A mark
    outside of the chart is left out. A band is filled between the low and the high value of each of its points.
    """
    known = [(at, value) for _, points in series for at, value in points if value is not None]
    if not known:
        return None
    first, last = _span([at for at, _ in known], start, end)
    values = [value for _, value in known] + [high for band in bands for *_, high in band if high is not None]
    ticks = (byte_ticks if binary else nice_ticks)(min(0.0, *values), max(values) or 1.0)
    axes = Axes(first, last, ticks[0], ticks[-1])
    return Frame(
        curves=tuple(_curve(name, downsample(points), gaps, axes) for name, points in series),
        bands=tuple(_band(band, gaps, axes) for band in bands),
        x_ticks=tuple(Tick(axes.x(at), at, tick_text(at, last - first)) for at in time_ticks(first, last)),
        y_ticks=tuple(Tick(axes.y(tick), tick) for tick in ticks),
        gaps=axes.shades(gaps),
        losses=axes.shades(losses),
        marks=together([(axes.x(at), index) for index, at in enumerate(marks) if first <= at <= last]),
        start=first,
        end=last,
    )


def thin(points: Sequence[Point], limit: int = 48) -> list[Point]:
    """Evenly spaced points for the table below a chart; the newest is always there."""
    if len(points) <= limit:
        return list(points)
    return [points[(number + 1) * len(points) // limit - 1] for number in range(limit)]


def _band(band: Sequence[Band], gaps: Sequence[tuple[datetime, datetime]], axes: Axes) -> str:
    """The outline of each stretch whose two ends are known."""
    low = _stretches([(at, value) for at, value, _ in band], gaps, axes)
    high = _stretches([(at, value) for at, _, value in band], gaps, axes)
    return " ".join(
        "M" + " L".join(f"{x:g} {y:g}" for x, y in [*under, *reversed(over)]) + "Z"
        for under, over in zip(low, high, strict=False)
        if len(under) == len(over) > 1
    )


def _span(known: Sequence[datetime], start: datetime | None, end: datetime | None) -> tuple[datetime, datetime]:
    first, last = start or min(known), end or max(known)
    half_an_hour = timedelta(minutes=30)
    return (first, last) if last > first else (first - half_an_hour, last + half_an_hour)


def _extremes(bucket: Sequence[Point]) -> list[Point]:
    known = [(value, index) for index, (_, value) in enumerate(bucket) if value is not None]
    kept = {min(known)[1], max(known)[1]} if known else set[int]()
    unknown = next((index for index, (_, value) in enumerate(bucket) if value is None), None)
    if unknown is not None:
        kept.add(unknown)
    return [bucket[index] for index in sorted(kept)]


def _curve(name: str, points: Sequence[Point], gaps: Sequence[tuple[datetime, datetime]], axes: Axes) -> Curve:
    known = _stretches(points, gaps, axes)
    values = [value for _, value in points if value is not None]
    return Curve(name, _line(known), _area(known, HEIGHT), values[-1] if values else None)


def _stretches(
    points: Sequence[Point], gaps: Sequence[tuple[datetime, datetime]], axes: Axes
) -> list[list[tuple[float, float]]]:
    """Places of the points, apart where a value is unknown or evidence is missing."""
    runs: list[list[tuple[float, float]]] = [[]]
    before: datetime | None = None
    for at, value in points:
        if value is None or (before is not None and _crosses(before, at, gaps)):
            runs.append([])
        if value is not None:
            runs[-1].append(axes.place(at, value))
            before = at
    return [run for run in runs if run]


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
