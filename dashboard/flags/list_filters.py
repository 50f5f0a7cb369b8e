"""Which flags a list shows, and in what order: conditions and orders over all of them, one small column each."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    and_,
    any_,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
)

from dashboard.flags import ranking
from dashboard.flags.list_kept import array_of, as_array, kept
from dashboard.flags.models import Flag, FlagRevision, FlagSetting
from dashboard.flags.staleness import PASSING, REASONS, WINDOW, Ground
from dashboard.flags.usage_models import FlagSeen, FlagUsage
from dashboard.lists import ListQuery
from dashboard.store import db
from dashboard.targets.models import Environment

BY_USE = {"seen_at", "evaluations"}
SORTS = ("key", "type", "kind", "owner", "updated_at", "seen_at", "evaluations", "created_at")
STATES = ("on", "partly", "off", "not_set")
STALE = ("any", *REASONS)
DAY = timedelta(hours=24)
COLUMNS = {"updated_at": Flag.changed_at, "created_at": Flag.created_at}


def ids_of(
    query: ListQuery, fitting: Sequence[ColumnElement[bool]], as_of: datetime | None, now: datetime
) -> Select[int]:  # fmt: skip
    """The ids of the flags that are `fitting`, in the order of the list."""
    wanted = select(Flag.id).where(*fitting)
    if query.sort in BY_USE:
        places = _places(query.sort, query.filters.get("environment"), as_of, now)
        wanted = wanted.outerjoin(places, places.c.id == Flag.id)
        order: ColumnElement[Any] = places.c.place
        turned = order.asc() if query.descending else order.desc()
        return wanted.order_by(turned.nulls_last(), Flag.key)
    order = COLUMNS.get(query.sort, getattr(Flag, query.sort, Flag.key)).expression
    turned = order.desc() if query.descending else order.asc()
    return wanted.order_by(turned, *([] if query.sort == "key" else [Flag.key]))


def stored_page(query: ListQuery, as_of: datetime | None, now: datetime) -> tuple[list[int], int] | None:
    """The ids of a page and how many fit, where the list is asked for just what the worker stored."""
    reason = query.filters.get("stale")
    if query.q or len(query.filters) > bool(reason) or query.descending != (query.sort in BY_USE):
        return None
    if query.sort in BY_USE and not reason:
        return ranking.page(query.sort, query.offset, query.limit, now)
    if query.sort == "key" and reason and as_of:
        return ranking.page(ranking.of_reason(reason), query.offset, query.limit, now, as_of)
    return None


def conditions(
    query: ListQuery, grounds: Mapping[int, Ground], as_of: datetime | None, now: datetime
) -> list[ColumnElement[bool]]:
    asked = query.filters
    is_archived = asked.get("archived") == "1"
    found: list[ColumnElement[bool]] = [Flag.archived_at.is_not(None) if is_archived else Flag.archived_at.is_(None)]
    if query.q:
        columns = (Flag.key, Flag.description, Flag.owner, func.array_to_string(Flag.tags, ","))
        found.append(or_(*(column.ilike(query.like(), escape="\\") for column in columns)))
    for name, column in (("kind", Flag.kind), ("type", Flag.type), ("owner", Flag.owner)):
        if value := asked.get(name):
            found.append(column == value)
    if tag := asked.get("tag"):
        found.append(literal(tag) == any_(Flag.tags))
    if state := asked.get("state"):
        found.append(_has_state(state, asked.get("environment")))
    if reason := asked.get("stale"):
        name = ranking.of_reason(reason)
        is_stored = ranking.is_stored(name, now, as_of)
        found.append(Flag.id.in_(ranking.ids(name)) if is_stored else is_stale(reason, grounds, now))
    return found


def last_change() -> ColumnElement[datetime]:
    """When anything of any flag changed."""
    made, served = select(func.max(Flag.changed_at)), select(func.max(FlagRevision.changed_at))
    return func.greatest(made.scalar_subquery(), served.scalar_subquery())


def is_stale(reason: str, grounds: Mapping[int, Ground], now: datetime) -> ColumnElement[bool]:
    """The same that `staleness.reasons_of` tells of one flag; `any`: any reason but that nothing is known."""
    begin = now - WINDOW
    life = func.make_interval(0, 0, 0, 0, cast(Flag.expected_life_d * 24, Integer))
    found = {
        "past_life": and_(Flag.expected_life_d.is_not(None), Flag.created_at + life < now),
        "one_for_all": and_(Flag.kind.in_(PASSING), Flag.id.in_(_settled_before(begin))),
        "not_evaluated": Flag.id.in_(_read(grounds, begin, "unread")),
        "unknown": Flag.id.in_(_read(grounds, begin, "unknown")),
    }
    stale = or_(found["past_life"], found["one_for_all"], found["not_evaluated"]) if reason == "any" else found[reason]
    return and_(Flag.archived_at.is_(None), stale)


def _settled_before(begin: datetime) -> Select[int]:
    """Flags that give everybody in every environment the same since then."""
    outcome = FlagSetting.outcome
    every = func.count() == func.count(outcome), func.min(outcome) == func.max(outcome)
    grouped = select(FlagSetting.flag_id).group_by(FlagSetting.flag_id)
    return grouped.having(*every, func.max(FlagSetting.settled_at) <= begin)


def _read(grounds: Mapping[int, Ground], begin: datetime, wanted: str) -> Select[int]:
    """Flags that are read nowhere: `unread` where every environment can tell, else `unknown`."""
    telling = [number for number, ground in grounds.items() if ground.tells(begin)]
    place = case(
        (FlagSeen.single_at > begin, "read"),
        (FlagSetting.created_at > begin, "read"),
        (FlagSetting.environment_id.in_(telling), "unread"),
        else_="unknown",
    )
    seen = and_(FlagSeen.environment_id == FlagSetting.environment_id, FlagSeen.flag_key == Flag.key)
    grouped = select(FlagSetting.flag_id).join(Flag, Flag.id == FlagSetting.flag_id).outerjoin(FlagSeen, seen)
    grouped = grouped.group_by(FlagSetting.flag_id).having(func.bool_and(place != "read"))
    every = func.bool_and(place == "unread")
    return grouped.having(every if wanted == "unread" else ~every)


def _has_state(state: str, slug: str | None) -> ColumnElement[bool]:
    """In that environment, or in any of them."""
    here = and_(FlagSetting.flag_id == Flag.id, FlagSetting.environment_id == Environment.id)
    if state == "not_set":
        found = exists().where(Environment.id.is_not(None), ~exists().where(here).correlate(Flag, Environment))
    else:
        found = exists().where(here, FlagSetting.reach == state)
    return found.where(Environment.slug == slug) if slug else found


def _places(sort: str, slug: str | None, as_of: datetime | None, now: datetime) -> FromClause:
    """`id` and `place` of the flags that are used in that environment, or in any, as stored or as looked for here."""
    if slug is None and ranking.is_stored(sort, now):
        return ranking.places(sort)
    found = kept((sort, slug), as_of, now, lambda: as_array(by_use(sort, slug, now)))
    return func.unnest(array_of(found)).table_valued("id", with_ordinality="place", name="used").render_derived()


def by_use(sort: str, slug: str | None, now: datetime) -> list[int]:
    """The flags that are used in one environment or in any: the most often used first, or those that were asked for by
    their own name last, and then those that were only handed out in bulk.
    """
    source: type[FlagSeen | FlagUsage] = FlagSeen if sort == "seen_at" else FlagUsage
    itself, in_bulk, often = func.max(FlagSeen.single_at), func.max(FlagSeen.seen_at), func.sum(FlagUsage.count)
    first, second = (itself, in_bulk) if source is FlagSeen else (often, literal(0))
    found = select(source.flag_key, first.label("first"), second.label("second")).group_by(source.flag_key)
    if source is FlagUsage:
        found = found.where(FlagUsage.slot > now - DAY)
    if slug:
        found = found.where(source.environment_id.in_(select(Environment.id).where(Environment.slug == slug)))
    keys = found.subquery()
    orders = (keys.c.first.desc().nulls_last(), keys.c.second.desc(), Flag.key)
    return list(db.session.scalars(select(Flag.id).join(keys, keys.c.flag_key == Flag.key).order_by(*orders)))
