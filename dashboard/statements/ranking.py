"""The order of a window's families, found once for as long as its readings are the same.

What lies between two readings never changes, so a process may keep the order that it found: 40 kB for 5,000 families.
Turning pages, searching and looking again then cost what they show. The next reading makes it another window.
"""

from array import array
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from flask import current_app
from sqlalchemy import select

from dashboard.lists import ListQuery
from dashboard.statements.models import StatementFamily
from dashboard.statements.sums import Asked, ask
from dashboard.store import db

MOST = 64
ORDERED = """
select coalesce(array_agg(id order by place {way} nulls last, id), '{{}}') as families, sum(total_ms) as everything
from ({ranked}) as ranked
"""


@dataclass(frozen=True)
class Ranking:
    """Families in the order of the list; `everything` is the time of them all."""

    families: Sequence[int]
    everything: float | None


def ranking(ranked: str, asked: Asked, way: str) -> Ranking:
    """The order that SQL of `id`, `place` and `total_ms` gives; `way` is asc or desc."""
    kept: OrderedDict[Hashable, Ranking] = current_app.extensions.setdefault("pilothouse_rankings", OrderedDict())
    key = (ranked, way, tuple(asked.items()))
    if (known := kept.get(key)) is not None:
        return known
    families, everything = ask(ORDERED.format(ranked=ranked, way=way), asked).one()
    kept[key] = Ranking(array("q", families), everything)
    while len(kept) > MOST:
        kept.popitem(last=False)
    return kept[key]


def searched(target_id: int, families: Sequence[int], query: ListQuery) -> Sequence[int]:
    """Those whose text holds what is searched for, in the same order."""
    if not query.q:
        return families
    fits = StatementFamily.text.ilike(query.like(), escape="\\")
    found = set(db.session.scalars(select(StatementFamily.id).where(StatementFamily.target_id == target_id, fits)))
    return [family_id for family_id in families if family_id in found]
