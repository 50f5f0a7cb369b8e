"""Questions about sequences to the store."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Select, any_, func, literal, select, text

from dashboard.lists import ListPage, ListQuery
from dashboard.store import db
from dashboard.tables.history_queries import days_read
from dashboard.tables.queries import another_until
from dashboard.targets.queries import probe_state
from dashboard.vacuum.models import SequenceSample, SequenceState

LOOKBACK = timedelta(days=60)
OIDS = ARRAY(BigInteger())


@dataclass(frozen=True)
class SequenceRow:
    """A line of the list. The column is the narrowest that holds its numbers; the dates bound when they run out."""

    schema: str
    name: str
    data_type: str
    increment: int
    min_value: int
    max_value: int
    is_cyclic: bool
    last_value: int | None
    note: str | None
    column_schema: str | None
    column_table: str | None
    column_name: str | None
    column_type: str | None
    is_reference: bool
    limit_value: int
    used_share: float | None
    ids_per_day: float | None
    exhausted_from: datetime | None
    exhausted_until: datetime | None
    forecast_note: str | None


SORTS = tuple(field.name for field in fields(SequenceRow))
STATES = {
    "half_used": SequenceState.used_share >= 0.5,
    "unknown": SequenceState.last_value.is_(None),
    "cyclic": SequenceState.is_cyclic.is_(True),
    "dated": SequenceState.exhausted_from.is_not(None),
}


def sequence_page(target_id: int, query: ListQuery) -> ListPage[SequenceRow]:
    """The sequences that fit search and filters."""
    columns = [getattr(SequenceState, name) for name in SORTS]
    found = _filtered(select(*columns).where(SequenceState.target_id == target_id), query)
    total = db.session.scalar(select(func.count()).select_from(found.subquery())) or 0
    column = getattr(SequenceState, query.sort)
    order = column.desc().nulls_last() if query.descending else column.asc().nulls_last()
    ordered = found.order_by(order, SequenceState.schema, SequenceState.name)
    rows = db.session.execute(ordered.limit(query.limit).offset(query.offset))
    state = probe_state(target_id, "sequences")
    return ListPage([SequenceRow(**row) for row in rows.mappings()], total, query, state.as_of if state else None)


def schema_names(target_id: int) -> list[str]:
    """Schemas that have sequences: the choices of the filter."""
    found = select(SequenceState.schema).where(SequenceState.target_id == target_id).distinct()
    return list(db.session.scalars(found.order_by(SequenceState.schema)))


def known(target_id: int) -> dict[int, tuple[int | None, datetime | None]]:
    """The last value of each sequence as last stored, and when it was sampled; nothing of another server."""
    until = another_until(target_id)
    found = select(SequenceState.oid, SequenceState.last_value, SequenceState.sampled_at)
    if until is not None:
        found = found.where(SequenceState.sampled_at > until)
    rows = db.session.execute(found.where(SequenceState.target_id == target_id).order_by(SequenceState.oid))
    return {oid: (value, sampled_at) for oid, value, sampled_at in rows}


def values_at(target_id: int, at: datetime) -> dict[int, tuple[datetime, int]]:
    """The sample of each sequence that held at this time, else its first one after it."""
    rows = db.session.execute(
        text("""
            select
                s.oid,
                held.slot,
                held.last_value
            from sequence_state s
            cross join lateral (
                (
                    select v.slot, v.last_value
                    from sequence_sample v
                    where v.target_id = s.target_id and v.oid = s.oid and v.slot <= :at and v.slot > :oldest
                    order by v.slot desc
                    limit 1
                )
                union all
                (
                    select v.slot, v.last_value
                    from sequence_sample v
                    where v.target_id = s.target_id and v.oid = s.oid and v.slot > greatest(:at, :oldest)
                    order by v.slot
                    limit 1
                )
                limit 1
            ) as held
            where s.target_id = :target_id
            order by s.oid
        """),
        {"target_id": target_id, "at": at, "oldest": _oldest(target_id, at)},
    )
    return {oid: (max(slot, at), value) for oid, slot, value in rows}


def daily(target_id: int, oids: Sequence[int], now: datetime) -> dict[int, list[tuple[datetime, int]]]:
    """The last value of each day over sixty days, oldest first. A day without a sample kept the value before it, unless
    nobody looked at the target on that day.
    """
    day = func.date_bin(timedelta(days=1), SequenceSample.slot, now)
    last = func.max(SequenceSample.slot).label("slot")
    newest = (
        select(SequenceSample.oid, last)
        .where(
            SequenceSample.target_id == target_id,
            SequenceSample.oid == any_(literal(list(oids), OIDS)),
            SequenceSample.slot > _oldest(target_id, now),
            SequenceSample.slot < now - timedelta(hours=12),
        )
        .group_by(SequenceSample.oid, day)
        .subquery()
    )
    same = (SequenceSample.oid == newest.c.oid) & (SequenceSample.slot == newest.c.slot)
    found = select(SequenceSample.oid, SequenceSample.slot, SequenceSample.last_value).join(newest, same)
    found = found.where(SequenceSample.target_id == target_id).order_by(SequenceSample.oid, SequenceSample.slot)
    days: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
    for oid, slot, value in db.session.execute(found):
        days[oid].append((slot, value))
    seen = days_read(target_id, _oldest(target_id, now)) if days else frozenset()
    return {oid: _filled(days[oid], now, seen) for oid in oids}


def _oldest(target_id: int, at: datetime) -> datetime:
    """No evidence is older: of this server, and not too long ago."""
    return max(at - LOOKBACK, another_until(target_id) or at - LOOKBACK)


def _filled(
    points: Sequence[tuple[datetime, int]], now: datetime, seen: Collection[date]
) -> list[tuple[datetime, int]]:  # fmt: skip
    """Samples are written when a value changes: each day between two of them had the value of the first."""
    filled: list[tuple[datetime, int]] = []
    for index, (at, value) in enumerate(points):
        until = points[index + 1][0] if index + 1 < len(points) else now
        held = at
        while held < until - timedelta(hours=12):
            if held == at or held.date() in seen:
                filled.append((held, value))
            held += timedelta(days=1)
    return filled


def _filtered(found: Select[Any], query: ListQuery) -> Select[Any]:
    if query.q:
        named = SequenceState.schema + "." + SequenceState.name
        found = found.where((named + " " + func.coalesce(SequenceState.column_table, "")).ilike(query.like()))
    if schema := query.filters.get("schema"):
        found = found.where(SequenceState.schema == schema)
    if state := query.filters.get("state"):
        found = found.where(STATES[state])
    return found
