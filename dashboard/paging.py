"""One page of a list of many objects: first which of them it shows, then all that is told of those.

Which ones these are, and how many there are in all, changes with the next collection alone: a process keeps it until
then, so that whoever comes back, turns a page or leaves it open asks only for what is shown.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

from flask import current_app
from sqlalchemy import ARRAY, BigInteger, Select, any_, bindparam, func, select

from dashboard.lists import ListQuery
from dashboard.store import db

EXTENSION = "pilothouse_pages"
MOST = 256
OIDS = bindparam("oids", type_=ARRAY(BigInteger()))
TARGET = bindparam("target_id", type_=BigInteger())
Found = TypeVar("Found")


def telling(told: Select[Any], target_id: Any, oid: Any) -> Select[Any]:
    """What is told of the objects of one page, in their order: put together once, asked for each page."""
    return told.where(target_id == TARGET, oid == any_(OIDS)).order_by(func.array_position(OIDS, oid))


def shown(
    chosen: Select[Any], told: Select[Any], order_by: Sequence[Any], query: ListQuery, seen: Sequence[Hashable]
) -> tuple[Sequence[Sequence[Any]], int]:
    """The rows of the page, and how many there are in all.

    `chosen` are the oids that fit, found from the columns that this and the order need; `told` comes from `telling`.
    `seen` begins with the target and is another one after each collection; with a None in it nothing is kept.
    """
    of_a_page = query.limit == query.spec.page_size
    what = (*seen, query.q, query.sort, query.dir, query.page, *sorted(query.filters.items()))
    oids, total = kept(what if of_a_page else (None,), lambda: _page(chosen, order_by, query))
    return db.session.execute(told, {"target_id": seen[0], "oids": oids}).all() if oids else (), total


def kept(seen: Sequence[Hashable], find: Callable[[], Found]) -> Found:
    """What `find` found for the same; found each time where a None says that nobody knows whether it is."""
    if None in seen:
        return find()
    known: OrderedDict[Sequence[Hashable], Found] = current_app.extensions.setdefault(EXTENSION, OrderedDict())
    if (found := known.get(seen)) is None:
        known[seen] = found = find()
        while len(known) > MOST:
            known.popitem(last=False)
    return found


def _page(chosen: Select[Any], order_by: Sequence[Any], query: ListQuery) -> tuple[list[int], int]:
    """A search has to read every name: it counts in the same pass."""
    total = func.count().over() if query.q else _count(chosen).scalar_subquery()
    page = chosen.add_columns(total).order_by(*order_by).limit(query.limit).offset(query.offset)
    if found := db.session.execute(page).all():
        return [row[0] for row in found], found[0][1]
    return [], (db.session.scalar(_count(chosen)) or 0) if query.offset else 0


def _count(chosen: Select[Any]) -> Select[int]:
    return select(func.count()).select_from(chosen.order_by(None).subquery())
