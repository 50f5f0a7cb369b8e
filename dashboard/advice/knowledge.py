"""What advice is made from, as the store has it: the families of a window, and the tables that they name."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from dashboard.advice.existing import shape
from dashboard.advice.shapes import Column, IndexShape, Table
from dashboard.lists import ListQuery, ListSpec
from dashboard.schema.models import SchemaTable
from dashboard.statements import readings
from dashboard.statements.queries import StatementRow, statements_of_window
from dashboard.statements.windows import Evidence
from dashboard.store import db
from dashboard.tables.models import IndexState, TableState

BLOCK_BYTES = 8192
CUTS = ("total_ms", "blocks", "wal_bytes")
MOST_NAMES = 2_000


def is_there_work(target_id: int, window: timedelta, now: datetime) -> bool:
    """Whether two readings of statements lie in the window."""
    return readings.evidence(target_id, window, now).first_slot is not None


def workload(target_id: int, window: timedelta, now: datetime, most: int) -> tuple[Evidence, list[StatementRow]]:
    """What the window rests on, and its families: the first by time, by blocks and by what they write."""
    known = readings.evidence(target_id, window, now)
    if known.first_slot is None:
        return known, []
    found: dict[int, StatementRow] = {}
    for cut in CUTS:
        spec = ListSpec(sorts=(cut,), default_sort=cut)
        query = ListQuery(spec, "", "", cut, "desc", 1, window, {}, most)
        found |= {row.id: row for row in statements_of_window(target_id, known, query).rows}
    return known, list(found.values())


def tables_named(target_id: int, names: Collection[str], window: timedelta, now: datetime) -> dict[str, list[Table]]:
    """Tables and views of these names in every schema, with their columns and indexes, but without statistics."""
    wanted = sorted(names)[:MOST_NAMES]
    found = select(SchemaTable).where(
        SchemaTable.target_id == target_id, SchemaTable.name.in_(wanted), SchemaTable.kind.in_(("r", "p", "m", "v"))
    )
    known = db.session.execute(
        found.with_only_columns(
            SchemaTable.oid, SchemaTable.schema, SchemaTable.name, SchemaTable.kind, SchemaTable.detail
        ).order_by(SchemaTable.schema, SchemaTable.name)
    ).all()
    oids = [row.oid for row in known]
    states, indexes = _states(target_id, oids), _indexes(target_id, oids)
    tables: dict[str, list[Table]] = defaultdict(list)
    for row in known:
        tables[row.name].append(_table(row, states.get(row.oid), indexes.get(row.oid, ()), window, now))
    return dict(tables)


def index_names(target_id: int, oids: Iterable[int]) -> frozenset[str]:
    """Names that indexes of these tables have already."""
    found = select(IndexState.name).where(IndexState.target_id == target_id, IndexState.table_oid.in_(list(oids)))
    return frozenset(db.session.scalars(found))


def _states(target_id: int, oids: Sequence[int]) -> dict[int, TableState]:
    found = select(TableState).where(TableState.target_id == target_id, TableState.oid.in_(oids))
    return {row.oid: row for row in db.session.scalars(found)}


def _indexes(target_id: int, oids: Sequence[int]) -> dict[int, list[IndexShape]]:
    """Indexes that can be used now: neither invalid nor under construction."""
    found = select(IndexState).where(
        IndexState.target_id == target_id, IndexState.table_oid.in_(oids), IndexState.is_valid, IndexState.is_ready
    )
    shapes: dict[int, list[IndexShape]] = defaultdict(list)
    for row in db.session.scalars(found.order_by(IndexState.table_oid, IndexState.name)):
        shapes[row.table_oid].append(
            shape(
                name=row.name,
                method=row.method,
                columns=row.columns,
                numbers=row.key_columns,
                options=row.options,
                expressions=row.expressions,
                predicate=row.predicate,
                definition=row.definition,
                is_partial=row.is_partial,
                is_unique=row.is_unique,
                pages=row.size_bytes // BLOCK_BYTES if row.size_bytes else None,
            )
        )
    return shapes


def _table(
    row: Any, state: TableState | None, indexes: Sequence[IndexShape], window: timedelta, now: datetime
) -> Table:
    columns = {
        one["name"]: Column(one["name"], one["position"], one["type"]) for one in row.detail.get("columns") or []
    }
    if state is None:
        return Table(row.oid, row.schema, row.name, row.kind, columns, 0, None)
    pages = state.pages or 0
    if state.heap_bytes is not None:
        pages = max(pages, state.heap_bytes // BLOCK_BYTES)
    counted = now - state.counted_since if state.counted_since else None
    part = min(1.0, window / counted) if counted and counted > timedelta(0) else 0.0
    hot = state.rows_hot_updated
    return Table(
        oid=row.oid,
        schema=row.schema,
        name=row.name,
        kind=row.kind,
        columns=columns,
        pages=pages,
        rows=float(state.row_estimate) if state.row_estimate is not None else None,
        indexes=indexes,
        hot_share=hot / state.rows_updated if hot is not None and state.rows_updated else None,
        rows_inserted=(state.rows_inserted or 0) * part,
        rows_updated=(state.rows_updated or 0) * part,
    )
