"""Questions about tables to the store."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import aliased

from dashboard.errors import NotFound
from dashboard.lists import ListPage, ListQuery
from dashboard.paging import kept, shown, telling
from dashboard.store import db
from dashboard.tables.bloat_columns import BLOAT, same_relation
from dashboard.tables.models import IndexState, RelationBloat, TableReading, TableState
from dashboard.tables.rows import KIND_WORDS, KINDS
from dashboard.tables.treemap import MOST, Group, grouped
from dashboard.targets.models import Target


@dataclass(frozen=True)
class TableRow:
    """A line of the list; `parent` is the partitioned table that it is a part of."""

    schema: str
    name: str
    kind: str
    parent: str | None
    partition_count: int
    total_bytes: int | None
    heap_bytes: int | None
    toast_bytes: int | None
    index_bytes: int | None
    growth_24h_bytes: int | None
    growth_7d_bytes: int | None
    growth_30d_bytes: int | None
    growth_90d_bytes: int | None
    projected_bytes: int | None
    projected_low_bytes: int | None
    projected_high_bytes: int | None
    row_estimate: int | None
    dead_rows: int | None
    bloat_bytes: int | None
    bloat_share: float | None
    bloat_reason: str | None
    sequential_scans: int | None
    index_scans: int | None
    last_vacuum_at: datetime | None
    last_analyze_at: datetime | None
    counted_since: datetime | None
    sized_at: datetime | None
    size_note: str | None
    first_seen_at: datetime
    oid: int

    def json(self) -> dict[str, Any]:
        shown = {name: value for name, value in vars(self).items() if name != "oid"}
        return shown | {"kind": KIND_WORDS[self.kind]}


@dataclass(frozen=True)
class MapTable:
    """A box of the map."""

    schema: str
    name: str
    total_bytes: int
    growth_24h_bytes: int | None
    growth_7d_bytes: int | None
    growth_30d_bytes: int | None
    growth_90d_bytes: int | None


PARENT = aliased(TableState)
COLUMNS: dict[str, Any] = {
    name: getattr(TableState, name)
    for name in (field.name for field in fields(TableRow))
    if name != "parent" and name not in BLOAT
} | {"parent": PARENT.name, **BLOAT}
SORTS = tuple(field.name for field in fields(TableRow) if field.name != "oid")
SCHEMAS = """
with recursive found as (
    select min(schema) as schema
    from {table}
    where target_id = :target_id
    union all
    select (select min(schema) from {table} where target_id = :target_id and schema > found.schema)
    from found
    where found.schema is not null
)
select schema
from found
where schema is not null
order by schema
"""


def _joined(found: Select[Any]) -> Select[Any]:
    """With the table that a partition is a part of, and with bloat."""
    same = (PARENT.target_id == TableState.target_id, PARENT.oid == TableState.parent_oid)
    found = found.outerjoin(PARENT, same[0] & same[1])
    return found.outerjoin(RelationBloat, same_relation(TableState.target_id, TableState.oid))


TOLD = telling(
    _joined(select(*(COLUMNS[field.name].label(field.name) for field in fields(TableRow))).select_from(TableState)),
    TableState.target_id,
    TableState.oid,
)


def table_page(target_id: int, query: ListQuery, as_of: datetime | None) -> ListPage[TableRow]:
    """The tables that fit search and filters; partitions stand under their root unless asked for."""
    column = COLUMNS[query.sort]
    order = column.desc().nulls_last() if query.descending else column.asc().nulls_last()
    chosen = _filtered(select(TableState.oid).where(TableState.target_id == target_id), query)
    if query.sort in {"parent", *BLOAT}:
        chosen = _joined(chosen)
    order_by = (order, TableState.schema, TableState.name)
    seen = (target_id, "tables", None if query.sort in BLOAT else as_of)
    rows, total = shown(chosen, TOLD, order_by, query, seen)
    return ListPage([TableRow(*row) for row in rows], total, query, as_of)


def map_of(target_id: int, query: ListQuery) -> tuple[Group[MapTable], ...]:
    """The largest tables that fit search and filters as boxes in their schemas, and what each schema has besides."""
    columns = [getattr(TableState, field.name) for field in fields(MapTable)]
    named = _filtered(select(*columns), query).where(TableState.target_id == target_id, TableState.total_bytes > 0)
    largest = named.order_by(TableState.total_bytes.desc(), TableState.schema, TableState.name).limit(MOST)
    tables = [MapTable(**row) for row in db.session.execute(largest).mappings()]
    each = named.subquery()
    sums = select(each.c.schema, func.sum(each.c.total_bytes)).group_by(each.c.schema).order_by(each.c.schema)
    rest = {row[0]: int(row[1]) for row in db.session.execute(sums)}
    for table in tables:
        rest[table.schema] -= table.total_bytes
    return grouped([(table.schema, table, table.total_bytes) for table in tables], rest.items())


def largest_tables(target_id: int, limit: int) -> list[TableState]:
    """The largest tables with their partitions folded in: what overviews tell."""
    where = (TableState.target_id == target_id, TableState.parent_oid.is_(None))
    largest = (TableState.total_bytes.desc().nulls_last(), TableState.schema, TableState.name)
    return list(db.session.scalars(select(TableState).where(*where).order_by(*largest).limit(limit)))


def another_until(target_id: int) -> datetime | None:
    """When another server than today's was last read under this name: no number of an object means the same before."""
    same = (Target.id == TableReading.target_id, Target.system_identifier != TableReading.system_identifier)
    last = select(func.max(TableReading.slot)).join(Target, same[0] & same[1])
    return db.session.scalar(last.where(TableReading.target_id == target_id))


def schema_names(
    target_id: int, as_of: datetime | None, table: Literal["table_state", "index_state", "table_vacuum"] = "table_state"
) -> list[str]:  # fmt: skip
    """Schemas that have tables, or indexes, for the filter. Steps from one to the next, past what it holds."""
    asked = text(SCHEMAS.format(table=table))
    return kept((target_id, table, as_of), lambda: list(db.session.scalars(asked, {"target_id": target_id})))


def table_named(target_id: int, schema: str, name: str) -> TableState:
    """The table as last seen. Raises NotFound."""
    if (found := size_named(target_id, schema, name)) is None:
        raise NotFound(
            f"No table {schema}.{name} was there at the last collection; it may have been renamed or dropped."
        )
    return found


def size_named(target_id: int, schema: str, name: str) -> TableState | None:
    """The table's sizes for pages that only mention them."""
    where = (TableState.target_id == target_id, TableState.schema == schema, TableState.name == name)
    return db.session.scalar(select(TableState).where(*where))


def partitions_of(table: TableState, limit: int) -> list[TableState]:
    """Its direct partitions, largest first."""
    where = (TableState.target_id == table.target_id, TableState.parent_oid == table.oid)
    largest = (TableState.total_bytes.desc().nulls_last(), TableState.name)
    return list(db.session.scalars(select(TableState).where(*where).order_by(*largest).limit(limit)))


def table_by_oid(target_id: int, oid: int | None) -> TableState | None:
    return db.session.get(TableState, (target_id, oid)) if oid is not None else None


def indexes_of(table: TableState) -> list[IndexState]:
    where = (IndexState.target_id == table.target_id, IndexState.table_oid == table.oid)
    largest = (IndexState.size_bytes.desc().nulls_last(), IndexState.name)
    return list(db.session.scalars(select(IndexState).where(*where).order_by(*largest)))


def _filtered(found: Select[Any], query: ListQuery) -> Select[Any]:
    if query.filters.get("partitions") != "shown":
        found = found.where(TableState.parent_oid.is_(None))
    if query.q:
        found = found.where((TableState.schema + "." + TableState.name).ilike(query.like()))
    if schema := query.filters.get("schema"):
        found = found.where(TableState.schema == schema)
    if kind := query.filters.get("kind"):
        found = found.where(TableState.kind == KINDS[kind])
    return found
