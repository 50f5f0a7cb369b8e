"""Questions to the stored statements: which families a window holds, and what one of them did."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Subquery, func, select

from dashboard.errors import NotFound
from dashboard.lists import ListPage, ListQuery, ListSpec
from dashboard.statements.latency import Latency, latency
from dashboard.statements.models import (
    StatementEntry,
    StatementFamily,
    StatementIdentity,
    StatementSample,
)
from dashboard.statements.sums import sums_of, total_ms
from dashboard.statements.texts import one_line
from dashboard.statements.windows import Evidence
from dashboard.store import db

SPEC = ListSpec(
    sorts=(
        "total_ms", "mean_ms", "stddev_ms", "calls", "rows", "share", "blocks", "blocks_per_call", "temp_blocks",
        "wal_bytes", "io_ms", "max_bound_ms", "text", "id",
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
    max_ms: float | None
    max_bound_ms: float | None
    first_seen_at: datetime
    last_seen_at: datetime

    @property
    def latency(self) -> Latency | None:
        squares_ms2 = ((self.stddev_ms or 0.0) ** 2 + (self.mean_ms or 0.0) ** 2) * self.calls
        return latency(self.calls, self.total_ms, squares_ms2, self.max_ms, self.max_bound_ms)

    @property
    def line(self) -> str:
        return one_line(self.text)


@dataclass(frozen=True)
class IdentityRow:
    """An id of a family on a server: who runs it there, since when it is valid and until when it was."""

    queryid: int
    username: str
    toplevel: bool
    system: str
    major: int
    valid_from: datetime
    valid_until: datetime | None


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
    told = told_of(sums_of(target_id, known)).subquery()
    found, column = select(told), StatementFamily.text if query.sort == "text" else told.c[query.sort]
    if query.q or query.sort == "text":
        found = found.join(StatementFamily, StatementFamily.id == told.c.id)
        found = found.where(StatementFamily.text.ilike(query.like(), escape="\\"))
    order = (column.desc() if query.descending else column.asc()).nulls_last()
    place = func.row_number().over(order_by=(order, told.c.id)).label("place")
    ranked = found.add_columns(func.count().over().label("total"), place)
    chosen = ranked.order_by("place").limit(query.limit).offset(query.offset).subquery()
    rows = db.session.execute(_with_texts(chosen).add_columns(chosen.c.total).order_by(chosen.c.place)).all()
    total = rows[0].total if rows else _count(found) if query.page > 1 else 0
    return ListPage([_row(row) for row in rows], total, query, as_of=known.until)


def statement_in_window(target_id: int, family_id: int, known: Evidence) -> StatementRow | None:
    """One family in a window; None when it did nothing there."""
    told = told_of(sums_of(target_id, known, family_id)).subquery()
    row = db.session.execute(_with_texts(told)).one_or_none()
    if row is None:
        return None
    found, everything = _row(row), total_ms(target_id, known)
    return replace(found, share=found.total_ms / everything if everything else None)


def family_of(target_id: int, family_id: int) -> StatementFamily:
    """Raises NotFound."""
    found = select(StatementFamily).where(StatementFamily.target_id == target_id, StatementFamily.id == family_id)
    family = db.session.scalar(found)
    if family is None:
        raise NotFound(
            "There is no query of this number on this target; it may have been forgotten long after its use."
        )
    return family


def last_seen(family: StatementFamily) -> datetime:
    """When it did something last, to the minute."""
    newest = select(func.max(StatementEntry.changed_at)).where(StatementEntry.family_id == family.id)
    return max(family.last_seen_at, db.session.scalar(newest) or family.last_seen_at)


def known_as(target_id: int, family_id: int, limit: int = 20) -> list[IdentityRow]:
    """The ids under which servers know or knew a family, those that are valid first, then the newest."""
    fields = [getattr(StatementIdentity, name) for name in IdentityRow.__dataclass_fields__]
    identity = StatementIdentity
    found = select(*fields).where(identity.target_id == target_id, identity.family_id == family_id)
    order = (identity.valid_until.desc().nulls_first(), identity.valid_from.desc(), identity.queryid)
    return [IdentityRow(*row) for row in db.session.execute(found.order_by(*order).limit(limit))]


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
    return [_slowest(row) for row in db.session.execute(found)]


def _slowest(row: Any) -> SlowestRow:
    family_id, target_id, text, calls, total_ms = row
    return SlowestRow(family_id, target_id, one_line(text), int(calls), total_ms, total_ms / int(calls))


def told_of(sums: Subquery) -> Select[Any]:
    """Sums with means and shares; what the list sorts by has the names of its JSON rows."""
    blocks = sums.c.shared_hit + sums.c.shared_read
    mean = sums.c.total_ms / func.nullif(sums.c.calls, 0)
    variance = sums.c.squares_ms2 / func.nullif(sums.c.calls, 0) - mean * mean
    return select(
        sums.c.family_id.label("id"),
        *(column for column in sums.c if column.key != "family_id"),
        mean.label("mean_ms"),
        func.sqrt(func.greatest(variance, 0)).label("stddev_ms"),
        (sums.c.total_ms / func.nullif(func.sum(sums.c.total_ms).over(), 0)).label("share"),
        blocks.label("blocks"),
        (blocks / func.nullif(sums.c.calls, 0)).label("blocks_per_call"),
    )


def _with_texts(chosen: Subquery) -> Select[Any]:
    newest = select(func.max(StatementEntry.changed_at)).where(StatementEntry.family_id == chosen.c.id)
    return select(
        *(chosen.c[name] for name in StatementRow.__dataclass_fields__ if name in chosen.c and name != "text"),
        StatementFamily.text,
        StatementFamily.first_seen_at,
        func.greatest(StatementFamily.last_seen_at, newest.scalar_subquery()).label("last_seen_at"),
    ).join(StatementFamily, StatementFamily.id == chosen.c.id)


def _count(found: Select[Any]) -> int:
    return db.session.scalar(select(func.count()).select_from(found.subquery())) or 0


def _row(row: Any) -> StatementRow:
    whole = ("calls", "rows", "blocks", "shared_hit", "shared_read", "temp_blocks", "wal_bytes")
    fields = {name: getattr(row, name) for name in StatementRow.__dataclass_fields__}
    fields |= {name: int(fields[name]) for name in whole}
    per_call = fields["blocks"] / fields["calls"] if fields["calls"] else None
    return StatementRow(**fields | {"blocks_per_call": per_call})
