"""Questions about indexes to the store."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import aliased

from dashboard.lists import ListPage, ListQuery
from dashboard.paging import shown, telling
from dashboard.tables.bloat_columns import BLOAT, same_relation
from dashboard.tables.models import IndexState, IndexVerdict, RelationBloat
from dashboard.tables.verdicts import TROUBLES, VERDICTS


@dataclass(frozen=True)
class IndexRow:
    """A line of the list. Scans count since `counted_since`; the index itself was first seen at `first_seen_at`."""

    schema: str
    table_name: str
    name: str
    method: str
    columns: list[str]
    size_bytes: int | None
    bloat_bytes: int | None
    bloat_share: float | None
    bloat_reason: str | None
    scans: int | None
    rows_read: int | None
    last_scan_at: datetime | None
    counted_since: datetime | None
    first_seen_at: datetime
    is_unique: bool
    is_primary: bool
    is_valid: bool
    is_partial: bool
    constraint_name: str | None
    definition: str | None
    verdict: str | None
    verdict_why: str | None
    verdict_since: datetime | None
    trouble: str | None


SORTS = tuple(field.name for field in fields(IndexRow))
VERDICT = {
    "verdict": IndexVerdict.verdict,
    "verdict_why": IndexVerdict.why,
    "verdict_since": IndexVerdict.since,
    "trouble": IndexVerdict.trouble,
}
SAME_INDEX = (IndexVerdict.target_id == IndexState.target_id) & (IndexVerdict.oid == IndexState.oid)
JUDGED = BLOAT | VERDICT
COLUMNS: dict[str, Any] = {name: JUDGED[name] if name in JUDGED else getattr(IndexState, name) for name in SORTS}
NAMES = aliased(IndexState)
JUDGEMENTS = (*TROUBLES, *VERDICTS)
STATES: dict[str, ColumnElement[bool]] = {
    "no_scans": IndexState.scans == 0,
    "invalid": ~IndexState.is_valid,
    "unique": IndexState.is_unique & ~IndexState.is_primary,
    "primary": IndexState.is_primary.is_(True),
    "partial": IndexState.is_partial.is_(True),
}
TOLD = telling(
    select(*(column.label(name) for name, column in COLUMNS.items()))
    .outerjoin(RelationBloat, same_relation(IndexState.target_id, IndexState.oid))
    .outerjoin(IndexVerdict, SAME_INDEX),
    IndexState.target_id,
    IndexState.oid,
)


def index_page(target_id: int, query: ListQuery, as_of: datetime | None) -> ListPage[IndexRow]:
    """The indexes that fit search and filters; those of partitions stand under their parent unless asked for."""
    column = COLUMNS[query.sort]
    order = column.desc().nulls_last() if query.descending else column.asc().nulls_last()
    chosen = _filtered(target_id, query)
    if query.sort in BLOAT:
        chosen = chosen.outerjoin(RelationBloat, same_relation(IndexState.target_id, IndexState.oid))
    if query.sort in VERDICT and "verdict" not in query.filters:
        chosen = chosen.outerjoin(IndexVerdict, SAME_INDEX)
    order_by = (order, IndexState.schema, IndexState.table_name, IndexState.name)
    is_judged = query.sort in JUDGED or "verdict" in query.filters
    rows, total = shown(chosen, TOLD, order_by, query, (target_id, "indexes", None if is_judged else as_of))
    return ListPage([IndexRow(*row) for row in rows], total, query, as_of)


def _filtered(target_id: int, query: ListQuery) -> Select[Any]:
    found = select(IndexState.oid).where(IndexState.target_id == target_id)
    if query.filters.get("partitions") != "shown":
        found = found.where(IndexState.parent_oid.is_(None))
    if query.q:
        found = found.where(IndexState.oid.in_(_named(target_id, query)))
    if schema := query.filters.get("schema"):
        found = found.where(IndexState.schema == schema)
    if state := query.filters.get("state"):
        found = found.where(STATES[state])
    if verdict := query.filters.get("verdict"):
        said = IndexVerdict.verdict if verdict in VERDICTS else IndexVerdict.trouble
        found = found.outerjoin(IndexVerdict, SAME_INDEX).where(said == verdict)
    return found


def _named(target_id: int, query: ListQuery) -> Select[int]:
    """What is searched for, from an index on the names alone: the rows are twenty times as wide."""
    names = NAMES.schema + "." + NAMES.table_name + " " + NAMES.name
    return select(NAMES.oid).where(NAMES.target_id == target_id, names.ilike(query.like()))
