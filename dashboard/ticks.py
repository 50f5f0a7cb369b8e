"""Round places on the axes of charts: numbers, bytes, moments (pure)."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

MARK_SHARE = 0.03
TIME_STEPS = [
    timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=5), timedelta(minutes=10), timedelta(minutes=15),
    timedelta(minutes=30), timedelta(hours=1), timedelta(hours=2), timedelta(hours=3), timedelta(hours=6),
    timedelta(hours=12), timedelta(days=1), timedelta(days=2), timedelta(days=7), timedelta(days=14),
    timedelta(days=30), timedelta(days=90), timedelta(days=365),
]  # fmt: skip


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


def tick_text(at: datetime, span: timedelta) -> str:
    """A moment on a time axis, in UTC: the clock within two days, else the day."""
    moment = at.astimezone(UTC)
    midnight = not (moment.hour or moment.minute)
    by_day = span > timedelta(days=4) or (span > timedelta(hours=26) and midnight)
    return f"{moment:%b} {moment.day}" if by_day else f"{moment:%H:%M}"


def together(marks: Sequence[tuple[float, int]]) -> tuple[tuple[float, tuple[int, ...]], ...]:
    """Marks by place, those nearer than a mark is wide as one at the place of the first."""
    found: list[tuple[float, list[int]]] = []
    for share, index in sorted(marks):
        if found and share - found[-1][0] < MARK_SHARE:
            found[-1][1].append(index)
        else:
            found.append((share, [index]))
    return tuple((share, tuple(indexes)) for share, indexes in found)
