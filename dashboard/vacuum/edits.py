"""Stores what a collection found about vacuum and sequences: rows that changed, samples, the end of what vanished."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, all_, any_, delete, literal, text
from sqlalchemy.dialects.postgresql import insert

from dashboard.store import Base, copy_in, db
from dashboard.vacuum.models import SequenceSample, SequenceState, TableVacuum, VacuumState, XidSample
from dashboard.vacuum.rows import Counters, Table

OIDS = ARRAY(BigInteger())
AT_ONCE = 2_000


def store_tables(target_id: int, tables: Sequence[Table], before: Mapping[int, Table]) -> None:
    """`before`: all tables that are stored. New ones are copied in; what says the same as before is not sent."""
    if gone := before.keys() - {table.oid for table in tables}:
        is_gone = TableVacuum.oid == any_(literal(list(gone), OIDS))
        db.session.execute(delete(TableVacuum).where(TableVacuum.target_id == target_id, is_gone))
    new = [table for table in tables if table.oid not in before]
    if new:
        copy_in("table_vacuum", ("target_id", *Table._fields), ((target_id, *table) for table in new))
    changed = (table for table in tables if (old := before.get(table.oid)) is not None and old != table)
    _upsert(TableVacuum, target_id, [table._asdict() for table in changed])


def store_counters(target_id: int, slot: datetime, counters: Counters, told: Mapping[str, Any]) -> None:
    """`told`: databases, holders and oldest, as the probes answered. A sample is written when ids were used."""
    before = db.session.get(VacuumState, target_id)
    ids = (counters.next_xid, counters.next_multixact)
    if before is None or (before.next_xid, before.next_multixact) != ids:
        sample = {"target_id": target_id, "slot": slot, "next_xid": ids[0], "next_multixact": ids[1]}
        db.session.execute(insert(XidSample).values(sample).on_conflict_do_nothing())
    row = {
        "target_id": target_id,
        "slot": slot,
        "is_standby": counters.is_standby,
        "is_autovacuum_on": counters.is_autovacuum_on,
        "next_xid": ids[0],
        "next_multixact": ids[1],
        "limits": dict(counters.settings),
        "wraparound_vacuums": counters.wraparound_vacuums,
        **{name: json.loads(json.dumps(value, default=str)) for name, value in told.items()},
    }
    adding = insert(VacuumState).values(row)
    db.session.execute(adding.on_conflict_do_update(index_elements=["target_id"], set_=row))
    db.session.expire_all()


def store_sequences(target_id: int, rows: Sequence[Mapping[str, Any]], samples: Sequence[Mapping[str, Any]]) -> None:
    _upsert(SequenceState, target_id, rows)
    gone = SequenceState.oid != all_(literal([row["oid"] for row in rows], OIDS))
    db.session.execute(delete(SequenceState).where(SequenceState.target_id == target_id, gone))
    if samples:
        values = [{"target_id": target_id} | dict(sample) for sample in samples]
        db.session.execute(insert(SequenceSample).on_conflict_do_nothing(), values)


def _upsert(model: type[Base], target_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Some thousands of rows as one JSON value; of those that say the same as before not even a lock is taken."""
    name, columns = model.__tablename__, model.__table__.columns.keys()
    values = [column for column in columns if column not in {"target_id", "oid"}]
    ours, theirs, new = (", ".join(f"{table}.{column}" for column in values) for table in ("s", "excluded", "r"))
    statement = text(f"""
        insert into {name} ({", ".join(columns)})
        select {", ".join(f"r.{column}" for column in columns)}
        from json_populate_recordset(cast(null as {name}), cast(:rows as json)) as r
        left join {name} s
            on s.target_id = :target_id
            and s.oid = r.oid
        where
            s.oid is null
            or ({ours}) is distinct from ({new})
        on conflict (target_id, oid) do update
        set ({", ".join(values)}) = row({theirs})
    """)  # noqa: S608 - the names are those of our own models
    for start in range(0, len(rows), AT_ONCE):
        some = [{"target_id": target_id} | dict(row) for row in rows[start : start + AT_ONCE]]
        db.session.execute(statement, {"target_id": target_id, "rows": json.dumps(some, default=str)})
