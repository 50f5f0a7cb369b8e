"""Minutes that are old become hours and hours become days, in place: the same tables with fewer rows.

A feature says in its own `rollups.py` what a partition of its history shall hold, as a tuple ROLLUPS; jobs.py lists
them. `Rollup({"x_sample": SQL})` is all it takes: the SQL selects every column of the table from `{x_sample}` (the
partition), grouped by `{bucket}` (the hour or the day of `slot`), and gives each group the slot of its last row, so
that every reader goes on unchanged. It must be true for both steps: what it makes of hours is what it would make of
their minutes. Braces of its own are doubled.

A partition (with those of the same day of tables that belong together) is rolled up in a transaction of its own: new
rows are made beside it, then take its place, so that the space is free at once; its comment then says what it holds.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic

from flask import current_app
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from dashboard.retention import Partition, is_busy, partitions_of
from dashboard.store import db

log = logging.getLogger(__name__)

BUDGET_S = 60.0
LOCK_WAIT = "500ms"  # shorter than deadlock_timeout: whoever reads these days never loses against us
GRAINS = {
    "minutes": "slot",
    "hours": "date_bin('1 hour', slot, timestamptz '2000-01-01 00:00+00')",
    "days": "date_bin('1 day', slot, timestamptz '2000-01-01 00:00+00')",
}
COARSER = tuple(GRAINS)


@dataclass(frozen=True)
class Rollup:
    """What the partitions of tables that change together shall hold; `before` is run first."""

    rows: Mapping[str, str]
    before: str = ""


def minutes_kept() -> timedelta:
    """A window that reaches further back may hold hours where others have minutes."""
    return timedelta(days=current_app.extensions["pilothouse_settings"].keep_minutes_d)


def hours_kept() -> timedelta:
    """What is older may be days; no window of a list reaches further back."""
    return timedelta(days=current_app.extensions["pilothouse_settings"].keep_hours_d)


def roll_up(
    now: datetime,
    rollups: Iterable[Rollup],
    *,
    minutes_d: int,
    hours_d: int,
    budget_s: float = BUDGET_S,
    is_stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Roll up what is older than the last `minutes_d` and `hours_d` days, oldest first; how many days shrank.

    Safe to run at any time, by two workers too: the second one finds the day locked, or done. What the budget
    leaves is due again.
    """
    today, until, changed = now.astimezone(UTC).date(), monotonic() + budget_s, 0
    before = {"days": today - timedelta(days=hours_d), "hours": today - timedelta(days=minutes_d)}
    for rollup in rollups:
        for parts in _together(rollup):
            first = next(iter(parts.values()))
            grain = next((grain for grain, oldest in before.items() if first.until <= oldest), "minutes")
            if COARSER.index(grain) <= COARSER.index(first.grain):
                continue
            if monotonic() >= until or is_stopping():
                log.info("roll-up: %d days done, the rest waits for the next run", changed)
                return changed
            changed += _roll_up(rollup, parts, grain)
    return changed


def _together(rollup: Rollup) -> Iterator[dict[str, Partition]]:
    """For each day that all tables have a partition of: the partition by table."""
    found = {name: {part.first: part for part in partitions_of(db.metadata.tables[name])} for name in rollup.rows}
    for first in sorted(set.intersection(*(set(parts) for parts in found.values()))):
        yield {name: parts[first] for name, parts in found.items()}


def _roll_up(rollup: Rollup, parts: Mapping[str, Partition], grain: str) -> bool:
    names = {table: part.name for table, part in parts.items()}
    with db.engine.connect() as connection:
        try:
            with connection.begin():
                connection.execute(text(f"set local lock_timeout = '{LOCK_WAIT}'"))
                connection.execute(text(f"lock table {', '.join(names.values())} in share row exclusive mode"))
                return _replace(connection, rollup, names, grain)
        except DBAPIError as error:
            if not is_busy(error):
                raise
            log.warning("roll-up of %s waits for the next run: %s", ", ".join(names.values()), error.orig)
            return False


def _replace(connection: Connection, rollup: Rollup, names: Mapping[str, str], grain: str) -> bool:
    """Others may read until the very end, and again in the time that it takes to write few rows."""
    if _is_done(connection, names, grain):
        return False
    given = {**names, "bucket": GRAINS[grain]}
    if rollup.before:
        connection.execute(text(rollup.before.format(**given)))
    for table, rows in rollup.rows.items():
        connection.execute(text(f"create temp table rolled_{table} on commit drop as {rows.format(**given)}"))
    for name in names.values():
        connection.execute(text(f"comment on table {name} is '{grain}'"))
    if not any(_shrinks(connection, name, f"rolled_{table}") for table, name in names.items()):
        return False
    connection.execute(text(f"truncate {', '.join(names.values())}"))
    for table, name in names.items():
        columns = ", ".join(db.metadata.tables[table].columns.keys())
        copied = f"insert into {name} ({columns}) select {columns} from rolled_{table}"  # noqa: S608 - our own names
        connection.execute(text(copied))
    return True


def _is_done(connection: Connection, names: Mapping[str, str], grain: str) -> bool:
    """Another worker was faster."""
    asked = text("select obj_description(cast(:name as regclass), 'pg_class')")
    return bool(connection.scalar(asked, {"name": next(iter(names.values()))}) == grain)


def _shrinks(connection: Connection, name: str, rolled: str) -> bool:
    asked = f"select (select count(*) from {rolled}) < (select count(*) from {name})"  # noqa: S608 - our own names
    return bool(connection.scalar(text(asked)))
