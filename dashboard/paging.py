"""One page of a list of many objects: first which of them it shows, then all that is told of those."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, func, select

from dashboard.lists import ListQuery
from dashboard.store import db


def shown(
    chosen: Select[Any], told: Select[Any], oid: Any, order_by: Sequence[Any], query: ListQuery
) -> tuple[list[dict[str, Any]], int]:
    """The rows of the page, and how many there are in all.

    `chosen` are the oids that fit, found from the columns that this and the order need; `told` is asked only for those
    of the page. A search has to read every name: it counts in the same pass.
    """
    found = chosen.add_columns(func.count().over().label("total")) if query.q else chosen
    page = found.order_by(*order_by).limit(query.limit).offset(query.offset).subquery()
    told = told.join(page, oid == page.c.oid).order_by(*order_by)
    if not query.q:
        return [dict(row) for row in db.session.execute(told).mappings()], _count(chosen)
    rows = [dict(row) for row in db.session.execute(told.add_columns(page.c.total)).mappings()]
    totals = [row.pop("total") for row in rows]
    return rows, totals[0] if totals else _count(chosen) if query.offset else 0


def _count(chosen: Select[Any]) -> int:
    return db.session.scalar(select(func.count()).select_from(chosen.subquery())) or 0
