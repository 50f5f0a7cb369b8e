"""What a collection asks the store: what it knew before, as far as something may have changed."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Text, any_, cast, select

from dashboard.store import db
from dashboard.tables.models import IndexState, TableReading, TableState
from dashboard.tables.records import IndexRecord, IndexTrace, Known, TableRecord, TableTrace
from dashboard.targets.queries import probe_state


def known(target_id: int, system_identifier: str | None) -> Known:
    """What the last collection stored, as far as the next one has to compare; nothing of another server."""
    state, told = probe_state(target_id, "tables"), _last_system(target_id)
    if state is None or state.as_of is None or (told and system_identifier and told != system_identifier):
        return Known({}, {}, None)
    tables = select(
        TableState.oid,
        TableState.digest,
        TableState.write_digest,
        TableState.heap_bytes.is_not(None) & TableState.size_note.is_(None),
    ).where(TableState.target_id == target_id)
    indexes = select(IndexState.oid, IndexState.table_oid, IndexState.digest, IndexState.size_bytes).where(
        IndexState.target_id == target_id
    )
    return Known(
        {row[0]: TableTrace(row[1], row[2], row[3]) for row in db.session.execute(tables)},
        {row[0]: IndexTrace(row[1], row[2], row[3]) for row in db.session.execute(indexes)},
        state.as_of,
    )


def _last_system(target_id: int) -> str | None:
    newest = select(TableReading.system_identifier).where(
        TableReading.target_id == target_id, TableReading.system_identifier.is_not(None)
    )
    return db.session.scalar(newest.order_by(TableReading.slot.desc()).limit(1))


def table_records(target_id: int, oids: Iterable[int]) -> dict[int, TableRecord]:
    """These tables as they were stored, with arrays as texts."""
    return _records(TableState, TableRecord, target_id, list(oids))


def index_records(target_id: int, oids: Iterable[int]) -> dict[int, IndexRecord]:
    return _records(IndexState, IndexRecord, target_id, list(oids))


def _records(model: type[TableState | IndexState], shape: Any, target_id: int, oids: list[int]) -> dict[int, Any]:
    if not oids:
        return {}
    columns = [getattr(model, name) for name in shape._fields]
    told = [cast(column, Text) if isinstance(column.type, ARRAY) else column for column in columns]
    found = select(*told).where(model.target_id == target_id, model.oid == any_(cast(oids, ARRAY(BigInteger()))))
    return {row.oid: row for row in map(shape._make, db.session.execute(found))}
