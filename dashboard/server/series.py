"""Samples of cumulative counters → points of charts (pure). Nothing is drawn across a reset, a restart or a gap."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Protocol

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LATE = timedelta(minutes=3)
FEWEST_BLOCKS = 1_000
MOST = 400
STEPS = (MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR)
WAL = frozenset({"wal_bytes", "wal_records", "wal_full_page_images", "wal_buffers_full"})
CHECKPOINTS = frozenset(
    {
        "checkpoints_timed", "checkpoints_requested", "checkpoints_done", "checkpoint_write_ms", "checkpoint_sync_ms",
        "checkpoint_buffers",
    }
)  # fmt: skip
Points = list[tuple[datetime, float | None]]


class Sample(Protocol):
    """A row of counters; which ones it has beside these is its own affair."""

    slot: datetime
    stats_reset_at: datetime | None
    started_at: datetime | None


@dataclass(frozen=True)
class Growth:
    """How far a counter grew in a window, and over how many seconds of it that is known."""

    grown: float
    seconds: float

    @property
    def per_s(self) -> float:
        return self.grown / self.seconds


@dataclass(frozen=True)
class Series:
    """Sizes in bytes, connections in numbers, commits and rollbacks per second, cache hits as a share from 0 to 1."""

    size_bytes: Points
    connections: Points
    commits_per_s: Points
    rollbacks_per_s: Points
    cache_hit_share: Points


def step_of(window: timedelta, minutes_kept: timedelta, age: timedelta | None = None) -> timedelta:
    """How far apart the samples of a window are: hours where some of it is kept as hours, never over MOST points.

    `age` is how long ago the window began, where that is not its length.
    """
    fine = HOUR if (age or window) > minutes_kept else MINUTE
    return next((step for step in STEPS if step >= fine and window <= MOST * step), STEPS[-1])


def series(samples: Sequence[Sample], step: timedelta = MINUTE) -> Series:
    """Points of the charts of a summary, oldest first; a point of None breaks the line."""
    return Series(
        size_bytes=levels(samples, "size_bytes", step),
        connections=levels(samples, "connections", step),
        commits_per_s=rates(samples, "commits", step),
        rollbacks_per_s=rates(samples, "rollbacks", step),
        cache_hit_share=hit_shares(samples, step),
    )


def rates(samples: Sequence[Sample], counter: str, step: timedelta = MINUTE) -> Points:
    """The counter's growth per second at each sample but the first; None breaks the line."""
    return [(after.slot, rate(before, after, counter, step)) for before, after in pairwise(samples)]


def steps(samples: Sequence[Sample], counter: str, step: timedelta = MINUTE) -> Points:
    """How far the counter grew from each sample to the next."""
    return [(after.slot, grown(before, after, counter, step)) for before, after in pairwise(samples)]


def hit_shares(samples: Sequence[Sample], step: timedelta = MINUTE) -> Points:
    return [(after.slot, hit_share(before, after, step)) for before, after in pairwise(samples)]


def levels(samples: Iterable[Sample], name: str, step: timedelta = MINUTE) -> Points:
    """What a sample says by itself; a gap or another cluster breaks the line."""
    points: Points = []
    last: Sample | None = None
    for sample in samples:
        if last is not None and (sample.slot - last.slot > step + LATE or not _one_cluster(last, sample)):
            points.append((last.slot + (sample.slot - last.slot) / 2, None))
        points.append((sample.slot, getattr(sample, name)))
        last = sample
    return points


def comparable(samples: Sequence[Sample], step: timedelta = MINUTE) -> list[tuple[Sample, Sample]]:
    """Neighbours that count from the same start, without a gap between them."""
    return [(before, after) for before, after in pairwise(samples) if continuous(before, after, step)]


def growth(pairs: Iterable[tuple[Sample, Sample]], counter: str) -> Growth | None:
    """What the counter grew by between comparable samples; None where there are none."""
    parts = [
        (more, (after.slot - before.slot).total_seconds())
        for before, after in pairs
        if (more := _more(before, after, counter)) is not None
    ]
    return Growth(sum(more for more, _ in parts), sum(seconds for _, seconds in parts)) if parts else None


def window_hit_share(hit: Growth | None, read: Growth | None) -> float | None:
    """Blocks found in shared buffers of all blocks asked for in a window; None of too few to say anything."""
    if hit is None or read is None or hit.grown + read.grown < FEWEST_BLOCKS:
        return None
    return hit.grown / (hit.grown + read.grown)


def gaps(
    samples: Sequence[Sample], since: datetime, until: datetime, step: timedelta = MINUTE
) -> list[tuple[datetime, datetime]]:
    """Where the window has no samples: before the first, between two, after the last."""
    times = [since, *(sample.slot for sample in samples), until]
    return [(before, after) for before, after in pairwise(times) if after - before > step + LATE]


def continuous(before: Sample, after: Sample, step: timedelta = MINUTE) -> bool:
    """Whether the counters of both samples count from the same start, without a gap between the samples."""
    same = before.stats_reset_at == after.stats_reset_at and before.started_at == after.started_at
    same = same and _one_cluster(before, after)
    return same and timedelta(0) < after.slot - before.slot <= step + LATE


def rate(before: Sample, after: Sample, counter: str, step: timedelta = MINUTE) -> float | None:
    """The counter's growth per second; None across a reset, a gap, a decrease or where it is unknown."""
    more = grown(before, after, counter, step)
    return None if more is None else more / (after.slot - before.slot).total_seconds()


def hit_share(before: Sample, after: Sample, step: timedelta = MINUTE) -> float | None:
    """Blocks found in shared buffers of all blocks asked for; None when none were asked for."""
    hit, read = grown(before, after, "blocks_hit", step), grown(before, after, "blocks_read", step)
    if hit is None or read is None or hit + read == 0:
        return None
    return hit / (hit + read)


def grown(before: Sample, after: Sample, counter: str, step: timedelta = MINUTE) -> float | None:
    """How far the counter went up; None where both samples cannot be compared."""
    return _more(before, after, counter) if continuous(before, after, step) else None


def fell(before: Sample, after: Sample, counters: Iterable[str]) -> bool:
    """Whether a counter is lower than it was: they were lost in between."""
    return any(_known(before, name) > _known(after, name) for name in counters if _both(before, after, name))


def _more(before: Sample, after: Sample, counter: str) -> float | None:
    first, second = getattr(before, counter), getattr(after, counter)
    if first is None or second is None or second < first or not _one_start(before, after, counter):
        return None
    return float(second - first)


def _one_start(before: Sample, after: Sample, counter: str) -> bool:
    """WAL and checkpoints have reset times of their own."""
    name = "wal_reset_at" if counter in WAL else "checkpoint_reset_at" if counter in CHECKPOINTS else ""
    return not name or getattr(before, name, None) == getattr(after, name, None)


def _one_cluster(before: Sample, after: Sample) -> bool:
    """Another system identifier is another cluster; an unknown one may be the same."""
    first, second = getattr(before, "system_identifier", None), getattr(after, "system_identifier", None)
    return first is None or second is None or first == second


def _both(before: Sample, after: Sample, name: str) -> bool:
    return getattr(before, name) is not None and getattr(after, name) is not None


def _known(sample: Any, name: str) -> float:
    return float(getattr(sample, name))
