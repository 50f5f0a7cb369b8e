"""The order of a window's families, found once for as long as its readings are the same.

The worker stores that of the usual windows with each reading; others are found when they are looked at. What lies
between two readings never changes, so a process may keep an order, 40 kB for 5,000 families, and what a search found,
and lose both at any time: turning pages then costs what they show. The next reading makes it another window.
"""

from array import array
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from flask import current_app
from sqlalchemy import ColumnElement, select

from dashboard.lists import ListQuery
from dashboard.statements.models import StatementFamily, StatementRanking
from dashboard.statements.sums import Asked, ask
from dashboard.statements.windows import Evidence
from dashboard.store import db

EXTENSION = "pilothouse_rankings"
MOST = 64
COMPARED = 0
ORDERED = """
select coalesce(array_agg(id order by place {way} nulls last, id), '{{}}') as families, sum(total_ms) as everything
from ({ranked}) as ranked
"""
Found = TypeVar("Found")


@dataclass(frozen=True)
class Ranking:
    """Families in the order of the list; `everything` is the time of them all."""

    families: Sequence[int]
    everything: float | None


def ranking(ranked: str, asked: Asked, way: str, usual: Callable[[], Ranking | None] | None = None) -> Ranking:
    """The order that SQL of `id`, `place` and `total_ms` gives, or that is stored; `way` is asc or desc."""
    key = (ranked, way, tuple(asked.items()))
    return kept(key, lambda: (usual and usual()) or order_of(ranked, asked, way))


def kept(key: Hashable, find: Callable[[], Found]) -> Found:
    """What `find` found for the same readings."""
    known: OrderedDict[Hashable, Found] = current_app.extensions.setdefault(EXTENSION, OrderedDict())
    if (found := known.get(key)) is None:
        known[key] = found = find()
        while len(known) > MOST:
            known.popitem(last=False)
    return found


def stored(target_id: int, known: Evidence) -> Ranking | None:
    """The order by total time that the worker left for exactly these readings."""
    row = StatementRanking
    same = (row.first_slot == known.first_slot, row.since == known.since, row.until == known.until)
    return _stored(row.target_id == target_id, row.window_minutes != COMPARED, *same)


def stored_comparison(target_id: int, before: Evidence, after: Evidence) -> Ranking | None:
    """The order by change that the worker left for the hour up to exactly this reading and the hour before."""
    row = StatementRanking
    same = (row.first_slot == before.first_slot, row.since == before.since, row.until == after.until)
    return _stored(row.target_id == target_id, row.window_minutes == COMPARED, *same)


def _stored(*where: ColumnElement[bool]) -> Ranking | None:
    found = db.session.execute(select(StatementRanking.families, StatementRanking.everything).where(*where)).first()
    return Ranking(array("q", found.families), found.everything) if found else None


def order_of(ranked: str, asked: Asked, way: str) -> Ranking:
    families, everything = ask(ORDERED.format(ranked=ranked, way=way), asked).one()
    return Ranking(array("q", families), everything)


def searched(target_id: int, families: Sequence[int], query: ListQuery, as_of: datetime | None) -> Sequence[int]:
    """Those whose text holds what is searched for, in the same order; families of readings up to `as_of`."""
    if not query.q:
        return families
    found = set(kept((target_id, query.q, as_of), lambda: _fitting(target_id, query)))
    return [family_id for family_id in families if family_id in found]


def _fitting(target_id: int, query: ListQuery) -> Sequence[int]:
    fits = StatementFamily.text.ilike(query.like(), escape="\\")
    return array(
        "q", db.session.scalars(select(StatementFamily.id).where(StatementFamily.target_id == target_id, fits))
    )
