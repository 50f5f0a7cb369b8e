"""Questions to the history of sizes: lines of a list, charts of a table and of its indexes, days of a forecast."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text

from dashboard.paging import kept
from dashboard.store import db
from dashboard.tables.forecast import MOST_DAYS, Day, filled
from dashboard.tables.growth import LOOKBACK
from dashboard.tables.models import TableState
from dashboard.tables.rows import SizeAt

Point = tuple[datetime, float | None]
Parts = dict[str, list[Day]]
SPARKLINE_SPAN = timedelta(days=7)
INDEX_SPAN = timedelta(days=30)
SPARKLINE_POINTS = 28
LATE = timedelta(minutes=15)
CHART_POINTS = 400
TOTAL = "s.heap_bytes + s.toast_bytes + s.index_bytes"
LINES = """
select
    wanted.oid,
    array_agg(held.bytes order by step.at) as sizes,
    (array_agg(held.slot order by step.at))[1] as first_slot
from {state} wanted
cross join generate_series(cast(:since as timestamptz), :now, cast(:step as interval)) as step(at)
left join lateral (
    select {bytes} as bytes, s.slot
    from {table} s
    where
        s.target_id = :target_id
        and s.oid = wanted.oid
        and s.slot <= step.at
        and s.slot >= wanted.first_seen_at
        and s.slot > step.at - case when step.at = :since then cast(:lookback as interval) else :step end
    order by s.slot desc
    limit 1
) as held
    on true
where
    wanted.target_id = :target_id
    and wanted.oid = any(cast(:oids as bigint[]))
group by wanted.oid
order by wanted.oid
"""
SIZES = """
(
    select slot, heap_bytes, toast_bytes, index_bytes
    from table_sample
    where
        target_id = :target_id
        and oid = :oid
        and slot <= :since
        and slot > :oldest
    order by slot desc
    limit 1
)
union all
(
    select distinct on (date_bin(:step, slot, :since)) slot, heap_bytes, toast_bytes, index_bytes
    from table_sample
    where
        target_id = :target_id
        and oid = :oid
        and slot > :since
        and slot <= :until
    order by date_bin(:step, slot, :since), slot desc
)
order by slot
"""
DAYS_OF_TABLES = """
select distinct on (s.oid, day)
    s.oid, cast(s.slot at time zone 'UTC' as date) as day, s.relfilenode, s.heap_bytes, s.toast_bytes
from table_state t
join table_sample s
    on s.target_id = t.target_id
    and s.oid = t.oid
    and s.slot >= t.first_seen_at
where
    t.target_id = :target_id
    and t.oid = any(cast(:oids as bigint[]))
    and s.slot > :oldest
order by s.oid, day, s.slot desc
"""
DAYS_OF_INDEXES = """
select distinct on (s.oid, day)
    i.table_oid as oid, i.name, cast(s.slot at time zone 'UTC' as date) as day, s.relfilenode, s.size_bytes
from index_state i
join index_sample s
    on s.target_id = i.target_id
    and s.oid = i.oid
    and s.slot >= i.first_seen_at
where
    i.target_id = :target_id
    and i.table_oid = any(cast(:oids as bigint[]))
    and s.slot > :oldest
order by s.oid, day, s.slot desc
"""


def sparklines(
    target_id: int, oids: Sequence[int], now: datetime, as_of: datetime | None = None
) -> dict[int, list[Point]]:
    """Total bytes over a week in steps of six hours, for the tables of one page in one question.

    They end with the last collection, and are the same until the next one, while collections come.
    """
    is_new = as_of is not None and timedelta(0) <= now - as_of < LATE
    asked = LINES.format(state="table_state", table="table_sample", bytes=TOTAL)
    return kept(
        (target_id, "lines", as_of if is_new else None, *oids),
        lambda: _lines(asked, target_id, oids, as_of if as_of and is_new else now, SPARKLINE_SPAN),
    )


def index_sparklines(target_id: int, oids: Sequence[int], now: datetime) -> dict[int, list[Point]]:
    """Bytes of each index over a month."""
    asked = LINES.format(state="index_state", table="index_sample", bytes="s.size_bytes")
    return _lines(asked, target_id, oids, now, INDEX_SPAN)


def _lines(sql: str, target_id: int, oids: Sequence[int], now: datetime, span: timedelta) -> dict[int, list[Point]]:
    since, step = now - span, span / SPARKLINE_POINTS
    given = {"target_id": target_id, "oids": list(oids), "since": since, "now": now}
    rows = db.session.execute(text(sql), {**given, "step": step, "lookback": LOOKBACK})
    lines: dict[int, list[Point]] = {oid: [] for oid in oids}
    for oid, sizes, first_slot in rows:
        lines[oid] = _carried([(since + number * step, size) for number, size in enumerate(sizes)], first_slot)
    return lines


def _carried(found: list[Point], first_slot: datetime | None) -> list[Point]:
    """Between its samples a size holds; that of `first_slot`, before the line, only as long as none need be written."""
    line: list[Point] = []
    held, until = None, first_slot + LOOKBACK if first_slot else None
    for number, (at, size_bytes) in enumerate(found):
        if size_bytes is not None:
            held, until = size_bytes, until if number == 0 else None
        elif until and at >= until:
            held = None
        line.append((at, held))
    return line


def sizes_over(table: TableState, since: datetime, until: datetime) -> list[SizeAt]:
    """Sizes for a chart, the last of each of up to 400 steps, oldest first; it begins with what held at `since`."""
    given = {"target_id": table.target_id, "oid": table.oid, "since": since, "until": until}
    oldest = max(since - LOOKBACK, table.first_seen_at - timedelta(seconds=1))
    rows = db.session.execute(text(SIZES), {**given, "oldest": oldest, "step": (until - since) / CHART_POINTS})
    found = [SizeAt(*row) for row in rows if row[0] >= oldest]
    return found or _only(table, until)


def _only(table: TableState, until: datetime) -> list[SizeAt]:
    """Nothing is written down yet of what was found once: its current size holds since then."""
    at, sizes = table.resized_at, (table.heap_bytes, table.toast_bytes, table.index_bytes)
    if at is None or at != table.first_seen_at or at > until or None in sizes:
        return []
    return [SizeAt(at, *sizes)]  # type: ignore[arg-type]


def readings_over(target_id: int, since: datetime, until: datetime) -> list[datetime]:
    """When all tables were looked at, oldest first."""
    asked = """
        select slot
        from table_reading
        where
            target_id = :target_id
            and slot between :since and :until
        order by slot
    """
    return list(db.session.scalars(text(asked), {"target_id": target_id, "since": since, "until": until}))


def days_of(target_id: int, oids: Sequence[int], now: datetime) -> dict[int, Parts]:
    """For each table the last size of each day: of its heap, its TOAST and every index, by name."""
    oldest = now - timedelta(days=MOST_DAYS) - LOOKBACK
    given, seen = {"target_id": target_id, "oids": list(oids), "oldest": oldest}, days_read(target_id, oldest)
    found: dict[int, Parts] = {oid: defaultdict(list) for oid in oids}
    for row in db.session.execute(text(DAYS_OF_TABLES), given):
        found[row.oid]["heap"].append(Day(row.day, row.heap_bytes, row.relfilenode))
        found[row.oid]["TOAST"].append(Day(row.day, row.toast_bytes, row.relfilenode))
    for row in db.session.execute(text(DAYS_OF_INDEXES), given):
        found[row.oid][f"index {row.name}"].append(Day(row.day, row.size_bytes, row.relfilenode))
    return {oid: _filled(parts, now, seen) for oid, parts in found.items()}


def days_read(target_id: int, oldest: datetime) -> frozenset[date]:
    """The days on which all tables were looked at."""
    asked = """
        select distinct cast(slot at time zone 'UTC' as date) as day
        from table_reading
        where
            target_id = :target_id
            and slot > :oldest
    """
    return frozenset(db.session.scalars(text(asked), {"target_id": target_id, "oldest": oldest}))


def _filled(parts: Parts, now: datetime, seen: frozenset[date]) -> dict[str, Any]:
    return {name: filled(days, now.date(), seen) for name, days in parts.items()}
