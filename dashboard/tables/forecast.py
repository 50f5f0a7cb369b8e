"""Where the size of a relation is heading, with an interval, and only when its history carries it (pure).

Daily last values of the heap, TOAST and each index; only what came after the last rewrite or jump counts; Theil-Sen
slope, a band from the median absolute deviation of the residuals. Weekly ups and downs are not modelled: they are
part of the band.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from statistics import median

LEAST_DAYS = 7
MOST_DAYS = 60
HORIZONS = (30, 90)
MAD_TO_SD = 1.4826
BAND = 2.0
JUMP_SHARE = 0.25
JUMP_TIMES = 8
MOST_FALLING = 0.25


@dataclass(frozen=True)
class Day:
    """The last size of a day; another `relfilenode` means that the files were made anew."""

    day: date
    size_bytes: int
    relfilenode: int | None = None


@dataclass(frozen=True)
class Interval:
    low: float
    middle: float
    high: float

    def __add__(self, other: "Interval") -> "Interval":
        return Interval(self.low + other.low, self.middle + other.middle, self.high + other.high)


@dataclass(frozen=True)
class Forecast:
    """A line through the days since `since`: from `size_bytes` on by `slope` a day, with bounds of it and a band.

    `reason` says why there is none; a relation that stands still has one that says so.
    """

    size_bytes: int
    since: date | None = None
    days: int = 0
    slope: float = 0.0
    slope_low: float = 0.0
    slope_high: float = 0.0
    band_bytes: float = 0.0
    reason: str | None = None

    def after(self, days: int) -> Interval | None:
        """The size in so many days; never less than nothing."""
        if self.reason is not None:
            return None
        low, middle, high = (self.size_bytes + slope * days for slope in (self.slope_low, self.slope, self.slope_high))
        return Interval(max(0.0, low - self.band_bytes), max(0.0, middle), high + self.band_bytes)

    def days_to(self, limit_bytes: int) -> tuple[float, float | None] | None:
        """The soonest and the latest number of days until a limit is reached; latest None: perhaps never."""
        if self.reason is not None or self.slope_high <= 0:
            return None
        left = limit_bytes - self.size_bytes
        soonest = max(0.0, (left - self.band_bytes) / self.slope_high)
        return soonest, max(0.0, (left + self.band_bytes) / self.slope_low) if self.slope_low > 0 else None


def forecast(days: Sequence[Day]) -> Forecast:
    """What the last segment of these days carries; days are in order, one value each."""
    if not days:
        return Forecast(0, reason="no size was ever measured")
    segment = last_segment(days[-MOST_DAYS:])
    size, since = segment[-1].size_bytes, segment[0].day
    if len(segment) < LEAST_DAYS:
        why = "since it jumped or was rewritten" if len(segment) < len(days) else "so far"
        return Forecast(size, since, len(segment), reason=f"only {len(segment)} of {LEAST_DAYS} days {why}")
    if all(day.size_bytes == size for day in segment):
        return Forecast(size, since, len(segment))
    return _line(segment, size, since)


def last_segment(days: Sequence[Day]) -> Sequence[Day]:
    """What came after the last rewrite, and after the last jump that stands out from the usual change of a day."""
    changes = [after.size_bytes - before.size_bytes for before, after in pairwise(days)]
    usual = median([abs(change) for change in changes if change] or [0])
    start = 0
    for place, (before, after) in enumerate(pairwise(days), 1):
        change = abs(after.size_bytes - before.size_bytes)
        is_jump = change > JUMP_TIMES * usual and change > JUMP_SHARE * before.size_bytes
        if is_jump or _is_rewritten(before, after):
            start = place
    return days[start:]


def together(parts: Sequence[Forecast], horizon: int) -> Interval | None:
    """The sum of all parts in so many days; None when one of them has none."""
    found = [part.after(horizon) for part in parts]
    known = [interval for interval in found if interval is not None]
    return sum(known, Interval(0, 0, 0)) if known and len(known) == len(found) else None


def why_not(parts: Mapping[str, Forecast]) -> str:
    """Why the sum of these parts has no forecast: what the first of them without one says."""
    reasons = [f"{name}: {part.reason}" for name, part in parts.items() if part.reason is not None]
    return reasons[0] if reasons else "no day of sizes is stored yet"


def filled(days: Sequence[Day], last: date, seen: Collection[date]) -> list[Day]:
    """One value for each day up to the last: a size holds until the next one that was written. A day on which nobody
    looked (`seen` are those of the readings) has none.
    """
    found: list[Day] = []
    for day, following in zip(days, [*days[1:], None], strict=True):
        until = following.day if following else last + timedelta(days=1)
        span = max(1, (until - day.day).days)
        held = [replace(day, day=day.day + timedelta(days=number)) for number in range(span)]
        found += [one for one in held if one.day in seen or one.day == day.day]
    return found


def _line(segment: Sequence[Day], size: int, since: date) -> Forecast:
    count = len(segment)
    first, values = segment[0].day, [float(day.size_bytes) for day in segment]
    places = [(day.day - first).days for day in segment]
    slopes = sorted(
        (values[later] - values[earlier]) / (places[later] - places[earlier])
        for earlier in range(count)
        for later in range(earlier + 1, count)
    )
    slope = median(slopes)
    if slope < 0:
        return Forecast(size, since, count, reason="it has been shrinking")
    if _is_restless(slopes):
        return Forecast(size, since, count, reason="it goes up and down rather than in one direction")
    low, high = slopes[round(0.1 * (len(slopes) - 1))], slopes[round(0.9 * (len(slopes) - 1))]
    start = median(value - slope * place for value, place in zip(values, places, strict=True))
    spread = median(abs(value - start - slope * place) for value, place in zip(values, places, strict=True))
    return Forecast(size, since, count, slope, max(0.0, low), high, BAND * MAD_TO_SD * spread)


def _is_restless(slopes: Sequence[float]) -> bool:
    """A line says nothing of what goes up and down: deletes, a queue, a rotation of partitions."""
    return sum(slope < 0 for slope in slopes) > MOST_FALLING * sum(slope != 0 for slope in slopes)


def _is_rewritten(before: Day, after: Day) -> bool:
    known = before.relfilenode is not None and after.relfilenode is not None
    return known and before.relfilenode != after.relfilenode
