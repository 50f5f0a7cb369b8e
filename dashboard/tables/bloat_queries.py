"""Questions about bloat to the store."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import and_, func, or_, select

from dashboard.store import db
from dashboard.tables.bloat import PAGE
from dashboard.tables.bloat_findings import Bloated
from dashboard.tables.bloat_rules import FLOOR_BYTES, line
from dashboard.tables.models import IndexState, RelationBloat, TableState
from dashboard.tables.queries import indexes_of
from dashboard.targets.queries import probe_state


def shown(target_id: int, table: TableState) -> dict[str, Any]:
    """What the bloat part of a table's page tells: the heap, its TOAST, then its b-trees, largest first."""
    known = bloat_of(target_id, table.oid)
    state = probe_state(target_id, "bloat")
    indexes = [index for index in indexes_of(table) if index.method == "btree"]
    lines = [line(table.oid, table.name, "table", table.heap_bytes, known.get(table.oid))]
    if table.toast_bytes and table.kind != "p":
        toast = toast_of(known)
        lines.append(line(toast.oid if toast else 0, "TOAST", "toast", table.toast_bytes, toast))
    lines += [line(index.oid, index.name, "index", index.size_bytes, known.get(index.oid)) for index in indexes]
    return {"bloat": lines, "bloat_state": state}


def sizes_now(target_id: int) -> dict[int, tuple[int, int]]:
    """Of tables and indexes of half a MB and more: their pages when last analyzed or vacuumed, and as last measured."""
    table = select(TableState.oid, TableState.pages, TableState.heap_bytes // PAGE).where(
        TableState.target_id == target_id, TableState.heap_bytes >= PAGE * 64, TableState.size_note.is_(None)
    )
    index = select(IndexState.oid, IndexState.pages, IndexState.size_bytes // PAGE).where(
        IndexState.target_id == target_id, IndexState.size_bytes >= PAGE * 64
    )
    found = db.session.execute(table.union_all(index))
    return {oid: (pages, pages_now or 0) for oid, pages, pages_now in found if pages is not None}


def bloat_of(target_id: int, table_oid: int) -> dict[int, RelationBloat]:
    """What is known of a table and its indexes, by oid."""
    found = select(RelationBloat).where(RelationBloat.target_id == target_id, RelationBloat.table_oid == table_oid)
    return {row.oid: row for row in db.session.scalars(found.order_by(RelationBloat.oid))}


def toast_of(known: Mapping[int, RelationBloat]) -> RelationBloat | None:
    """What is known of the table's long values, which are stored aside."""
    return next((row for row in known.values() if row.kind == "toast"), None)


def large_bloat(target_id: int) -> Sequence[Bloated]:
    """Everything at or above the floor that stores rows itself: what the findings are made of."""
    table = and_(TableState.target_id == target_id, TableState.oid == RelationBloat.table_oid)
    index = and_(IndexState.target_id == target_id, IndexState.oid == RelationBloat.oid)
    known = (RelationBloat.bloat_bytes, RelationBloat.measured_bytes, RelationBloat.residue_bytes)
    fields = [name for name in Bloated.__dataclass_fields__ if hasattr(RelationBloat, name)]
    found = (
        select(
            TableState.schema,
            TableState.name.label("table_name"),
            func.coalesce(IndexState.name, TableState.name).label("name"),
            TableState.options,
            *(getattr(RelationBloat, name) for name in fields),
        )
        .join(TableState, table)
        .outerjoin(IndexState, index)
        .where(RelationBloat.target_id == target_id, or_(*(column >= FLOOR_BYTES for column in known)))
        .where(func.coalesce(IndexState.kind, TableState.kind).not_in(("p", "I")))
        .where(or_(RelationBloat.kind == "table", IndexState.oid.is_not(None)))
        .order_by(RelationBloat.oid)
    )
    return [Bloated(**row) for row in db.session.execute(found).mappings()]
