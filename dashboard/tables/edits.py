"""Stores what a collection found: changed rows only, samples, and the end of what vanished."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert

from dashboard.store import db
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
        adding = insert(TableSample).on_conflict_do_nothing().execution_options(render_nulls=True)
        db.session.execute(adding, samples)


def _changed(rows: Iterable[Any], known: Mapping[int, Any]) -> list[Any]:
    return [row for row in rows if row != known.get(row.oid)]


def _upsert(model: type[TableState | IndexState], target_id: int, rows: Sequence[Any]) -> None:
    """All rows as one JSON value in one statement: some thirty times faster than a statement for each."""
    if not rows:
        return
    name, columns = model.__tablename__, model.__table__.columns.keys()
    listed = ", ".join(columns)
    replaced = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in {"target_id", "oid"})
    db.session.execute(
        text(f"""
            insert into {name} ({listed})
            select {listed}
            from json_populate_recordset(cast(null as {name}), cast(:rows as json))
            on conflict (target_id, oid) do update set {replaced}
        """),  # noqa: S608 - the names are those of our own models
        {"rows": json.dumps([{"target_id": target_id, **vars(row)} for row in rows], default=str)},
    )


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
