"""What the server's page shows of a window: counters, connections, input and output."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, literal, select
from sqlalchemy.dialects.postgresql import distinct_on

from dashboard.lists import ListPage, ListQuery
from dashboard.rollup import minutes_kept
from dashboard.server.models import ConnectionSample, DatabaseSample, IoReading, IoSample
from dashboard.server.queries import EPOCH
from dashboard.server.series import Points, gaps, step_of
from dashboard.store import db

IO_SLACK = timedelta(minutes=6)


@dataclass(frozen=True)
class Window:
    """The counters of a window, `step` apart, and where nothing is known of it."""

    samples: Sequence[Any]
    step: timedelta
    gaps: list[tuple[datetime, datetime]]


@dataclass(frozen=True)
class Connections:
    """How many client connections there were over the window, and the newest minute of it."""

    newest: ConnectionSample | None
    total: Points
    active: Points
    idle_in_transaction: Points
    usable: Points


@dataclass(frozen=True)
class IoRow:
    """What one kind of process did with one kind of object; None where it is not counted or not timed."""

    backend_type: str
    object: str
    context: str
    reads: int | None
    read_bytes: int | None
    read_ms: float | None
    writes: int | None
    write_bytes: int | None
    write_ms: float | None
    extends: int | None
    extend_bytes: int | None
    hits: int | None
    evictions: int | None
    reuses: int | None
    fsyncs: int | None
    fsync_ms: float | None


@dataclass(frozen=True)
class IoWindow:
    """Over how many seconds of the window input and output were counted, and its course in bytes per second."""

    seconds: float
    is_timed: bool
    read_bytes_per_s: Points
    write_bytes_per_s: Points


IO_SORTS = tuple(IoRow.__dataclass_fields__)
COUNTS = IO_SORTS[3:]


def window_of(target_id: int, since: datetime, until: datetime, now: datetime) -> Window:
    sample, step = DatabaseSample, step_of(until - since, minutes_kept(), now - since)
    at = func.date_bin(literal(step), sample.slot, literal(EPOCH))
    found = (
        select(*sample.__table__.columns)
        .ext(distinct_on(at))
        .where(sample.target_id == target_id, sample.slot.between(since, until))
        .order_by(at, sample.slot.desc())
    )
    samples = list(db.session.execute(found))
    return Window(samples, step, gaps(samples, since, until, step))


def connections_of(target_id: int, since: datetime, until: datetime, step: timedelta) -> Connections:
    """The busiest minute of each step."""
    sample = ConnectionSample
    of_window = (sample.target_id == target_id, sample.slot.between(since, until))
    at = func.date_bin(literal(step), sample.slot, literal(EPOCH))
    names = ("total", "active", "idle_in_transaction", "usable")
    columns = [func.max(getattr(sample, name)).label(name) for name in names]
    found = select(func.max(sample.slot).label("slot"), *columns).where(*of_window).group_by(at).order_by(at)
    rows = list(db.session.execute(found))
    newest = select(sample).where(*of_window).order_by(sample.slot.desc()).limit(1)
    courses: dict[str, Points] = {name: [(row.slot, getattr(row, name)) for row in rows] for name in names}
    return Connections(db.session.scalars(newest).first(), **courses)


def io_page(target_id: int, query: ListQuery, since: datetime, until: datetime) -> ListPage[IoRow]:
    """Everything that read or wrote in the window, on one page; the servers' own number of groups bounds it."""
    sample, query = IoSample, replace(query, size=500)
    totals = [func.sum(getattr(sample, name)).label(name) for name in COUNTS]
    groups = (sample.backend_type, sample.object, sample.context)
    found = select(*groups, *totals).where(sample.target_id == target_id, sample.slot.between(since, until))
    rows = [_io_row(row) for row in db.session.execute(found.group_by(*groups).order_by(*groups))]
    words = query.q.lower()
    rows = [row for row in rows if words in f"{row.backend_type} {row.object} {row.context}".lower()]
    known = [row for row in rows if getattr(row, query.sort) is not None]
    unknown = [row for row in rows if getattr(row, query.sort) is None]
    known.sort(key=lambda row: getattr(row, query.sort), reverse=query.descending)
    return ListPage([*known, *unknown], len(rows), query)


def io_window(target_id: int, since: datetime, until: datetime) -> IoWindow:
    reading, sample = IoReading, IoSample
    read = select(reading.slot, reading.since, reading.is_timed)
    read = read.where(reading.target_id == target_id, reading.slot.between(since, until)).order_by(reading.slot)
    moved = select(sample.slot, func.sum(sample.read_bytes), func.sum(_written()))
    moved = moved.where(sample.target_id == target_id, sample.slot.between(since, until)).group_by(sample.slot)
    rows = list(db.session.execute(read))
    bytes_of = {slot: (reads, writes) for slot, reads, writes in db.session.execute(moved)}
    return IoWindow(
        seconds=sum((row.slot - row.since).total_seconds() for row in rows if row.since is not None),
        is_timed=all(row.is_timed for row in rows),
        read_bytes_per_s=[(row.slot, _per_s(row, bytes_of.get(row.slot, (0, 0))[0])) for row in rows],
        write_bytes_per_s=[(row.slot, _per_s(row, bytes_of.get(row.slot, (0, 0))[1])) for row in rows],
    )


def _written() -> Any:
    return func.coalesce(IoSample.write_bytes, 0) + func.coalesce(IoSample.extend_bytes, 0)


def _per_s(row: Any, moved: Any) -> float | None:
    if row.since is None or row.slot <= row.since:
        return None
    seconds: float = (row.slot - row.since).total_seconds()
    return float(moved or 0) / seconds


def _io_row(row: Any) -> IoRow:
    """Sums of whole numbers come as decimals."""
    told: dict[str, Any] = dict(row._mapping)  # noqa: SLF001 - the documented way from a row to its fields
    return IoRow(**{name: _number(name, value) for name, value in told.items()})


def _number(name: str, value: Any) -> Any:
    if value is None or name in IO_SORTS[:3]:
        return value
    return float(value) if name.endswith("_ms") else int(value)
