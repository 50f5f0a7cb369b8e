"""Questions about evaluations: when last, how many, of which kind, for whom, and what was asked for in vain."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from dashboard.flags.staleness import WINDOW, Ground
from dashboard.lists import ListPage, ListQuery
from dashboard.store import db

SPARK_HOURS = 24
USAGE_DAYS = 7
MOST_ROWS = 200
Where = tuple[int, str]
HOURS = """
select u.environment_id,
       u.flag_key,
       date_bin('1 hour', u.slot, timestamptz '2000-01-01 00:00+00') as hour,
       sum(u.count) as count
  from flag_usage u
 where u.environment_id = any(:environment_ids)
   and u.flag_key = any(:keys)
   and u.slot > :since
 group by u.environment_id, u.flag_key, hour
 order by u.environment_id, u.flag_key, hour
"""
KINDS = """
select e.slug as environment,
       u.variant,
       u.reason,
       coalesce(k.name, 'a deleted key') as key_name,
       cast(sum(u.count) as bigint) as count,
       cast(sum(u.bulk_count) as bigint) as bulk_count
  from flag_usage u
  join environment e on e.id = u.environment_id
  left join api_key k on k.id = u.api_key_id
 where u.flag_key = :key
   and u.environment_id = any(:environment_ids)
   and u.slot > :since
 group by e.position, e.slug, u.variant, u.reason, key_name
 order by e.position, e.slug, count desc, u.variant, u.reason, key_name
 limit :most
"""
GROUNDS = """
select e.id,
       (
           select n.first_at
             from flag_seen n
            where n.environment_id = e.id
            order by n.first_at
            limit 1
       ) as counted_since,
       (
           select max(d.seen_at)
             from flag_download d
            where d.environment_id = e.id
       ) as downloaded_at,
       asked.bulk_at,
       asked.browsers,
       asked.others
  from environment e
 cross join lateral (
           select max(b.seen_at) as bulk_at,
                  array_agg(k.name order by k.name) filter (where b.seen_at > :begin and k.browser) as browsers,
                  array_agg(k.name order by k.name) filter (where b.seen_at > :begin and not k.browser) as others
             from flag_bulk b
             left join api_key k on k.id = b.api_key_id
            where b.environment_id = e.id
       ) asked
 order by e.position, e.name
"""
UNKNOWN = """
select e.slug as environment,
       u.flag_key as key,
       u.count,
       u.first_at,
       u.seen_at,
       coalesce(k.name, 'a deleted key') as key_name,
       case
           when f.id is null then 'missing'
           when f.archived_at is not null then 'archived'
           else 'elsewhere'
       end as state
  from unknown_flag u
  join environment e on e.id = u.environment_id
  left join api_key k on k.id = u.api_key_id
  left join flag f on f.key = u.flag_key
  left join flag_setting s on s.flag_id = f.id and s.environment_id = u.environment_id
 where s.id is null
    or f.archived_at is not null
 order by u.seen_at desc, e.slug, u.flag_key
"""


@dataclass(frozen=True)
class Kind:
    """Evaluations of one outcome by one key; `bulk_count` of them came in answers about all flags."""

    environment: str
    variant: str
    reason: str
    key_name: str
    count: int
    bulk_count: int


@dataclass(frozen=True)
class Unknown:
    """`state`: missing everywhere, archived, or set in other environments only."""

    environment: str
    key: str
    count: int
    first_at: datetime
    seen_at: datetime
    key_name: str
    state: str

    def json(self) -> dict[str, Any]:
        return asdict(self)

    csv = json


@dataclass(frozen=True)
class FlagUse:
    """What the page of a flag shows of its last days."""

    hours: dict[Where, list[tuple[datetime, float | None]]]
    kinds: list[Kind]
    days: int = USAGE_DAYS


def sparkline(
    environment_ids: Sequence[int], keys: Sequence[str], now: datetime
) -> dict[Where, list[tuple[datetime, float | None]]]:
    """(environment id, flag key) → evaluations in each of the last 24 hours, 0 in an hour without any."""
    hours = last_hours(now)
    given = {
        "environment_ids": list(environment_ids),
        "keys": list(keys),
        "since": hours[0] - timedelta(microseconds=1),
    }
    counts: dict[Where, dict[datetime, float]] = {}
    for environment_id, key, hour, count in db.session.execute(text(HOURS), given):
        counts.setdefault((environment_id, key), {})[hour] = float(count)
    return {where: [(hour, found.get(hour, 0.0)) for hour in hours] for where, found in counts.items()}


def last_hours(now: datetime) -> list[datetime]:
    last = now.replace(minute=0, second=0, microsecond=0)
    return [last - timedelta(hours=back) for back in reversed(range(SPARK_HOURS))]


def grounds(now: datetime) -> dict[int, Ground]:
    """Environment id → since when it is counted, and who has all of its flags, in bulk or downloaded."""
    rows = db.session.execute(text(GROUNDS), {"begin": now - WINDOW})
    return {
        number: Ground(counted_since, downloaded_at, bulk_at, tuple(browsers or ()), tuple(others or ()))
        for number, counted_since, downloaded_at, bulk_at, browsers, others in rows
    }


def use_of(key: str, environment_ids: Sequence[int], now: datetime) -> FlagUse:
    given = {"key": key, "environment_ids": list(environment_ids), "since": now - timedelta(days=USAGE_DAYS)}
    rows = db.session.execute(text(KINDS), given | {"most": MOST_ROWS})
    return FlagUse(sparkline(environment_ids, [key], now), [Kind(**row) for row in rows.mappings()])


def unknown_flags(query: ListQuery) -> ListPage[Unknown]:
    """Keys that were asked for where they are not set; what was set since is left out. A flush bounds how many."""
    rows = [Unknown(**row) for row in db.session.execute(text(UNKNOWN)).mappings()]
    fitting = [row for row in rows if query.q.lower() in row.key.lower()]
    fitting.sort(key=lambda row: getattr(row, query.sort), reverse=query.descending)
    shown = fitting[query.offset : query.offset + query.limit]
    return ListPage(shown, len(fitting), query, max((row.seen_at for row in rows), default=None))
