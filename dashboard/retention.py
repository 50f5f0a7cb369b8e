"""History tables by day: partitions are made ahead and dropped by age, so that nothing has to be deleted row by row."""

import logging
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import OperationalError

from dashboard.security import sessions, throttle
from dashboard.store import db

log = logging.getLogger(__name__)

DAYS_AHEAD = 3
LOCK_WAIT = "3s"
Change = Callable[[Connection, Table, date], None]
_DAY = re.compile(r"_p(\d{8})\Z")


def keep_house(now: datetime, keep_d: int) -> int:
    """Make the next days' partitions, drop what is too old; how many came or went. Safe to run at any time."""
    changed = sum(_make_partitions(table, now) + _drop_old(table, now, keep_d) for table in partitioned())
    sessions.purge(now)
    throttle.purge(now)
    db.session.commit()
    return changed


def partitioned() -> list[Table]:
    """Every history table of the models."""
    return [
        table for table in db.metadata.sorted_tables if table.dialect_options["postgresql"]["partition_by"] is not None
    ]


def _make_partitions(table: Table, now: datetime) -> int:
    today, known = now.astimezone(UTC).date(), days_of(table)
    wanted = [today + timedelta(days=ahead) for ahead in range(DAYS_AHEAD + 1)]
    return sum(_locked(_make, table, day) for day in wanted if day not in known)


def _drop_old(table: Table, now: datetime, keep_d: int) -> int:
    oldest = now.astimezone(UTC).date() - timedelta(days=keep_d)
    dropped = sum(_locked(_drop, table, day) for day in days_of(table) if day < oldest)
    with db.engine.begin() as connection:
        old = f"delete from {table.name}_pdefault where slot < :oldest"  # noqa: S608 - the name is our own model's
        connection.execute(text(old), {"oldest": oldest})
    return dropped


def days_of(table: Table) -> set[date]:
    """Days that have a partition of their own."""
    question = """
        select c.relname
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where i.inhparent = to_regclass(:name)
    """
    with db.engine.connect() as connection:
        names = connection.scalars(text(question), {"name": table.name}).all()
    return {
        datetime.strptime(found[1], "%Y%m%d").replace(tzinfo=UTC).date()
        for name in names
        if (found := _DAY.search(name))
    }


def _locked(change: Change, table: Table, day: date) -> bool:
    """One change in a transaction of its own; whoever holds the table is not waited for, the next run tries again."""
    with db.engine.connect() as connection:
        try:
            with connection.begin():
                connection.execute(text(f"set local lock_timeout = '{LOCK_WAIT}'"))
                change(connection, table, day)
        except OperationalError:
            log.warning("partition %s of %s: the table is busy, the next run tries again", day, table.name)
            return False
    return True


def _make(connection: Connection, table: Table, day: date) -> None:
    """Rows of this day that are in the default partition already move along."""
    name, until = partition_of(table, day), day + timedelta(days=1)
    span = f"slot >= '{day} 00:00+00' and slot < '{until} 00:00+00'"
    connection.execute(text(f"create table {name} (like {table.name} including defaults including constraints)"))
    connection.execute(text(f"lock table {table.name}_pdefault in access exclusive mode"))
    moved = f"delete from {table.name}_pdefault where {span} returning *"  # noqa: S608 - the name is our own model's
    connection.execute(text(f"with moved as ({moved}) insert into {name} select * from moved"))  # noqa: S608
    connection.execute(
        text(
            f"alter table {table.name} attach partition {name} "
            f"for values from ('{day} 00:00+00') to ('{until} 00:00+00')"
        )
    )


def _drop(connection: Connection, table: Table, day: date) -> None:
    connection.execute(text(f"drop table {partition_of(table, day)}"))


def partition_of(table: Table, day: date) -> str:
    return f"{table.name}_p{day:%Y%m%d}"
