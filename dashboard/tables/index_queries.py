"""Questions about indexes to the store."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from dashboard.lists import ListPage, ListQuery
from dashboard.store import db
from dashboard.tables.bloat_columns import BLOAT, same_relation
from dashboard.tables.models import IndexState, IndexVerdict, RelationBloat
from dashboard.tables.verdicts import TROUBLES, VERDICTS
from dashboard.targets.queries import probe_state


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
JUDGED = BLOAT | {
    "verdict": IndexVerdict.verdict,
    "verdict_why": IndexVerdict.why,
    "verdict_since": IndexVerdict.since,
    "trouble": IndexVerdict.trouble,
}
COLUMNS: dict[str, Any] = {name: JUDGED[name] if name in JUDGED else getattr(IndexState, name) for name in SORTS}
JUDGEMENTS = (*TROUBLES, *VERDICTS)
STATES: dict[str, ColumnElement[bool]] = {
    "no_scans": IndexState.scans == 0,
    "invalid": ~IndexState.is_valid,
    "unique": IndexState.is_unique & ~IndexState.is_primary,
    "primary": IndexState.is_primary.is_(True),
    "partial": IndexState.is_partial.is_(True),
}


def index_page(target_id: int, query: ListQuery) -> ListPage[IndexRow]:
    """The indexes that fit search and filters; those of partitions stand under their parent unless asked for."""
    rows = select(*(column.label(name) for name, column in COLUMNS.items()))
    rows = rows.outerjoin(RelationBloat, same_relation(IndexState.target_id, IndexState.oid))
    same_index = (IndexVerdict.target_id == IndexState.target_id) & (IndexVerdict.oid == IndexState.oid)
    rows = rows.outerjoin(IndexVerdict, same_index)
    found = _filtered(rows.where(IndexState.target_id == target_id), query)
    total = db.session.scalar(select(func.count()).select_from(found.subquery())) or 0
    column = COLUMNS[query.sort]
    order = column.desc().nulls_last() if query.descending else column.asc().nulls_last()
    ordered = found.order_by(order, IndexState.schema, IndexState.table_name, IndexState.name)
    shown = db.session.execute(ordered.limit(query.limit).offset(query.offset))
    state = probe_state(target_id, "tables")
    return ListPage([IndexRow(**row) for row in shown.mappings()], total, query, state.as_of if state else None)


def index_schema_names(target_id: int) -> list[str]:
    """Schemas that have indexes: the choices of the filter."""
    found = select(IndexState.schema).where(IndexState.target_id == target_id).distinct()
    return list(db.session.scalars(found.order_by(IndexState.schema)))


def _filtered(found: Select[Any], query: ListQuery) -> Select[Any]:
    if query.filters.get("partitions") != "shown":
        found = found.where(IndexState.parent_oid.is_(None))
    if query.q:
        named = IndexState.schema + "." + IndexState.table_name + " " + IndexState.name
        found = found.where(named.ilike(query.like()))
    if schema := query.filters.get("schema"):
        found = found.where(IndexState.schema == schema)
    if state := query.filters.get("state"):
        found = found.where(STATES[state])
    if verdict := query.filters.get("verdict"):
        said = IndexVerdict.verdict if verdict in VERDICTS else IndexVerdict.trouble
        found = found.where(said == verdict)
    return found
