"""The orders of flags by use and the reasons of staleness that the worker stores each minute; see rank.

Finding them takes a look at all flags and at all that was counted in a day: of thousands of flags nobody who looks has
to wait for that.
"""

from datetime import datetime, timedelta

from sqlalchemy import ARRAY, BigInteger, FromClause, Select, func, select, true
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.flags.models import Flag
from dashboard.store import Base, db

FRESH = timedelta(seconds=150)
SLACK = 50


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
    found = select(FlagRanking.as_of).where(FlagRanking.name == name, FlagRanking.as_of > now - FRESH)
    as_of = db.session.scalar(found)
    return as_of is not None and (changed_at is None or changed_at <= as_of)


def places(name: str, most: int | None = None) -> FromClause:
    """`id` and `place` of the flags of an order, or of the first ones."""
    flags = FlagRanking.flags if most is None else FlagRanking.flags[1:most]
    place = func.unnest(flags).table_valued("id", with_ordinality="place", name="used").render_derived()
    found = select(place.c.id, place.c.place).join_from(FlagRanking, place, true())
    return found.where(FlagRanking.name == name).subquery()


def first(name: str, offset: int, limit: int) -> list[int]:
    """A page of an order, without flags that went meanwhile; fewer than `limit` where what is stored does not tell."""
    near = places(name, offset + limit + SLACK)
    wanted = select(Flag.id).join(near, near.c.id == Flag.id).where(Flag.archived_at.is_(None)).order_by(near.c.place)
    return list(db.session.scalars(wanted.limit(limit).offset(offset)))


def ids(name: str) -> Select[int]:
    return select(func.unnest(FlagRanking.flags)).where(FlagRanking.name == name)


def size(name: str) -> int:
    return db.session.scalar(select(func.cardinality(FlagRanking.flags)).where(FlagRanking.name == name)) or 0
