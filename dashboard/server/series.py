"""Samples of cumulative counters → points of charts (pure). Nothing is drawn across a reset, a restart or a gap."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Protocol

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LATE = timedelta(minutes=3)
Points = list[tuple[datetime, float | None]]


class Sample(Protocol):
    slot: datetime
    size_bytes: int | None
    connections: int | None
    commits: int | None
    rollbacks: int | None
    blocks_read: int | None
    blocks_hit: int | None
    stats_reset_at: datetime | None
    started_at: datetime | None


@dataclass(frozen=True)
class Series:
    """Sizes in bytes, connections in numbers, commits and rollbacks per second, cache hits as a share from 0 to 1."""

    size_bytes: Points
    connections: Points
    commits_per_s: Points
    rollbacks_per_s: Points
    cache_hit_share: Points


def step_of(window: timedelta, minutes_kept: timedelta) -> timedelta:
    """How far apart the samples of a window are: hours where some of it is kept as hours."""
    return HOUR if window > minutes_kept else MINUTE


def series(samples: Sequence[Sample], step: timedelta = MINUTE) -> Series:
    """Points of every chart, oldest first; a point of None breaks the line."""
    pairs = list(pairwise(samples))
    return Series(
        size_bytes=_levels(samples, "size_bytes", step),
        connections=_levels(samples, "connections", step),
        commits_per_s=[(after.slot, rate(before, after, "commits", step)) for before, after in pairs],
        rollbacks_per_s=[(after.slot, rate(before, after, "rollbacks", step)) for before, after in pairs],
        cache_hit_share=[(after.slot, hit_share(before, after, step)) for before, after in pairs],
    )


def gaps(
    samples: Sequence[Sample], since: datetime, until: datetime, step: timedelta = MINUTE
) -> list[tuple[datetime, datetime]]:
    """Where the window has no samples: before the first, between two, after the last."""
    times = [since, *(sample.slot for sample in samples), until]
    return [(before, after) for before, after in pairwise(times) if after - before > step + LATE]


def continuous(before: Sample, after: Sample, step: timedelta = MINUTE) -> bool:
    """Whether the counters of both samples count from the same start, without a gap between the samples."""
    same = before.stats_reset_at == after.stats_reset_at and before.started_at == after.started_at
    return same and timedelta(0) < after.slot - before.slot <= step + LATE


def rate(before: Sample, after: Sample, counter: str, step: timedelta = MINUTE) -> float | None:
    """The counter's growth per second; None across a reset, a gap, a decrease or where it is unknown."""
    grown = _grown(before, after, counter, step)
    return None if grown is None else grown / (after.slot - before.slot).total_seconds()


def hit_share(before: Sample, after: Sample, step: timedelta = MINUTE) -> float | None:
    """Blocks found in shared buffers of all blocks asked for; None when none were asked for."""
    hit, read = _grown(before, after, "blocks_hit", step), _grown(before, after, "blocks_read", step)
    if hit is None or read is None or hit + read == 0:
        return None
    return hit / (hit + read)


def _grown(before: Sample, after: Sample, counter: str, step: timedelta) -> int | None:
    first, second = getattr(before, counter), getattr(after, counter)
    if first is None or second is None or second < first or not continuous(before, after, step):
        return None
    return int(second - first)


def _levels(samples: Iterable[Sample], name: str, step: timedelta) -> Points:
    points: Points = []
    last: datetime | None = None
    for sample in samples:
        if last is not None and sample.slot - last > step + LATE:
            points.append((last + (sample.slot - last) / 2, None))
        points.append((sample.slot, getattr(sample, name)))
        last = sample.slot
    return points
