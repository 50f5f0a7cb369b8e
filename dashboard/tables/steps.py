"""Jumps in the size of a table, and the change that explains each (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

from dashboard.formats import bytes_text
from dashboard.tables.rows import SizeAt

SMALLEST_BYTES = 8 * 1024 * 1024
SMALLEST_SHARE = 0.05
TIMES_USUAL = 8
BEFORE, AFTER = timedelta(minutes=30), timedelta(minutes=6)
MOST = 5
CAUSES = ("rewrite", "migration", "index", "flag", "schema", "setting", "session")


@dataclass(frozen=True)
class Step:
    """Between two samples the total changed by much more than it usually does."""

    begin: datetime
    end: datetime
    before: SizeAt
    after: SizeAt

    @property
    def change_bytes(self) -> int:
        return self.after.total_bytes - self.before.total_bytes

    @property
    def part(self) -> str:
        """Where most of it happened."""
        changes = {
            "heap": self.after.heap_bytes - self.before.heap_bytes,
            "TOAST": self.after.toast_bytes - self.before.toast_bytes,
            "indexes": self.after.index_bytes - self.before.index_bytes,
        }
        return max(changes, key=lambda name: abs(changes[name]))


@dataclass(frozen=True)
class Explained:
    """A step with the change of the lane that is nearest to it, if any."""

    step: Step
    cause: Mapping[str, Any] | None

    @property
    def words(self) -> str:
        step = self.step
        sign = "+" if step.change_bytes > 0 else "\N{MINUS SIGN}"
        begin = step.begin if step.end - step.begin <= timedelta(days=1) else None
        span = f"between {begin:%H:%M} and {step.end:%H:%M} UTC" if begin else f"until {step.end:%H:%M} UTC"
        size = bytes_text(abs(step.change_bytes))
        return f"{sign}{size} on {step.end.day} {step.end:%b} {span}, mostly {step.part}"


def steps(sizes: Sequence[SizeAt], readings: Sequence[datetime]) -> list[Step]:
    """The largest jumps, newest first.

    A jump is at least 8 MB, 5 % of the table and eight times the median of what it changes by when it changes, in the
    time that passed: a table that grew while nobody looked grew no faster. A lone change is a jump when it is large.
    """
    changes = [(before, after) for before, after in pairwise(sizes) if after.total_bytes != before.total_bytes]
    usual = (
        median([abs(after.total_bytes - before.total_bytes) for before, after in changes]) if len(changes) > 2 else 0
    )
    found = [
        Step(_seen_before(before, after, readings), after.at, before, after)
        for before, after in changes
        if _is_jump(before.total_bytes, after.total_bytes, usual)
    ]
    largest = sorted(found, key=lambda step: -abs(step.change_bytes))[:MOST]
    return sorted(largest, key=lambda step: step.end, reverse=True)


def explained(found: Iterable[Step], changes: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Explained]:
    """Each step with the likeliest change near it: one that names the table, else the nearest before its end."""
    return [Explained(step, _cause(step, changes, names)) for step in found]


def _is_jump(before: int, after: int, usual: float) -> bool:
    change = abs(after - before)
    return change >= max(SMALLEST_BYTES, SMALLEST_SHARE * max(before, after), TIMES_USUAL * usual)


def _seen_before(before: SizeAt, after: SizeAt, readings: Sequence[datetime]) -> datetime:
    """The last time that the old size was seen: sizes are written when they change, readings with every look."""
    return max((at for at in readings if before.at <= at < after.at), default=before.at)


def _cause(step: Step, changes: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Mapping[str, Any] | None:
    near = [
        change
        for change in changes
        if change["kind"] in CAUSES and step.begin - BEFORE <= change["at"] <= step.end + AFTER
    ]
    return min(near, key=lambda change: _distance(change, step, names), default=None)


def _distance(change: Mapping[str, Any], step: Step, names: Sequence[str]) -> tuple[bool, int, float]:
    """A migration is the better explanation of the rewrite that it caused."""
    named = any(name in change["title"] for name in names)
    order = 0 if change["kind"] == "migration" else 1 if named else 2
    return change["kind"] != "migration" and not named, order, abs((change["at"] - step.end).total_seconds())
