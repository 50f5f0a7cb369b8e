"""Stores the verdicts of a judgement."""

import json
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import delete, select, text

from dashboard.store import db
from dashboard.tables.models import IndexState, IndexVerdict

AT_ONCE = 2_000
NAMES = ("verdict", "why", "since", "scans", "own_scans", "used_at", "trouble")


def keep(target_id: int, verdicts: Iterable[Mapping[str, Any]]) -> None:
    """All verdicts of a target, some thousands in a statement; what says the same is not written."""
    rest = iter(verdicts)
    while some := list(islice(rest, AT_ONCE)):
        rows = json.dumps([{"target_id": target_id, **verdict} for verdict in some], default=str)
        db.session.execute(text(_KEEP), {"rows": rows})
    known = select(IndexState.oid).where(IndexState.target_id == target_id)
    gone = delete(IndexVerdict).where(IndexVerdict.target_id == target_id, IndexVerdict.oid.not_in(known))
    db.session.execute(gone)


def _names(prefix: str = "") -> str:
    return ", ".join(f"{prefix}{name}" for name in NAMES)


# The names are those of our own model; every value is bound.
_KEEP = f"""
    insert into index_verdict (target_id, oid, {_names()})
    select target_id, oid, {_names()}
    from json_populate_recordset(cast(null as index_verdict), cast(:rows as json))
    on conflict (target_id, oid) do update
    set ({_names()}) = row({_names("excluded.")})
    where ({_names("index_verdict.")}) is distinct from ({_names("excluded.")})
"""  # noqa: S608
