"""Questions to the stored statements: which families a window holds, and what one of them did."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, Subquery, and_, case, func, literal, select

from dashboard.errors import NotFound
from dashboard.lists import ListPage, ListQuery, ListSpec
from dashboard.statements.models import StatementEntry, StatementFamily, StatementReading, StatementSample
from dashboard.statements.texts import one_line
from dashboard.statements.windows import EPOCH, Evidence, Interval
from dashboard.store import db

SPEC = ListSpec(
    sorts=(
        "total_ms", "mean_ms", "stddev_ms", "calls", "rows", "share", "blocks", "blocks_per_call", "temp_blocks",
        "wal_bytes", "io_ms", "text", "id",
    ),
    default_sort="total_ms",
    default_window="1h",
)  # fmt: skip


@dataclass(frozen=True)
class StatementRow:
    """A family in a window. `share` is its part of the time of all visible statements; `io_ms` None: not timed."""

    id: int
    text: str
    calls: int
    total_ms: float
    mean_ms: float | None
    stddev_ms: float | None
    rows: int
    share: float | None
    blocks: int
    blocks_per_call: float | None
    shared_hit: int
    shared_read: int
    temp_blocks: int
    wal_bytes: int
    io_ms: float | None
    first_seen_at: datetime
    last_seen_at: datetime

    @property
    def line(self) -> str:
        return one_line(self.text)


@dataclass(frozen=True)
class EntryRow:
    """An entry of the server that belongs to a family: who runs it, and under which id the server knows it."""

    queryid: int
    username: str
    toplevel: bool
    first_seen_at: datetime
    gone_at: datetime | None


@dataclass(frozen=True)
class SlowestRow:
    """A family as overviews tell it."""

    id: int
    target_id: int
    text: str
    calls: int
    total_ms: float
    mean_ms: float


def statements_of_window(target_id: int, known: Evidence, query: ListQuery) -> ListPage[StatementRow]:
    """The families that did something in the window, in the order that was asked for."""
    found = _told(_sums(target_id, known))
    if query.q:
        found = found.where(StatementFamily.text.ilike(query.like(), escape="\\"))
    columns = {column.key: column for column in found.selected_columns}
    order = columns[query.sort].desc() if query.descending else columns[query.sort].asc()
    ranked = found.add_columns(func.count().over().label("total"))
    ranked = ranked.order_by(order.nulls_last(), StatementFamily.id).limit(query.limit).offset(query.offset)
    rows = db.session.execute(ranked).all()
    total = rows[0].total if rows else _count(found) if query.page > 1 else 0
    return ListPage([_row(row) for row in rows], total, query, as_of=known.until)


def statement_in_window(target_id: int, family_id: int, known: Evidence) -> StatementRow | None:
    """One family in a window; None when it did nothing there."""
    row = db.session.execute(_told(_sums(target_id, known)).where(StatementFamily.id == family_id)).one_or_none()
    return _row(row) if row else None


def family_of(target_id: int, family_id: int) -> StatementFamily:
    """Raises NotFound."""
    found = select(StatementFamily).where(StatementFamily.target_id == target_id, StatementFamily.id == family_id)
    family = db.session.scalar(found)
    if family is None:
        raise NotFound(
            "There is no query of this number on this target; it may have been forgotten long after its use."
        )
    return family


def entries_of(target_id: int, family_id: int, limit: int = 20) -> list[EntryRow]:
    """The server's entries of a family, those that are still there first."""
    fields = [getattr(StatementEntry, name) for name in EntryRow.__dataclass_fields__]
    found = select(*fields).where(StatementEntry.target_id == target_id, StatementEntry.family_id == family_id)
    order = (StatementEntry.gone_at.is_not(None), StatementEntry.username, StatementEntry.queryid)
    return [EntryRow(*row) for row in db.session.execute(found.order_by(*order).limit(limit))]


def intervals_of(target_id: int, family_id: int, known: Evidence, step: timedelta) -> list[Interval]:
    """What a family did, bucket by bucket; a bucket that was watched while it did nothing counts zero calls."""
    if known.first_slot is None:
        return []
    reading, sample = StatementReading, StatementSample
    same = and_(sample.target_id == reading.target_id, sample.slot == reading.slot, sample.family_id == family_id)
    at = func.date_bin(literal(step), reading.slot, literal(EPOCH)).label("at")
    covered_s = func.sum(func.extract("epoch", reading.slot - reading.since))
    blocks = sample.shared_hit + sample.shared_read
    counted = (sample.calls, sample.total_ms, sample.squares_ms2, sample.rows, blocks)
    found = (
        select(at, covered_s * 1000, *(func.coalesce(func.sum(column), 0) for column in counted))
        .select_from(reading)
        .outerjoin(sample, same)
        .where(reading.target_id == target_id, reading.slot.between(known.first_slot, known.until))
        .where(reading.since.is_not(None))
        .group_by(at)
        .order_by(at)
    )
    return [
        Interval(begin, float(covered_ms), int(calls), total_ms, squares, int(rows), int(blocks))
        for begin, covered_ms, calls, total_ms, squares, rows, blocks in db.session.execute(found)
    ]


def slowest_families(since: datetime, limit: int, target_id: int | None = None) -> list[SlowestRow]:
    """The families that took the most time since then, of one target or of all."""
    total = func.sum(StatementSample.total_ms)
    calls = func.sum(StatementSample.calls)
    sums = select(
        StatementSample.target_id, StatementSample.family_id, calls.label("calls"), total.label("total_ms")
    ).where(StatementSample.slot > since)
    if target_id is not None:
        sums = sums.where(StatementSample.target_id == target_id)
    sums = sums.group_by(StatementSample.target_id, StatementSample.family_id)
    top = sums.order_by(total.desc(), StatementSample.family_id).limit(limit).subquery()
    found = select(StatementFamily.id, top.c.target_id, StatementFamily.text, top.c.calls, top.c.total_ms)
    found = found.join(top, top.c.family_id == StatementFamily.id).order_by(top.c.total_ms.desc(), StatementFamily.id)
    return [
        SlowestRow(family_id, of, one_line(text), int(calls), total_ms, total_ms / int(calls))
        for family_id, of, text, calls, total_ms in db.session.execute(found)
    ]


def _sums(target_id: int, known: Evidence) -> Subquery:
    """What each family added in the window."""
    sample = StatementSample
    names = ("calls", "total_ms", "squares_ms2", "rows", "shared_hit", "shared_read", "temp_blocks", "wal_bytes")
    times_io = func.bool_and(sample.io_ms.is_not(None))
    return (
        select(
            sample.family_id,
            *(func.sum(getattr(sample, name)).label(name) for name in names),
            case((times_io, func.sum(sample.io_ms))).label("io_ms"),
        )
        .where(sample.target_id == target_id, sample.slot.between(known.first_slot, known.until))
        .group_by(sample.family_id)
        .subquery()
    )


def _told(sums: Subquery) -> Select[Any]:
    """Families with their sums, means and shares; what the list sorts by has the names of its JSON rows."""
    blocks = sums.c.shared_hit + sums.c.shared_read
    mean = sums.c.total_ms / func.nullif(sums.c.calls, 0)
    variance = sums.c.squares_ms2 / func.nullif(sums.c.calls, 0) - mean * mean
    everything = select(func.nullif(func.sum(sums.c.total_ms), 0)).scalar_subquery()
    return select(
        StatementFamily.id,
        StatementFamily.text,
        sums,
        mean.label("mean_ms"),
        func.sqrt(func.greatest(variance, 0)).label("stddev_ms"),
        (sums.c.total_ms / everything).label("share"),
        blocks.label("blocks"),
        (blocks / func.nullif(sums.c.calls, 0)).label("blocks_per_call"),
        StatementFamily.first_seen_at,
        StatementFamily.last_seen_at,
    ).join(sums, sums.c.family_id == StatementFamily.id)


def _count(found: Select[Any]) -> int:
    return db.session.scalar(select(func.count()).select_from(found.subquery())) or 0


def _row(row: Any) -> StatementRow:
    whole = ("calls", "rows", "blocks", "shared_hit", "shared_read", "temp_blocks", "wal_bytes")
    fields = {name: getattr(row, name) for name in StatementRow.__dataclass_fields__}
    fields |= {name: int(fields[name]) for name in whole}
    per_call = fields["blocks"] / fields["calls"] if fields["calls"] else None
    return StatementRow(**fields | {"blocks_per_call": per_call})
