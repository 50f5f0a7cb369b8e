"""The geometry of stacked bars over time (pure); coordinates fit the viewBox of the charts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.charts import HEIGHT, WIDTH, Axes, Tick
from dashboard.ticks import nice_ticks, tick_text, time_ticks, together


@dataclass(frozen=True)
class Bucket:
    """What was measured from `at` on for one step: a value for each layer."""

    at: datetime
    values: Mapping[str, float]

    @property
    def total(self) -> float:
        return sum(self.values.values())


@dataclass(frozen=True)
class Layer:
    """A rectangle of a bar; `number` is the place of its name in the legend, from 1."""

    number: int
    y: float
    height: float


@dataclass(frozen=True)
class Bar:
    at: datetime
    x: float
    width: float
    total: float
    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class Stack:
    """Everything that the chart draws; `names` are the layers that are there, from the bottom."""

    names: tuple[str, ...]
    bars: tuple[Bar, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    gaps: tuple[tuple[float, float], ...]
    marks: tuple[tuple[float, tuple[int, ...]], ...]
    start: datetime
    end: datetime


def stack(
    buckets: Sequence[Bucket],
    names: Sequence[str],
    step: timedelta,
    span: tuple[datetime, datetime],
    *,
    marks: Sequence[datetime] = (),
) -> Stack | None:
    """Bars from zero, one a bucket, the layers in the order of `names`; None when nothing was measured.

    Where a bucket is missing the chart is shaded; a mark outside of the chart is left out.
    """
    if not buckets:
        return None
    start, end = span
    ticks = nice_ticks(0.0, max(bucket.total for bucket in buckets) or 1.0)
    axes = Axes(start, end, ticks[0], ticks[-1])
    there = tuple(name for name in names if any(bucket.values.get(name) for bucket in buckets)) or tuple(names[:1])
    return Stack(
        names=there,
        bars=tuple(_bar(bucket, there, step, axes) for bucket in buckets),
        x_ticks=tuple(Tick(axes.x(at), at, tick_text(at, end - start)) for at in time_ticks(start, end)),
        y_ticks=tuple(Tick(axes.y(tick), tick) for tick in ticks),
        gaps=tuple(axes.shade(*gap) for gap in missing([bucket.at for bucket in buckets], step, span)),
        marks=together([(axes.x(at), index) for index, at in enumerate(marks) if start <= at <= end]),
        start=start,
        end=end,
    )


def missing(
    known: Sequence[datetime], step: timedelta, span: tuple[datetime, datetime]
) -> list[tuple[datetime, datetime]]:
    """Stretches of the span that no bucket covers; up to a step and a half before its end nothing is missing yet."""
    found, covered = [], span[0]
    for at in known:
        if at - covered >= step / 2:
            found.append((covered, at))
        covered = max(covered, at + step)
    if span[1] - covered >= step * 1.5:
        found.append((covered, span[1]))
    return found


def _bar(bucket: Bucket, names: Sequence[str], step: timedelta, axes: Axes) -> Bar:
    left = max(0.0, axes.x(bucket.at)) * WIDTH
    right = min(1.0, axes.x(bucket.at + step)) * WIDTH
    layers, below = [], 0.0
    for number, name in enumerate(names, 1):
        value = bucket.values.get(name, 0.0)
        if value:
            height = value / axes.high * HEIGHT
            layers.append(Layer(number, round(HEIGHT - below - height, 1), round(height, 1)))
            below += height
    return Bar(bucket.at, round(left, 1), round(max(0.5, right - left), 1), bucket.total, tuple(layers))
