"""How much an index is used, said only where the evidence carries it (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from dashboard.formats import count_text
from dashboard.tables.rows import Index, Purpose

Verdict = Literal["used", "rarely", "idle", "not_enough_evidence", "cannot_drop"]
VERDICTS: tuple[Verdict, ...] = ("idle", "rarely", "used", "cannot_drop", "not_enough_evidence")
TROUBLES = (
    "invalid_index", "duplicate_index", "covered_index", "covered_partial_index", "implied_unique_index",
    "incomplete_index",
)  # fmt: skip
BUSINESS_CYCLE = timedelta(days=31)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
RARELY_PER_DAY = 1.0
HUGE_SCAN_ROWS = 100_000


@dataclass(frozen=True)
class HostUse:
    """Scans of an index on one server, None where nobody can say how many. Their absence proves something from `since`
    on, None where nobody can say since when.

    `counted_since`: the server began to count before we watched, so that scans may be older than `since`.
    `is_followed`: the count was compared with the one before, and `last_used_at` says when it rose.
    """

    host: str
    scans: int | None
    rows_read: int | None
    since: datetime | None
    last_used_at: datetime | None = None
    counted_since: datetime | None = None
    is_followed: bool = True

    @property
    def counting_since(self) -> datetime | None:
        return self.since if self.since is None or self.counted_since is None else min(self.since, self.counted_since)

    @property
    def is_quiet(self) -> bool:
        """No scan since `since`: there is none at all, or what is counted is older."""
        if not self.scans or self.since is None or self.counted_since is None or self.counted_since >= self.since:
            return not self.scans
        return self.is_followed and (self.last_used_at is None or self.last_used_at < self.since)


class Counting(NamedTuple):
    """What one server tells of an index: its scans, when it was last used, since when that is counted and watched.

    `is_followed`: it was judged before, so that a count that rises is seen.
    """

    scans: int | None
    rows_read: int | None
    used_at: datetime | None
    is_followed: bool
    counted_since: datetime | None
    first_seen_at: datetime


@dataclass(frozen=True)
class Use:
    """A verdict with the window that it speaks about; `why` is what a person reads."""

    verdict: Verdict
    why: str
    since: datetime | None
    scans: int | None
    last_used_at: datetime | None


def judge_use(
    index: Purpose, hosts: Sequence[HostUse], missing_hosts: Sequence[str], now: datetime, planned: int = 0,
    came_at: datetime | None = None,
) -> Use:  # fmt: skip
    """Used, rarely or idle over all servers that answer questions; what serves another purpose cannot be dropped.

    Use that was seen needs no long window; its absence needs a whole business cycle on every server. What was counted
    before we watched is no use of today once nothing was added to it for so long. `planned` families of statements ran
    in that time and have a plan with this index: it is not idle, whatever was counted. `came_at`: when an index first
    showed that was not there when the watching began.
    """
    scans, since = _scans(hosts), window_start(hosts)
    last_used_at = max((host.last_used_at for host in hosts if host.last_used_at), default=None)
    is_past = _is_past(last_used_at, since, now)
    since = last_used_at if is_past else since
    lacking = missing_evidence(since, missing_hosts, now, came_at)
    older = scans if scans and not is_past and not lacking and all(host.is_quiet for host in hosts) else 0
    scans = 0 if older else scans
    since = since if is_past or not scans else counting_start(hosts)
    if scans and since and not is_past and _per_day(hosts, now) >= RARELY_PER_DAY:
        verdict: Verdict = "used"
    elif purpose := other_purpose(index):
        verdict, lacking = "cannot_drop", purpose
    elif scans is None or lacking:
        verdict = "not_enough_evidence"
    elif planned:
        verdict, lacking = "rarely", _planned(planned)
    else:
        verdict, lacking = ("idle", None) if is_past or not scans else ("rarely", "That is less than once a day.")
    seen = _seen(hosts, scans, since, now, older) if not is_past else _past(hosts, last_used_at, now)
    why = f"{seen} {lacking}" if lacking and verdict != "used" else seen
    return Use(verdict, why, since, scans, last_used_at)


def window_start(hosts: Sequence[HostUse]) -> datetime | None:
    """Since when all of them count: the latest start; None when one does not know."""
    starts = [host.since for host in hosts]
    return max((start for start in starts if start), default=None) if all(starts) else None


def counting_start(hosts: Sequence[HostUse]) -> datetime | None:
    """Since when the scans of all of them were counted: the earliest start; None when one does not know."""
    starts = [host.counting_since for host in hosts]
    return min((start for start in starts if start), default=None) if all(starts) else None


def missing_evidence(
    since: datetime | None, missing_hosts: Sequence[str], now: datetime, came_at: datetime | None = None
) -> str | None:
    """Why the absence of scans proves nothing yet; None when it does."""
    if missing_hosts:
        return f"Not watched: {', '.join(missing_hosts)}. Scans there are not counted, so nothing can be said."
    if since is None:
        return "It is not known since when the server counts scans."
    if came_at and now - came_at < BUSINESS_CYCLE:
        return (
            f"The index itself is young, first seen {span_text(now - came_at)} ago; {BUSINESS_CYCLE.days} days "
            "of watching it are needed, so that monthly work is seen."
        )
    if now - since < BUSINESS_CYCLE:
        return (
            f"Watched for {span_text(now - since)}; {BUSINESS_CYCLE.days} days without a reset are needed, "
            "so that monthly work is seen."
        )
    if since > last_month_end(now):
        return "The window does not hold the last day of a month yet, when monthly work usually runs."
    return None


def last_month_end(now: datetime) -> datetime:
    """The start of the last day of the month before."""
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0) - DAY


def index_window(index: Index | Counting, parts: Iterable[Index | Counting] = ()) -> datetime | None:
    """Since when the scans of an index on its server are known: it exists, is watched, and was not reset.

    A partitioned index is as old as itself: a younger partition adds all its scans, a reset one hides some.
    """
    resets = [part.counted_since for part in parts if (part.counted_since or index.first_seen_at) > part.first_seen_at]
    starts = [index.counted_since, index.first_seen_at, *resets]
    return max(start for start in starts if start) if index.counted_since else None


def other_purpose(index: Purpose) -> str | None:
    """What an index without scans is still good for."""
    enforced = f"the constraint {index.constraint_name}" if index.constraint_name else "uniqueness"
    purposes = {
        "It is the primary key.": index.is_primary,
        "It enforces an exclusion constraint, which no scan counts.": index.is_exclusion,
        "It is the replica identity of its table: logical replication finds rows by it.": index.is_replica_identity,
        "A foreign key refers to it.": index.is_referenced,
        f"It enforces {enforced}, which no scan counts.": index.is_unique,
        "It is the part of a partitioned index and is judged there.": index.parent_oid is not None,
        "Its table is clustered on it.": index.is_clustered,
        f"Only through it the planner has statistics about {index.expressions}; "
        "CREATE STATISTICS on the expression would replace them.": index.expressions is not None,
    }
    return next((purpose for purpose, holds in purposes.items() if holds), None)


def span_text(span: timedelta) -> str:
    """In whole days, below that in whole hours: a verdict is not reworded with every judgement."""
    if span < HOUR:
        return "less than an hour"
    number, unit = (span // DAY, "day") if span >= DAY else (span // HOUR, "hour")
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _scans(hosts: Sequence[HostUse]) -> int | None:
    counts = [host.scans for host in hosts if host.scans is not None]
    return sum(counts) if counts and len(counts) == len(hosts) else None


def _per_day(hosts: Sequence[HostUse], now: datetime) -> float:
    """Scans a day, of each server over the time that it counted."""
    known = [(host.scans or 0, host.counting_since) for host in hosts]
    return sum(scans / max((now - since) / DAY, 1.0) for scans, since in known if since)


def _is_past(last_used_at: datetime | None, since: datetime | None, now: datetime) -> bool:
    """Counters that began long ago, with the last use long past, are evidence since that use."""
    if since is None or last_used_at is None or last_used_at < since:
        return False
    return missing_evidence(last_used_at, (), now) is None


def _planned(families: int) -> str:
    whose = "1 query that ran" if families == 1 else f"{families} queries that ran"
    return f"But the stored plan of {whose} in the last {BUSINESS_CYCLE.days} days uses it."


def _past(hosts: Sequence[HostUse], last_used_at: datetime | None, now: datetime) -> str:
    return f"Last used {span_text(now - last_used_at)} ago on {_hosts(hosts)}." if last_used_at else ""


def _seen(hosts: Sequence[HostUse], scans: int | None, since: datetime | None, now: datetime, older: int) -> str:
    """The number with its window; `older` ones were counted before it."""
    if scans is None:
        return "The number of its scans could not be read."
    window = f"in {span_text(now - since)}" if since else "since an unknown time"
    rows = sum(host.rows_read or 0 for host in hosts)
    read = f", reading {count_text(rows / scans)} rows each" if scans and rows / scans >= HUGE_SCAN_ROWS else ""
    before = f" What the server counts, {count_text(older)}, is older." if older else ""
    return f"{count_text(scans)} scan{'' if scans == 1 else 's'} {window} on {_hosts(hosts)}{read}.{before}"


def _hosts(hosts: Sequence[HostUse]) -> str:
    return hosts[0].host if len(hosts) == 1 else f"{len(hosts)} servers"
