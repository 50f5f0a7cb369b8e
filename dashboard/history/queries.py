"""Questions about the migration history of a target."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, any_, case, func, literal, or_, select
from sqlalchemy.orm import defer

from dashboard.errors import NotFound
from dashboard.history.models import HeadMove, HistoryReading, Revision
from dashboard.history.rules import Move, Node
from dashboard.lists import ListPage, ListQuery
from dashboard.store import db

WAITING = ("pending", "rolled_back")
MOST_MOVES = 5_000


@dataclass(frozen=True)
class RevisionRow:
    """A migration in the list; state None: it cannot be known, evidence None: it was never seen applied."""

    tool: str
    revision: str
    down_revisions: list[str]
    state: str | None
    evidence: str | None
    message: str
    author: str | None
    written_at: datetime | None
    applied_after: datetime | None
    applied_before: datetime | None
    position: int
    is_head: bool
    labels: list[str]
    depends_on: list[str]
    path: str | None


COLUMNS = [getattr(Revision, field.name) for field in fields(RevisionRow)]
SORTS = tuple(field.name for field in fields(RevisionRow) if field.name not in {"labels", "depends_on"})


def last_reading(target_id: int) -> HistoryReading | None:
    return db.session.get(HistoryReading, target_id)


def revision_page(target_id: int, query: ListQuery) -> ListPage[RevisionRow]:
    found = select(*COLUMNS).where(Revision.target_id == target_id)
    if query.q:
        words = (Revision.revision, Revision.message, Revision.author, Revision.path)
        found = found.where(or_(*(word.ilike(query.like()) for word in words)))
    if state := query.filters.get("state"):
        found = found.where(Revision.state == state)
    total = db.session.scalar(select(func.count()).select_from(found.subquery())) or 0
    rows = db.session.execute(found.order_by(*_order(query)).limit(query.limit).offset(query.offset))
    reading = last_reading(target_id)
    as_of = None if reading is None else reading.read_at
    return ListPage(rows=[_row(row) for row in rows], total=total, query=query, as_of=as_of)


def drawn_order(target_id: int) -> list[tuple[str, list[str]]]:
    """Every revision with its parents in the default order of the list: what waits first, then the newest."""
    found = select(Revision.revision, Revision.down_revisions).where(Revision.target_id == target_id)
    newest_first = (_waiting().desc(), Revision.position.desc())
    return [(row.revision, row.down_revisions) for row in db.session.execute(found.order_by(*newest_first))]


def revision(target_id: int, name: str) -> Revision:
    found = db.session.get(Revision, (target_id, name)) if "\x00" not in name else None
    if found is None:
        raise NotFound("This target has no migration with this revision.")
    return found


def children(target_id: int, name: str) -> list[Revision]:
    """The migrations that follow this one or depend on it."""
    asked = literal(name)
    follows = or_(asked == any_(Revision.down_revisions), asked == any_(Revision.depends_on))
    return _some(target_id, follows)


def named(target_id: int, names: Sequence[str]) -> list[Revision]:
    return _some(target_id, Revision.revision.in_(names))


def state_counts(target_id: int) -> dict[str | None, int]:
    found = select(Revision.state, func.count()).where(Revision.target_id == target_id).group_by(Revision.state)
    return dict(db.session.execute(found).all())


def pending_counts(target_ids: Sequence[int]) -> dict[int, int]:
    """How many migrations the next upgrade of each target would run; targets without any are left out."""
    found = (
        select(Revision.target_id, func.count())
        .where(Revision.target_id.in_(target_ids), Revision.state.in_(WAITING))
        .group_by(Revision.target_id)
    )
    return dict(db.session.execute(found).all())


def failed_counts(target_ids: Sequence[int]) -> dict[int, int]:
    """How many migrations of each target ended with an error; targets without any are left out."""
    found = (
        select(Revision.target_id, func.count())
        .where(Revision.target_id.in_(target_ids), Revision.state == "failed")
        .group_by(Revision.target_id)
    )
    return dict(db.session.execute(found).all())


def pending_count(target_id: int) -> int:
    return pending_counts([target_id]).get(target_id, 0)


def newest_moves(target_id: int, limit: int) -> list[HeadMove]:
    found = select(HeadMove).where(HeadMove.target_id == target_id)
    return list(db.session.scalars(found.order_by(HeadMove.seen_at.desc(), HeadMove.id.desc()).limit(limit)))


def moves(target_id: int) -> list[Move]:
    """How the heads moved, oldest first."""
    return [
        Move(
            place=move.place,
            after=move.after,
            seen_at=move.seen_at,
            heads_before=None if move.heads_before is None else tuple(move.heads_before),
            heads=tuple(move.heads),
        )
        for move in reversed(newest_moves(target_id, MOST_MOVES))
    ]


def nodes(target_id: int) -> list[Node]:
    """The revisions that the folder declares, as last read."""
    found = (
        select(Revision.revision, Revision.down_revisions, Revision.depends_on, Revision.labels)
        .where(Revision.target_id == target_id, Revision.path.is_not(None))
        .order_by(Revision.position, Revision.revision)
    )
    return [Node(name, *(tuple(names) for names in rest)) for name, *rest in db.session.execute(found)]


def messages(target_id: int) -> dict[str, str]:
    found = select(Revision.revision, Revision.message).where(Revision.target_id == target_id)
    return dict(db.session.execute(found).all())


def judged(target_id: int) -> list[Any]:
    """What is stored about every revision other than what its file says."""
    found = select(
        Revision.revision,
        Revision.position,
        Revision.is_head,
        Revision.state,
        Revision.evidence,
        Revision.applied_after,
        Revision.applied_before,
    )
    return list(db.session.execute(found.where(Revision.target_id == target_id)))


def _some(target_id: int, which: ColumnElement[bool]) -> list[Revision]:
    found = select(Revision).options(defer(Revision.source)).where(Revision.target_id == target_id, which)
    return list(db.session.scalars(found.order_by(Revision.position).limit(200)))


def _waiting() -> ColumnElement[int]:
    return case((Revision.state.in_(WAITING), 1), else_=0)


def _order(query: ListQuery) -> list[ColumnElement[Any]]:
    first = _waiting() if query.sort == "position" else getattr(Revision, query.sort)
    columns: tuple[Any, ...] = (first, Revision.position)
    return [column.desc().nulls_last() if query.descending else column.asc().nulls_last() for column in columns]


def _row(row: Row[Any]) -> RevisionRow:
    return RevisionRow(**row._mapping)  # noqa: SLF001
