"""Statement families with seven days of history: what the pages of queries are measured on.

Readings of every minute. All families ran in each minute at the ends of the usual windows, in one of ten minutes around
them, and else in one of each hour; the sums are made of them by the collector's own code.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from bench.house import House
from dashboard.retention import keep_house
from dashboard.statements.bulk import sum_up
from dashboard.statements.rank import rank
from dashboard.store import db

MINUTE, TEN, HOUR, DAY = (timedelta(minutes=minutes) for minutes in (1, 10, 60, 1440))
KEPT = 7 * DAY
GIANT_EVERY = 50
FAMILIES = text("""
insert into statement_family (
    target_id, text_key, text, text_truncated, first_seen_at, last_seen_at, parsed_at
)
select
    :target_id, sha256(cast('family ' || n as bytea)),
    'select t.id, t.name, sum(o.amount) as paid from table_' || n || ' as t join orders as o on o.table_id = t.id '
        || 'where t.name = $1 and o.at > $2 and o.state in ($3) group by t.id, t.name order by paid desc limit $4 /* '
        || repeat(md5(cast(n as text)), case when n % :giant_every = 0 then 300 else 3 end) || ' */',
    n % :giant_every = 0, :since, :until, :until
from generate_series(1, :families) as n
""")
ENTRIES = text("""
insert into statement_entry (
    target_id, userid, toplevel, queryid, family_id, username, first_seen_at, changed_at, calls, total_ms, stddev_ms,
    rows, shared_hit, shared_read, temp_blocks, wal_bytes
)
select target_id, 10, true, id, id, 'shop', first_seen_at, last_seen_at, 100, 1000, 1, 100, 400, 10, 0, 0
from statement_family
where target_id = :target_id
""")
READINGS = text("""
insert into statement_reading (
    target_id, slot, since, is_complete, read_at, epoch, entries, hidden_entries, hidden_ms, hidden_total_ms
)
select :target_id, slot, slot - interval '1 minute', true, slot, 'system/1/', :families, 0, 0, 0
from generate_series(cast(:since as timestamptz), cast(:until as timestamptz), interval '1 minute') as slot
on conflict do nothing
""")
SAMPLES = text("""
insert into statement_sample (
    target_id, slot, family_id, calls, total_ms, squares_ms2, rows, shared_hit, shared_read, temp_blocks, wal_bytes,
    io_ms, max_ms, max_bound_ms
)
select
    :target_id, slot, id, calls, calls * mean_ms, calls * mean_ms * mean_ms * 1.5, calls * 3, calls * 40, calls % 7,
    0, calls % 3 * 100, mean_ms / 10, mean_ms * 4, mean_ms * 4
from unnest(cast(:slots as timestamptz[])) as slot
cross join lateral (
    select id, 1 + (id * 7 + extract(minute from slot)::int) % 90 as calls, 0.05 + (id * 31 % 997) / 10.0 as mean_ms
    from statement_family
    where target_id = :target_id
) as told
order by slot, id
""")


def add(house: House, families: int) -> None:
    """History that ends now."""
    until = datetime.now(UTC).replace(second=0, microsecond=0)
    since = until - KEPT - HOUR
    with house.app.app_context():
        for day in (since, since + 4 * DAY, until):
            keep_house(day, 90)
        told = {"target_id": house.target_id, "families": families, "since": since, "until": until}
        for statement in (FAMILIES, ENTRIES, READINGS):
            db.session.execute(statement, told | {"giant_every": GIANT_EVERY})
        slots = sorted(set(_slots(since, until)))
        db.session.execute(SAMPLES, {"target_id": house.target_id, "slots": slots})
        for slot in slots:
            if not slot.minute % 10:
                sum_up(house.target_id, slot - MINUTE, slot)
        rank(house.target_id)
        db.session.commit()
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("vacuum analyze"))


def _slots(since: datetime, until: datetime) -> Iterator[datetime]:
    """Every minute at both ends of the usual windows, one of ten minutes around them, one of each hour before."""
    for end in (until, until - HOUR, until - DAY, until - KEPT):
        yield from _each(end - TEN, min(until, end + TEN), MINUTE)
        yield from _each(_floor(end - 2 * HOUR, TEN), min(until, end + HOUR), TEN)
    yield from _each(_floor(since, HOUR), until, HOUR)


def _each(first: datetime, last: datetime, step: timedelta) -> Iterator[datetime]:
    while first <= last:
        yield first
        first += step


def _floor(at: datetime, step: timedelta) -> datetime:
    return at - (at - datetime(2000, 1, 1, tzinfo=UTC)) % step
