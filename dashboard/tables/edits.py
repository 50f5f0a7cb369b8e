"""Stores what a collection found: changed rows only, samples, and the end of what vanished."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from dashboard.store import Base, db
from dashboard.tables import rules
from dashboard.tables.models import IndexState, TableSample, TableState
from dashboard.tables.rows import Index, Known, Table


def store(target_id: int, tables: Sequence[Table], indexes: Sequence[Index], known: Known, slot: datetime) -> None:
    """All of one collection; the caller commits."""
    _upsert(TableState, target_id, _changed(tables, known.tables))
    _upsert(IndexState, target_id, _changed(indexes, known.indexes))
    _forget(TableState, target_id, known.tables.keys() - {row.oid for row in tables})
    _forget(IndexState, target_id, known.indexes.keys() - {row.oid for row in indexes})
    samples = [_sample(target_id, row, slot) for row in rules.new_samples(tables, slot)]
    if samples:
        db.session.execute(insert(TableSample).on_conflict_do_nothing(), samples)


def _changed(rows: Iterable[Any], known: Mapping[int, Any]) -> list[Any]:
    return [row for row in rows if row != known.get(row.oid)]


def _upsert(model: type[Base], target_id: int, rows: Sequence[Any]) -> None:
    if not rows:
        return
    adding = insert(model)
    names = [field.name for field in fields(rows[0])]
    replacing = adding.on_conflict_do_update(
        index_elements=["target_id", "oid"], set_={name: adding.excluded[name] for name in names if name != "oid"}
    )
    db.session.execute(replacing, [{"target_id": target_id, **vars(row)} for row in rows])


def _forget(model: type[TableState | IndexState], target_id: int, oids: Iterable[int]) -> None:
    gone = list(oids)
    if gone:
        db.session.execute(delete(model).where(model.target_id == target_id, model.oid.in_(gone)))


def _sample(target_id: int, row: Table, slot: datetime) -> dict[str, Any]:
    return {
        "target_id": target_id,
        "oid": row.oid,
        "slot": slot,
        "heap_bytes": row.heap_bytes,
        "toast_bytes": row.toast_bytes,
        "index_bytes": row.index_bytes,
        "row_estimate": row.row_estimate,
    }
