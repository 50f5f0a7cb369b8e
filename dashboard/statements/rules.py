"""What happened between two readings of pg_stat_statements, and whether anything was lost in between (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from dashboard.statements.latency import longest_call

INTERVAL = timedelta(minutes=1)
LONGEST_STEP = 3 * INTERVAL


class Key(NamedTuple):
    """What makes an entry of one database; the server's own key."""

    userid: int
    toplevel: bool
    queryid: int


class Counters(NamedTuple):
    """Cumulative counters of an entry, as the server told them. `io_ms` is None when the server times no I/O.

    `max_ms` is the longest call since `max_since` (before 17: since `stats_since`, which is not told either).
    """

    calls: int
    total_ms: float
    stddev_ms: float
    rows: int
    shared_hit: int
    shared_read: int
    temp_blocks: int
    wal_bytes: int
    io_ms: float | None
    stats_since: datetime | None = None
    max_ms: float | None = None
    max_since: datetime | None = None


NOTHING = Counters(0, 0.0, 0.0, 0, 0, 0, 0, 0, 0.0)


class Added(NamedTuple):
    """What an interval added. `squares_ms2` is the sum of the squared times of its calls; `max_ms` the longest of
    them where it is known, `max_bound_ms` what none exceeded.
    """

    calls: int = 0
    total_ms: float = 0.0
    squares_ms2: float = 0.0
    rows: int = 0
    shared_hit: int = 0
    shared_read: int = 0
    temp_blocks: int = 0
    wal_bytes: int = 0
    io_ms: float | None = 0.0
    max_ms: float | None = None
    max_bound_ms: float | None = None


def together(one: Added, other: Added) -> Added:
    """What two entries of a family, or two intervals, added."""
    return Added(
        one.calls + other.calls,
        one.total_ms + other.total_ms,
        one.squares_ms2 + other.squares_ms2,
        one.rows + other.rows,
        one.shared_hit + other.shared_hit,
        one.shared_read + other.shared_read,
        one.temp_blocks + other.temp_blocks,
        one.wal_bytes + other.wal_bytes,
        None if one.io_ms is None or other.io_ms is None else one.io_ms + other.io_ms,
        max((value for value in (one.max_ms, other.max_ms) if value is not None), default=None),
        None if one.max_bound_ms is None or other.max_bound_ms is None else max(one.max_bound_ms, other.max_bound_ms),
    )


@dataclass(frozen=True)
class Reading:
    """One look at a server: `epoch` names server and database, `at` is the server's clock."""

    slot: datetime
    at: datetime
    epoch: str
    started_at: datetime | None
    stats_reset_at: datetime | None
    evictions: int | None
    hidden_entries: int
    hidden_total_ms: float


@dataclass(frozen=True)
class Step:
    """From one reading to the next: how to count, and why something may be missing."""

    counts: bool
    from_zero: bool
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Differences:
    """What each entry did, and how many did not simply go on."""

    added: dict[Key, Added]
    restarted: int
    uncovered: int


def step(previous: Reading | None, current: Reading) -> Step:
    """Whether differences to the previous reading can be told, and what may have been lost in between."""
    if previous is None:
        return Step(counts=False, from_zero=False)
    is_reset = previous.stats_reset_at != current.stats_reset_at
    if previous.epoch != current.epoch or (is_reset and not _is_after(current.stats_reset_at, previous.at)):
        sentence = "Another server, database or role answers at this address; counting starts anew."
        return Step(counts=False, from_zero=False, reasons=[sentence])
    return Step(counts=True, from_zero=is_reset, reasons=_losses(previous, current, is_reset=is_reset))


def _is_after(moment: datetime | None, other: datetime) -> bool:
    """A reset older than the reading before it is another server's: a promoted standby brings its own past."""
    return moment is not None and moment >= other


def _losses(previous: Reading, current: Reading, *, is_reset: bool) -> list[str]:
    reasons = []
    if is_reset:
        reasons.append(f"The statement statistics were emptied{_at(current.stats_reset_at)}, by a reset or a crash.")
    if previous.started_at != current.started_at:
        reasons.append(f"The server restarted{_at(current.started_at)}.")
    evicted = (current.evictions or 0) - (previous.evictions or 0)
    if not is_reset and evicted > 0:
        reasons.append(f"The server dropped its least used statements {evicted} times to make room.")
    if previous.slot - current.slot > INTERVAL:
        reasons.append("The clock of the collector was set back.")
    if current.slot - previous.slot > LONGEST_STEP:
        minutes = round((current.slot - previous.slot).total_seconds() / 60)
        reasons.append(f"Nothing was read for {minutes} minutes; what happened is known only as a whole.")
    return reasons


def _at(moment: datetime | None) -> str:
    return f" at {moment:%H:%M} UTC" if moment else ""


def differences(
    before: Mapping[Key, Counters], now: Mapping[Key, Counters], step: Step, previous: Reading | None
) -> Differences:
    """What each entry added since the previous reading.

    An entry that was not there counts in full, and so does one that began anew. One that may only have become
    visible (entries were hidden before, and nothing says since when it counts) counts from now on.
    """
    added: dict[Key, Added] = {}
    restarted = uncovered = 0
    if not step.counts or previous is None:
        return Differences({}, 0, 0)
    for key, counters in now.items():
        old = None if step.from_zero else before.get(key)
        if old == counters:
            continue
        if old is None and not step.from_zero and not _is_new(counters, previous):
            uncovered += 1
            continue
        if old is not None and has_restarted(old, counters):
            restarted += 1
            old = None
        if (change := difference(old, counters)).calls:
            added[key] = change
    return Differences(added, restarted, uncovered)


def _is_new(counters: Counters, previous: Reading) -> bool:
    """A statement that ran over the previous reading counts since its start, though it appears only at its end."""
    if previous.hidden_entries == 0:
        return True
    return counters.stats_since is not None and counters.stats_since >= previous.at


def has_restarted(previous: Counters, current: Counters) -> bool:
    """17 and later say since when an entry counts; before that, any counter that shrank tells it."""
    if previous.stats_since and current.stats_since:
        return previous.stats_since != current.stats_since
    return (
        current.calls < previous.calls
        or current.total_ms < previous.total_ms
        or current.rows < previous.rows
        or current.shared_hit < previous.shared_hit
        or current.shared_read < previous.shared_read
        or current.temp_blocks < previous.temp_blocks
        or current.wal_bytes < previous.wal_bytes
        or (current.max_ms or 0.0) < (previous.max_ms or 0.0)
    )


def difference(previous: Counters | None, current: Counters) -> Added:
    """What happened between two readings of an entry that went on; all of it when there was none before."""
    was = previous or NOTHING
    calls = max(0, current.calls - was.calls)
    total_ms = max(0.0, current.total_ms - was.total_ms)
    squares = _squares(was, current, calls, total_ms)
    before = (previous.max_ms, previous.max_since) if previous else (0.0, current.stats_since)
    longest, bound = longest_call(calls, total_ms, squares, before=before, after=(current.max_ms, current.max_since))
    return Added(
        calls,
        total_ms,
        squares,
        max(0, current.rows - was.rows),
        max(0, current.shared_hit - was.shared_hit),
        max(0, current.shared_read - was.shared_read),
        max(0, current.temp_blocks - was.temp_blocks),
        max(0, current.wal_bytes - was.wal_bytes),
        None if current.io_ms is None or was.io_ms is None else max(0.0, current.io_ms - was.io_ms),
        longest,
        bound,
    )


def _squares(previous: Counters, current: Counters, calls: int, total_ms: float) -> float:
    """Sum of squares of the interval from the population deviations of both ends.

    M2 of the interval = s1² n1 - s0² n0 - (mean of the interval - m0)² n0 Δn / n1: centred sums, so that nothing
    is lost when the counters are huge. The sum of squares is M2 + Δn mean².
    """
    if not calls or not current.calls:
        return 0.0
    mean = total_ms / calls
    mean_before = previous.total_ms / previous.calls if previous.calls else 0.0
    spread = current.stddev_ms**2 * current.calls - previous.stddev_ms**2 * previous.calls
    spread -= (mean - mean_before) ** 2 * previous.calls * calls / current.calls
    return float(max(0.0, spread) + calls * mean**2)
