"""Which stored sums make up a window: weeks, days, hours, tens of minutes, and single readings at its ends (pure)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

LEVELS = (10, 60, 360, 1440, 10080)
ORIGIN = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Part:
    """Sums of `minutes` that begin in [since, until); 0 minutes: the readings themselves, with both ends."""

    minutes: int
    since: datetime
    until: datetime


def began(at: datetime, minutes: int) -> datetime:
    """The beginning of the block that holds this moment."""
    return at - (at - ORIGIN) % timedelta(minutes=minutes)


def closed(previous: datetime, current: datetime) -> list[tuple[int, datetime]]:
    """Blocks to be summed once a reading is stored, shorter ones first: the one that the last reading lay in when it
    is over, and the one of this reading when the clock was set back into it.
    """
    last = max(previous, current)
    found = [(minutes, began(at, minutes)) for minutes in LEVELS for at in {previous, current}]
    return [(minutes, start) for minutes, start in found if start + timedelta(minutes=minutes) <= last]


def cover(first: datetime, since: datetime, until: datetime, kept_from: Mapping[int, datetime]) -> list[Part]:
    """The parts of the readings from `first` to `until`; `since` is when the first of them begins to count.

    A block that begins after `since` holds no earlier reading. Before `kept_from` blocks of so many
    minutes are gone; the readings hold what they held.
    """
    parts = list(_cores(since, until, kept_from))
    if not parts:
        return [Part(0, first, until)]
    low, high = min(part.since for part in parts), max(part.until for part in parts)
    moment = timedelta(microseconds=1)
    edges = [Part(0, first, low - moment)] if first < low else []
    return [*parts, *edges, Part(0, high, until)]


def _cores(since: datetime, until: datetime, kept_from: Mapping[int, datetime]) -> Iterator[Part]:
    low = high = None
    for minutes in reversed(LEVELS):
        step = timedelta(minutes=minutes)
        start, end = began(since, minutes) + step, began(until, minutes)
        if minutes in kept_from:
            start = max(start, began(kept_from[minutes], minutes) + step)
        if low is None or high is None:
            if start < end:
                low, high = start, end
                yield Part(minutes, start, end)
            continue
        if start < low:
            yield Part(minutes, start, low)
            low = start
        if end > high >= start:
            yield Part(minutes, high, end)
            high = end
