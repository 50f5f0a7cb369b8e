"""The job that finds what takes a look at all flags, so that nobody who looks at a list has to wait for it: orders by
use, reasons of staleness, and flags that together have every owner and every tag that filters offer.

Of fewer flags a look at all of them is as short as reading what was stored.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from dashboard.flags import list_filters, usage_queries
from dashboard.flags.models import Flag
from dashboard.flags.ranking import CHOICES, FlagRanking, of_reason
from dashboard.store import db

FEWEST = 1_000
OF_EACH = """
(
    select distinct on (f.owner) f.id
      from flag f
     where f.archived_at is null
       and f.owner <> ''
     order by f.owner
     limit 200
)
union
(
    select distinct on (t.tag) f.id
      from flag f
     cross join unnest(f.tags) as t(tag)
     where f.archived_at is null
     order by t.tag
     limit 200
)
"""


def rank(now: datetime, fewest: int = FEWEST) -> int:
    """Store them as of `now`; how many. The caller commits."""
    if (db.session.scalar(select(func.count()).select_from(Flag)) or 0) < fewest:
        db.session.execute(delete(FlagRanking))
        return 0
    grounds = usage_queries.grounds(now)
    for sort in sorted(list_filters.BY_USE):
        _store(sort, list_filters.by_use(sort, None, now), now)
    for reason in list_filters.STALE:
        found = select(Flag.id).where(list_filters.is_stale(reason, grounds, now)).order_by(Flag.key)
        _store(of_reason(reason), list(db.session.scalars(found)), now)
    _store(CHOICES, list(db.session.scalars(text(OF_EACH))), now)
    return len(list_filters.BY_USE) + len(list_filters.STALE) + 1


def _store(name: str, flags: Sequence[int], now: datetime) -> None:
    told = {"flags": flags, "as_of": now}
    statement = insert(FlagRanking).values(name=name, **told)
    db.session.execute(statement.on_conflict_do_update(index_elements=["name"], set_=told))
