"""When autovacuum comes to a table, and how far transaction ids are from each limit (pure).

The thresholds are those of autovacuum.c, the limits those of varsup.c and multixact.c of PostgreSQL 14 to 18.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

WRAPAROUND = 1 << 31
WARN_AGE, STOP_AGE = WRAPAROUND - 1 - 40_000_000, WRAPAROUND - 1 - 3_000_000
IDS = 1 << 32
DAY = timedelta(days=1)
ENOUGH_DAYS = 3
SHORTEST_SPAN = timedelta(hours=1)
FARTHEST = timedelta(days=365 * 20)
OFF = {"off", "false", "no", "0", "f"}


class Limits(NamedTuple):
    """What options and settings say: (threshold, scale factor) of each work, None where it never comes."""

    vacuum: tuple[float, float] | None
    insert: tuple[float, float] | None
    analyze: tuple[float, float] | None
    cap: float | None


class Due(NamedTuple):
    """Rows at which autovacuum comes; None: never for this reason. Shares of the threshold, 1 is due."""

    vacuum_threshold: int | None
    insert_threshold: int | None
    analyze_threshold: int | None
    vacuum_share: float | None
    insert_share: float | None
    analyze_share: float | None

    @property
    def worst(self) -> tuple[float | None, str | None]:
        """The largest share of those that bring a vacuum, and for what."""
        dead, inserted = self.vacuum_share, self.insert_share
        if inserted is not None and (dead is None or inserted > dead):
            return inserted, "inserted rows"
        return dead, None if dead is None else "dead rows"


class Counted(NamedTuple):
    """What the server counts of a table. `tuples` -1: never vacuumed or analyzed; `frozen_pages` is told by 18."""

    tuples: float
    pages: int
    frozen_pages: int | None
    dead_rows: int
    inserted_rows: int
    modified_rows: int


@dataclass(frozen=True)
class Pace:
    """Ids a day: the mean, and the slowest and fastest day where enough days were seen; `span` is what was seen."""

    per_day: float
    low: float | None
    high: float | None
    span: timedelta


@dataclass(frozen=True)
class Milestone:
    """A limit of an age. It is reached between the two dates; one date where there is no interval, none if unknown."""

    name: str
    age: int
    share: float
    is_passed: bool
    earliest: datetime | None
    latest: datetime | None


def number(options: Sequence[str], settings: Mapping[str, str], name: str) -> float | None:
    """An option of the table, else the server's setting; None where the server has none of this name."""
    text = _option(options, name) or settings.get(name)
    return float(text) if text is not None else None


def is_autovacuumed(options: Sequence[str]) -> bool:
    """False: only to prevent wraparound does autovacuum come."""
    return (_option(options, "autovacuum_enabled") or "on").lower() not in OFF


def limits(options: Sequence[str], settings: Mapping[str, str]) -> Limits:
    """The table's own options, else the server's settings; a negative threshold of inserts or cap means none."""
    insert = _line(options, settings, "vacuum_insert")
    cap = number(options, settings, "autovacuum_vacuum_max_threshold")
    return Limits(
        _line(options, settings, "vacuum"),
        None if insert is not None and insert[0] < 0 else insert,
        _line(options, settings, "analyze"),
        None if cap is not None and cap < 0 else cap,
    )


@lru_cache(maxsize=4_096)
def due(table: Counted, limits: Limits) -> Due:
    """Thresholds with 18's cap and 18's share of unfrozen pages for inserts. Kept: small tables are often alike."""
    rows, unfrozen = max(table.tuples, 0), unfrozen_share(table)
    vacuum = _threshold(limits.vacuum, rows)
    if vacuum is not None and limits.cap is not None:
        vacuum = min(vacuum, limits.cap)
    insert = _threshold(limits.insert, rows if unfrozen is None else rows * unfrozen)
    analyze = _threshold(limits.analyze, rows)
    return Due(
        vacuum_threshold=_whole(vacuum),
        insert_threshold=_whole(insert),
        analyze_threshold=_whole(analyze),
        vacuum_share=_share(table.dead_rows, vacuum),
        insert_share=_share(table.inserted_rows, insert),
        analyze_share=_share(table.modified_rows, analyze),
    )


def unfrozen_share(table: Counted) -> float | None:
    """Pages that are not all frozen; None before 18, which does not tell."""
    if table.frozen_pages is None:
        return None
    if table.pages <= 0 or table.frozen_pages <= 0:
        return 1.0
    return 1 - min(table.frozen_pages, table.pages) / table.pages


def toast_options(own: Sequence[str] | None, of_table: Sequence[str]) -> Sequence[str]:
    """A TOAST table without options of its own follows its table."""
    return of_table if own is None else own


def freeze_max_age(options: Sequence[str], settings: Mapping[str, str], kind: str = "") -> int:
    """The age that forces a vacuum; a table may only lower it. `kind`: "multixact_" or nothing."""
    name = f"autovacuum_{kind}freeze_max_age"
    server, own = int(settings[name]), _option(options, name)
    return min(server, int(own)) if own is not None else server


def full_id(next_id: int, low: int) -> int:
    """The newest 64-bit id before `next_id` that the server stores as these 32 bits."""
    return next_id - (next_id - low) % IDS


def counted_on(before: int | None, low: int) -> int:
    """A 32-bit counter continued over its wraparounds; it starts anew where it went backwards."""
    if before is None:
        return low
    grown = (low - before) % IDS
    return before + grown if grown < WRAPAROUND else low


def pace(points: Sequence[tuple[datetime, int]]) -> Pace | None:
    """How fast ids are used, from where the counter stood (oldest first); nothing before a decrease counts."""
    falls = [index for index in range(1, len(points)) if points[index][1] < points[index - 1][1]]
    held = points[falls[-1] :] if falls else points
    if len(held) < 2 or (span := held[-1][0] - held[0][0]) < SHORTEST_SPAN:
        return None
    days = _daily(held)
    mean = (held[-1][1] - held[0][1]) / (span / DAY)
    enough = len(days) >= ENOUGH_DAYS
    return Pace(mean, min(days) if enough else None, max(days) if enough else None, span)


def rates(points: Sequence[tuple[datetime, int]]) -> list[tuple[datetime, float | None]]:
    """Ids a day between each two points, for a chart; None where the counter went backwards."""
    return [
        (at, None if value < before or at <= since else (value - before) / ((at - since) / DAY))
        for (since, before), (at, value) in pairwise(points)
    ]


def milestones(age: int, limits: Sequence[tuple[str, int]], speed: Pace | None, now: datetime) -> list[Milestone]:
    """When an age reaches each limit if nothing is frozen meanwhile."""
    found = []
    for name, limit in limits:
        soon, late = (speed.high or speed.per_day, speed.low or speed.per_day) if speed else (None, None)
        is_passed = age >= limit
        earliest = None if is_passed else _reached(limit - age, soon, now)
        latest = None if is_passed else _reached(limit - age, late, now)
        found.append(Milestone(name, limit, age / limit, is_passed, earliest, latest))
    return found


def xid_limits(limits: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Ages of transaction ids, in their order: what the server does at each."""
    return _limits(int(limits["autovacuum_freeze_max_age"]), int(limits["vacuum_failsafe_age"]))


def multixact_limits(limits: Mapping[str, Any]) -> list[tuple[str, int]]:
    freeze = int(limits["autovacuum_multixact_freeze_max_age"])
    return _limits(freeze, int(limits["vacuum_multixact_failsafe_age"]))


def _limits(freeze: int, failsafe: int) -> list[tuple[str, int]]:
    """The failsafe never comes before 105 % of the age that forces a vacuum."""
    return [
        ("Vacuum is forced", freeze),
        ("Failsafe: vacuum without pauses", max(failsafe, round(freeze * 1.05))),
        ("The server warns", WARN_AGE),
        ("The server stops writing", STOP_AGE),
    ]


def _option(options: Sequence[str], name: str) -> str | None:
    return next((value for key, _, value in (text.partition("=") for text in options) if key == name), None)


def _line(options: Sequence[str], settings: Mapping[str, str], what: str) -> tuple[float, float] | None:
    base = number(options, settings, f"autovacuum_{what}_threshold")
    scale = number(options, settings, f"autovacuum_{what}_scale_factor")
    return None if base is None or scale is None else (base, scale)


def _threshold(line: tuple[float, float] | None, rows: float) -> float | None:
    return None if line is None else line[0] + line[1] * rows


def _share(rows: int, threshold: float | None) -> float | None:
    return None if threshold is None else round(rows / max(threshold, 1), 4)


def _whole(threshold: float | None) -> int | None:
    return None if threshold is None else round(threshold)


def _daily(points: Sequence[tuple[datetime, int]]) -> list[float]:
    """Ids used in each whole day back from the newest point, as far as a point is within an hour of its start."""
    days, (until, value) = list[float](), points[-1]
    for at, older in reversed(points[:-1]):
        if until - at >= DAY:
            if until - at > DAY + SHORTEST_SPAN:
                break
            days.append((value - older) / ((until - at) / DAY))
            until, value = at, older
    return days


def _reached(ids: int, per_day: float | None, now: datetime) -> datetime | None:
    if not per_day or per_day <= 0 or ids / per_day > FARTHEST / DAY:
        return None
    return now + timedelta(days=ids / per_day)
