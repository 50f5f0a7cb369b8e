"""Stores estimates and measurements of bloat."""

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text

from dashboard.store import db
from dashboard.tables.bloat import PAGE, SMALL
from dashboard.tables.bloat_rules import Found

FIELDS = tuple(Found.__dataclass_fields__)


def keep(target_id: int, rows: Sequence[Found], late: Sequence[int], now: datetime) -> None:
    """All estimates of one collection; unchanged ones are not written, those of `late` tables stay as they are."""
    values = [{"target_id": target_id, "estimated_at": now} | vars(row) for row in rows]
    bound = {"target_id": target_id, "rows": json.dumps(values, default=str), "late": list(late)}
    db.session.execute(text(_UPSERT), bound)
    db.session.execute(text(_FORGET), bound | {"oids": [row.oid for row in rows]})


def keep_measurement(target_id: int, row: Found, measured: int, share: float, author: str, now: datetime) -> None:
    """What somebody had measured just now; a relation too small to be estimated gets its first row."""
    values = {"target_id": target_id, "estimated_at": now, "measured_bytes": measured, "measured_share": share}
    values |= {"measured_at": now, "measured_by": author} | vars(row)
    db.session.execute(text(_MEASURED), {"rows": json.dumps([values], default=str)})


def bare(oid: int, table_oid: int, kind: str, size_bytes: int) -> Found:
    """A relation that has no estimate, only a measurement."""
    return Found(oid, table_oid, kind, size_bytes // PAGE, None, None, None, is_random=False, reason=SMALL)


# The names are those of our own model; every value is bound.
_NAMES = ", ".join(FIELDS)
_READ = "from json_populate_recordset(cast(null as relation_bloat), cast(:rows as json))"
_UPSERT = f"""
    insert into relation_bloat (target_id, estimated_at, {_NAMES})
    select target_id, estimated_at, {_NAMES}
    {_READ}
    on conflict (target_id, oid) do update
    set (estimated_at, {_NAMES}) = row(excluded.estimated_at, {", ".join(f"excluded.{name}" for name in FIELDS)})
    where ({", ".join(f"relation_bloat.{name}" for name in FIELDS)})
        is distinct from ({", ".join(f"excluded.{name}" for name in FIELDS)})
"""  # noqa: S608
_FORGET = """
    delete from relation_bloat
    where target_id = :target_id
        and oid <> all(cast(:oids as bigint[]))
        and table_oid <> all(cast(:late as bigint[]))
        and measured_at is null
"""
_TAKEN = ("measured_bytes", "measured_share", "measured_at", "measured_by")
_MEASURED = f"""
    insert into relation_bloat (target_id, estimated_at, {_NAMES}, {", ".join(_TAKEN)})
    select target_id, estimated_at, {_NAMES}, {", ".join(_TAKEN)}
    {_READ}
    on conflict (target_id, oid) do update
    set ({", ".join(_TAKEN)}) = row({", ".join(f"excluded.{name}" for name in _TAKEN)})
"""  # noqa: S608
