"""The orders of flags by use and the reasons of staleness that the worker stores each minute; see rank.

Finding them takes a look at all flags and at all that was counted in a day: of thousands of flags nobody who looks has
to wait for that.
"""

from datetime import datetime, timedelta

from sqlalchemy import ARRAY, BigInteger, FromClause, Select, func, select, text, true
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.store import Base, db

FRESH = timedelta(seconds=150)
SLACK = 50
CHOICES = "choices"
PAGE = text("""
select f.id,
       case
           when :of_all then (
               select count(*)
                 from flag every
                where every.archived_at is null
           )
           else cardinality(r.flags)
       end as total
  from flag_ranking r
 cross join unnest(r.flags[1 : :most]) with ordinality u(id, place)
  join flag f on f.id = u.id
 where r.name = :name
   and r.as_of >= :oldest
   and f.archived_at is null
 order by u.place
 limit :limit offset :offset
""")


class FlagRanking(Base):
    """The ids of flags, in an order, as of then."""

    __tablename__ = "flag_ranking"

    name: Mapped[str] = mapped_column(primary_key=True)
    flags: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    as_of: Mapped[datetime]


def of_reason(reason: str) -> str:
    """The flags that are stale for it, by key."""
    return f"stale: {reason}"


def is_stored(name: str, now: datetime, changed_at: datetime | None = None) -> bool:
    """Whether the worker found this a short while ago, and, where that matters, since a flag was last changed."""
    row = FlagRanking
    found = select(row.name).where(row.name == name, row.as_of >= oldest(now, changed_at))
    return db.session.scalar(found) is not None


def page(
    name: str, offset: int, limit: int, now: datetime, changed_at: datetime | None = None
) -> tuple[list[int], int] | None:  # fmt: skip
    """The flags of a page of an order, without those that went meanwhile, and how many there are in all: those of the
    order where it holds as of the last change, else all flags. None where what is stored does not tell.
    """
    asked = {"name": name, "most": offset + limit + SLACK, "limit": limit, "offset": offset}
    asked |= {"oldest": oldest(now, changed_at), "of_all": changed_at is None}
    rows = db.session.execute(PAGE, asked).all()
    return ([row[0] for row in rows], rows[0][1]) if len(rows) == limit else None


def places(name: str) -> FromClause:
    """`id` and `place` of the flags of an order."""
    place = func.unnest(FlagRanking.flags).table_valued("id", with_ordinality="place", name="used").render_derived()
    found = select(place.c.id, place.c.place).join_from(FlagRanking, place, true())
    return found.where(FlagRanking.name == name).subquery()


def oldest(now: datetime, changed_at: datetime | None = None) -> datetime:
    """What is stored holds when it was found after the last change, where that matters, and a short while ago."""
    return max(changed_at or now - FRESH, now - FRESH)


def ids(name: str) -> Select[int]:
    return select(func.unnest(FlagRanking.flags)).where(FlagRanking.name == name)
