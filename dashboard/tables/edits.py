"""Stores what a collection found: new rows, changed rows, and the end of what vanished."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, or_, text

from dashboard.changes.record import record
from dashboard.store import copy_in, db
from dashboard.tables.marks import Mark
from dashboard.tables.models import IndexState, IndexVerdict, RelationBloat, TableState
from dashboard.tables.records import IndexRecord, TableRecord

Records = Sequence[TableRecord | IndexRecord]


def write(target_id: int, records: Records, old: Mapping[int, Any]) -> None:
    """New rows are copied in, changed ones replaced; the caller commits."""
    if not records:
        return
    table = (TableState if isinstance(records[0], TableRecord) else IndexState).__tablename__
    _copy(table, target_id, [row for row in records if row.oid not in old])
    _replace(table, target_id, [row for row in records if row.oid in old and row != old[row.oid]])


def copy_indexes(lines: Iterable[bytes]) -> None:
    """New indexes, each a line as COPY reads it, the target first; the caller commits."""
    told = b"".join(line + b"\n" for line in lines)
    if not told:
        return
    driver: Any = db.session.connection().connection.driver_connection
    columns = ", ".join(("target_id", *IndexRecord._fields))
    with driver.cursor() as cursor, cursor.copy(f"copy {IndexState.__tablename__} ({columns}) from stdin") as into:
        into.write(told)


def forget(target_id: int, tables: Iterable[int], indexes: Iterable[int]) -> None:
    """Tables and indexes that are no longer there, with what was said of them: a number may be given again."""
    tables, indexes = list(tables), list(indexes)
    of_tables = (TableState.oid.in_(tables), TableState)
    of_indexes = ((model.oid.in_(indexes), model) for model in (IndexState, IndexVerdict))
    measured = or_(RelationBloat.table_oid.in_(tables), RelationBloat.oid.in_(indexes))
    if tables or indexes:
        for gone, model in (of_tables, *of_indexes, (measured, RelationBloat)):
            db.session.execute(delete(model).where(model.target_id == target_id, gone))


def forget_all(target_id: int) -> None:
    """Another server answers: its tables are others, even where a number is the same."""
    for model in (TableState, IndexState, IndexVerdict, RelationBloat):
        db.session.execute(delete(model).where(model.target_id == target_id))


def mark(target_id: int, marks: Iterable[Mark], noticed_after: datetime) -> None:
    """Put what happened to tables and indexes into the change lane."""
    for one in marks:
        record(
            one.kind,
            one.title,
            subject=one.subject,
            target_id=target_id,
            at=one.at,
            noticed_after=None if one.is_exact else noticed_after,
            detail=one.detail,
            dedupe_key=f"{one.key}:{target_id}",
        )


def _copy(table: str, target_id: int, records: Records) -> None:
    if not records:
        return
    copy_in(table, ("target_id", *records[0]._fields), ((target_id, *row) for row in records))


def _replace(table: str, target_id: int, records: Records) -> None:
    """All rows as one JSON value in one statement; arrays are texts in it, as PostgreSQL wrote them."""
    if not records:
        return
    names = records[0]._fields
    replaced = ", ".join(f"{name} = r.{name}" for name in names if name != "oid")
    db.session.execute(
        text(f"""
            update {table} as s
            set {replaced}
            from json_populate_recordset(cast(null as {table}), cast(:rows as json)) as r
            where
                s.target_id = :target_id
                and s.oid = r.oid
        """),  # noqa: S608 - the names are those of our own models
        {"target_id": target_id, "rows": json.dumps([row._asdict() for row in records], default=str)},
    )
