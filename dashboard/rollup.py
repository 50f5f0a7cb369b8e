"""Minutes that are old become hours in place: the same tables with fewer rows, so that every reader goes on unchanged.

Each table is rolled up a day at a time in a transaction of its own (statements and their readings share one): the
hours are made beside the partition, then take its place, so that the space of the minutes is free at once. A row of
an hour carries the slot of the last row that went into it. Nothing remembers what is done: a day is due while two
of its rows would become one.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from time import monotonic

from flask import current_app
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from dashboard.retention import days_of, partition_of
from dashboard.store import db

log = logging.getLogger(__name__)

BUDGET_S = 60.0
LOCK_WAIT = "500ms"  # shorter than deadlock_timeout: whoever reads these days never loses against us
HOUR = "date_bin('1 hour', slot, timestamptz '2000-01-01 00:00+00')"
GOES_ON = f"""coalesce(
    is_complete
    and lag(is_complete) over earlier
    and since = lag(slot) over earlier
    and {HOUR} = lag({HOUR}) over earlier,
    false
)"""
RUNS = f"""
create temp table rolled_run on commit drop as
select target_id, slot, max(slot) over (partition by target_id, run) as last
from (
    select target_id, slot, count(*) filter (where not goes_on) over (partition by target_id order by slot) as run
    from (
        select target_id, slot, {GOES_ON} as goes_on
        from {{statement_reading}}
        window earlier as (partition by target_id order by slot)
    ) as told
) as counted
"""  # noqa: S608 - the parts are our own
READINGS = """
select
    target_id, slot, told.since, is_complete, reason, read_at, epoch, started_at, stats_reset_at, evictions, own_role,
    told.entries, told.hidden_entries, told.hidden_ms, hidden_total_ms, told.readings
from {statement_reading}
join (
    select
        target_id, last as slot, min(since) as since, max(entries) as entries, max(hidden_entries) as hidden_entries,
        sum(hidden_ms) as hidden_ms, sum(readings) as readings
    from {statement_reading}
    join rolled_run using (target_id, slot)
    group by target_id, last
) as told using (target_id, slot)
"""
STATEMENTS = """
select
    target_id, coalesce(last, slot) as slot, family_id, sum(calls) as calls, sum(total_ms) as total_ms,
    sum(squares_ms2) as squares_ms2, sum(rows) as rows, sum(shared_hit) as shared_hit,
    sum(shared_read) as shared_read, sum(temp_blocks) as temp_blocks, sum(wal_bytes) as wal_bytes,
    case when bool_and(io_ms is not null) then sum(io_ms) end as io_ms
from {statement_sample}
left join rolled_run using (target_id, slot)
group by target_id, coalesce(last, slot), family_id
"""
ACTIVITY = f"""
select
    target_id, max(slot) as slot, max(active) as active, max(idle) as idle,
    max(idle_in_transaction) as idle_in_transaction, max(waiting) as waiting, max(blocked) as blocked,
    max(longest_transaction_ms) as longest_transaction_ms, max(hidden) as hidden, (
        select coalesce(jsonb_object_agg(most.application, most.sessions), '{{{{}}}}')
        from (
            select one.key as application, max(cast(one.value as bigint)) as sessions
            from unnest(array_agg(by_application)) as minute(applications)
            cross join jsonb_each(minute.applications) as one
            group by one.key
        ) as most
    ) as by_application
from {{activity_sample}}
group by target_id, {HOUR}
"""  # noqa: S608 - the parts are our own
DATABASES = f"""
select distinct on (target_id, {HOUR}) *
from {{database_sample}}
order by target_id, {HOUR}, slot desc
"""  # noqa: S608 - the parts are our own
TABLES = f"""
select distinct on (target_id, oid, {HOUR}) *
from {{table_sample}}
order by target_id, oid, {HOUR}, slot desc
"""  # noqa: S608 - the parts are our own
COSTS = f"""
select
    target_id, max(slot) as slot, cadence, sum(duration_ms) as duration_ms, sum(target_ms) as target_ms,
    sum(statements) as statements, sum(rows) as rows
from {{collector_cost}}
group by target_id, cadence, {HOUR}
"""  # noqa: S608 - the parts are our own


@dataclass(frozen=True)
class Rollup:
    """Tables whose days change together; `double` asks the first one which old rows are not the only one of an hour.

    `hours` has for each table what its day shall hold; braces name the day's partitions. `before` is run first.
    """

    double: str
    hours: Mapping[str, str]
    before: str = ""


def _same_hour(table: str, keys: str = "target_id") -> str:
    """Rows whose key has an earlier row in the same hour."""
    earlier = f"lag({HOUR}) over (partition by {keys} order by slot)"
    return f"select slot, {HOUR} = {earlier} as is_double from {table} where slot < :before"  # noqa: S608 - our own


ROLLUPS = (
    Rollup(_same_hour("collector_cost", "target_id, cadence"), {"collector_cost": COSTS}),
    Rollup(_same_hour("activity_sample"), {"activity_sample": ACTIVITY}),
    Rollup(_same_hour("database_sample"), {"database_sample": DATABASES}),
    Rollup(_same_hour("table_sample", "target_id, oid"), {"table_sample": TABLES}),
    Rollup(
        f"select slot, {GOES_ON} as is_double from statement_reading where slot < :before "  # noqa: S608 - our own
        "window earlier as (partition by target_id order by slot)",
        {"statement_reading": READINGS, "statement_sample": STATEMENTS},
        before=RUNS,
    ),
)


def minutes_kept() -> timedelta:
    """A window that reaches further back may hold hours where others have minutes."""
    return timedelta(days=current_app.extensions["pilothouse_settings"].keep_minutes_d)


def roll_up(
    now: datetime, keep_d: int, *, budget_s: float = BUDGET_S, is_stopping: Callable[[], bool] = lambda: False
) -> int:
    """Roll up the days before the last `keep_d`, oldest first; how many changed. What the budget leaves is due again.

    Safe to run at any time, by two workers too: the second one finds the day locked, or done.
    """
    before, until, changed = now.astimezone(UTC).date() - timedelta(days=keep_d), monotonic() + budget_s, 0
    for rollup in ROLLUPS:
        for day in _due(rollup, before):
            if monotonic() >= until or is_stopping():
                log.info("roll-up: %d days done, the rest waits for the next run", changed)
                return changed
            changed += _roll_up_day(rollup, day)
    return changed


def _due(rollup: Rollup, before: date) -> list[date]:
    """Days that have a partition of their own and minutes in it."""
    tables = [db.metadata.tables[name] for name in rollup.hours]
    asked = f"""
        select distinct cast(slot at time zone 'UTC' as date) as day
        from ({rollup.double}) as told
        where is_double
        order by day
    """  # noqa: S608 - the parts are our own
    with db.engine.connect() as connection:
        found = connection.scalars(text(asked), {"before": datetime(*before.timetuple()[:3], tzinfo=UTC)}).all()
    has_partitions = set.intersection(*(days_of(table) for table in tables))
    return [day for day in found if day in has_partitions]


def _roll_up_day(rollup: Rollup, day: date) -> bool:
    parts = {name: partition_of(db.metadata.tables[name], day) for name in rollup.hours}
    with db.engine.connect() as connection:
        try:
            with connection.begin():
                connection.execute(text(f"set local lock_timeout = '{LOCK_WAIT}'"))
                connection.execute(text(f"lock table {', '.join(parts.values())} in share row exclusive mode"))
                return _replace(connection, rollup, parts)
        except OperationalError as error:
            log.warning("roll-up of %s in %s waits for the next run: %s", day, ", ".join(parts), error.orig)
            return False


def _replace(connection: Connection, rollup: Rollup, parts: Mapping[str, str]) -> bool:
    """Others may read until the very end; then the partitions are theirs again in the time it takes to write hours."""
    if rollup.before:
        connection.execute(text(rollup.before.format(**parts)))
    for name, hours in rollup.hours.items():
        connection.execute(text(f"create temp table rolled_{name} on commit drop as {hours.format(**parts)}"))
    first = next(iter(parts))
    if not _shrinks(connection, parts[first], f"rolled_{first}"):
        return False
    connection.execute(text(f"truncate {', '.join(parts.values())}"))
    for name, part in parts.items():
        columns = ", ".join(db.metadata.tables[name].columns.keys())
        copied = f"insert into {part} ({columns}) select {columns} from rolled_{name}"  # noqa: S608 - our own names
        connection.execute(text(copied))
    return True


def _shrinks(connection: Connection, part: str, rolled: str) -> bool:
    asked = f"select (select count(*) from {rolled}) < (select count(*) from {part})"  # noqa: S608 - our own names
    return bool(connection.scalar(text(asked)))
