"""Questions to the history of sizes: lines of a list, charts of a table and of its indexes."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import distinct_on

from dashboard.store import db
from dashboard.tables.growth import LOOKBACK
from dashboard.tables.models import TableSample, TableState
from dashboard.tables.rows import SizeAt

Point = tuple[datetime, float | None]
SPARKLINE_SPAN = timedelta(days=7)
SPARKLINE_STEP = timedelta(hours=6)
CHART_POINTS = 400


def sparklines(target_id: int, oids: Sequence[int], now: datetime) -> dict[int, list[Point]]:
    """Total bytes over a week in steps of six hours, for the tables of one page in one question."""
    rows = db.session.execute(
        text("""
            select
                wanted.oid,
                step.at,
                held.total_bytes
            from unnest(cast(:oids as bigint[])) as wanted(oid)
            cross join generate_series(cast(:since as timestamptz), :now, cast(:step as interval)) as step(at)
            left join lateral (
                select s.heap_bytes + s.toast_bytes + s.index_bytes as total_bytes
                from table_sample s
                where
                    s.target_id = :target_id
                    and s.oid = wanted.oid
                    and s.slot <= step.at
                    and s.slot > step.at - cast(:lookback as interval)
                order by s.slot desc
                limit 1
            ) as held
                on true
            order by wanted.oid, step.at
        """),
        {
            "oids": list(oids), "target_id": target_id, "since": now - SPARKLINE_SPAN, "now": now,
            "step": SPARKLINE_STEP, "lookback": LOOKBACK,
        },
    )  # fmt: skip
    lines: dict[int, list[Point]] = {oid: [] for oid in oids}
    for oid, at, total_bytes in rows:
        lines[oid].append((at, total_bytes))
    return lines


def sizes_over(table: TableState, since: datetime, until: datetime) -> list[SizeAt]:
    """Sizes for a chart, the last of each of up to 400 steps, oldest first; it begins with what held at `since`."""
    step = func.date_bin((until - since) / CHART_POINTS, TableSample.slot, since)
    found = (
        select(TableSample.slot, TableSample.heap_bytes, TableSample.toast_bytes, TableSample.index_bytes)
        .ext(distinct_on(step))
        .where(
            TableSample.target_id == table.target_id,
            TableSample.oid == table.oid,
            TableSample.slot > since - LOOKBACK,
            TableSample.slot <= until,
        )
        .order_by(step, TableSample.slot.desc())
    )
    return [SizeAt(*row) for row in db.session.execute(found)]
