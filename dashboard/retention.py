"""History tables by day: partitions are made ahead, merged by month, dropped by age; nothing is deleted row by row.

A partition's comment says what its rows are: "hours" or "days" once it was rolled up, none while it holds minutes.
"""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import DBAPIError

from dashboard.security import sessions, throttle
from dashboard.store import db

log = logging.getLogger(__name__)

DAYS_AHEAD = 3
LOCK_WAIT = "500ms"  # others queue behind us while we wait
BUSY = {"55P03", "40P01", "42P01", "42P07"}  # locked by others, or already done by another worker
PARTITIONS = """
select
    c.relname as name,
    coalesce(obj_description(c.oid, 'pg_class'), 'minutes') as grain
from pg_inherits i
join pg_class c
    on c.oid = i.inhrelid
where i.inhparent = to_regclass(:name)
order by c.relname
"""
_SPAN = re.compile(r"_(?:p(\d{8})|m(\d{6}))\Z")


@dataclass(frozen=True)
class Partition:
    """The rows of [first, until): a day, or a month of days."""

    name: str
    first: date
    until: date
    grain: str

    @property
    def is_day(self) -> bool:
        return self.until - self.first == timedelta(days=1)


def keep_house(now: datetime, keep_d: int) -> int:
    """Make the next days' partitions, drop what is too old; how many came or went. Safe to run at any time."""
    changed = sum(_make_partitions(table, now) + _drop_old(table, now, keep_d) for table in partitioned())
    sessions.purge(now)
    throttle.purge(now)
    db.session.commit()
    return changed


def merge_months(now: datetime, keep_hours_d: int) -> int:
    """Make one partition of every month whose days are rolled up to days; how many. Safe to run at any time."""
    before, merged = _date(now) - timedelta(days=keep_hours_d), 0
    for table in partitioned():
        days = [part for part in partitions_of(table) if part.is_day]
        for month, found in groupby(days, key=lambda part: part.first.replace(day=1)):
            parts = list(found)
            if _next_month(month) <= before and all(part.grain == "days" for part in parts):
                merged += _locked(_merge, table, month, parts)
    return merged


def partitioned() -> list[Table]:
    """Every history table of the models."""
    return [
        table for table in db.metadata.sorted_tables if table.dialect_options["postgresql"]["partition_by"] is not None
    ]


def partitions_of(table: Table) -> list[Partition]:
    """The partitions of a day or a month, oldest first."""
    with db.engine.connect() as connection:
        rows = connection.execute(text(PARTITIONS), {"name": table.name}).all()
    found = [_partition(name, grain, span) for name, grain in rows if (span := _SPAN.search(name))]
    return sorted(found, key=lambda part: part.first)


def _partition(name: str, grain: str, span: re.Match[str]) -> Partition:
    first = datetime.strptime(span[1] or f"{span[2]}01", "%Y%m%d").replace(tzinfo=UTC).date()
    return Partition(name, first, first + timedelta(days=1) if span[1] else _next_month(first), grain)


def _make_partitions(table: Table, now: datetime) -> int:
    """The next days, and past days whose rows found none."""
    today, known = _date(now), {part.first for part in partitions_of(table)}
    wanted = {today + timedelta(days=ahead) for ahead in range(DAYS_AHEAD + 1)} | _homeless(table, today)
    return sum(_locked(_make, table, day) for day in sorted(wanted - known))


def _homeless(table: Table, today: date) -> set[date]:
    asked = f"""
        select distinct cast(slot at time zone 'UTC' as date) as day
        from {table.name}_pdefault
        where slot < :today
        order by day
    """  # noqa: S608 - the name is our own model's
    with db.engine.connect() as connection:
        return set(connection.scalars(text(asked), {"today": datetime(*today.timetuple()[:3], tzinfo=UTC)}))


def _drop_old(table: Table, now: datetime, keep_d: int) -> int:
    oldest = _date(now) - timedelta(days=keep_d)
    dropped = sum(_locked(_drop, table, part) for part in partitions_of(table) if part.until <= oldest)
    with db.engine.begin() as connection:
        old = f"delete from {table.name}_pdefault where slot < :oldest"  # noqa: S608 - the name is our own model's
        connection.execute(text(old), {"oldest": oldest})
    return dropped


def _locked(change: Callable[..., None], table: Table, *given: object) -> bool:
    """One change in a transaction of its own; whoever holds the table is not waited for, the next run tries again."""
    with db.engine.connect() as connection:
        try:
            with connection.begin():
                connection.execute(text(f"set local lock_timeout = '{LOCK_WAIT}'"))
                change(connection, table, *given)
        except DBAPIError as error:
            if not is_busy(error):
                raise
            log.warning("a partition of %s waits for the next run: %s", table.name, error.orig)
            return False
    return True


def is_busy(error: DBAPIError) -> bool:
    """Whether the next run may succeed where this one did not."""
    return getattr(error.orig, "sqlstate", None) in BUSY


def _make(connection: Connection, table: Table, day: date) -> None:
    """Rows of this day that are in the default partition already move along."""
    name = f"{table.name}_p{day:%Y%m%d}"
    connection.execute(text(f"create table {name} (like {table.name} including defaults including constraints)"))
    _attach(connection, table, name, day, day + timedelta(days=1))


def _merge(connection: Connection, table: Table, month: date, parts: list[Partition]) -> None:
    """The days may be read until the month takes their place."""
    name, columns = f"{table.name}_m{month:%Y%m}", ", ".join(table.columns.keys())
    connection.execute(text(f"lock table {', '.join(part.name for part in parts)} in share row exclusive mode"))
    connection.execute(text(f"create table {name} (like {table.name} including all)"))
    connection.execute(text(f"comment on table {name} is 'days'"))
    for part in parts:
        copied = f"insert into {name} ({columns}) select {columns} from {part.name}"  # noqa: S608 - our own names
        connection.execute(text(copied))
    connection.execute(text(f"drop table {', '.join(part.name for part in parts)}"))
    _attach(connection, table, name, month, _next_month(month))


def _attach(connection: Connection, table: Table, name: str, first: date, until: date) -> None:
    columns = ", ".join(table.columns.keys())
    span = f"slot >= '{first} 00:00+00' and slot < '{until} 00:00+00'"
    connection.execute(text(f"lock table {table.name}_pdefault in access exclusive mode"))
    moved = f"delete from {table.name}_pdefault where {span} returning {columns}"  # noqa: S608 - our own names
    connection.execute(
        text(f"with moved as ({moved}) insert into {name} ({columns}) select {columns} from moved")  # noqa: S608
    )
    bounds = f"for values from ('{first} 00:00+00') to ('{until} 00:00+00')"
    connection.execute(text(f"alter table {table.name} attach partition {name} {bounds}"))


def _drop(connection: Connection, _table: Table, part: Partition) -> None:
    connection.execute(text(f"drop table {part.name}"))


def _next_month(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _date(now: datetime) -> date:
    return now.astimezone(UTC).date()
