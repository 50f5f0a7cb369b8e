"""Stores the verdicts of a judgement."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text

from dashboard.store import db

NAMES = ("verdict", "why", "since", "scans", "own_scans", "used_at", "trouble")


def keep(target_id: int, verdicts: Sequence[Mapping[str, Any]]) -> None:
    """All verdicts of a target in one statement; what says the same is not written, what vanished is forgotten."""
    rows = json.dumps([{"target_id": target_id, **verdict} for verdict in verdicts], default=str)
    db.session.execute(text(_STATEMENT), {"target_id": target_id, "rows": rows})


def _names(prefix: str = "") -> str:
    return ", ".join(f"{prefix}{name}" for name in NAMES)


# The names are those of our own model; every value is bound.
_STATEMENT = f"""
    with judged as (
        select *
        from json_populate_recordset(cast(null as index_verdict), cast(:rows as json))
    ), forgotten as (
        delete from index_verdict
        where target_id = :target_id
            and not exists (select from judged where judged.oid = index_verdict.oid)
    )
    insert into index_verdict (target_id, oid, {_names()})
    select target_id, oid, {_names()}
    from judged
    on conflict (target_id, oid) do update
    set ({_names()}) = row({_names("excluded.")})
    where ({_names("index_verdict.")}) is distinct from ({_names("excluded.")})
"""  # noqa: S608
