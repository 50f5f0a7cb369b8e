"""How every room that judges hands in its findings, in its own transaction."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert

from dashboard.findings.models import Finding as Row
from dashboard.findings.models import FindingRun
from dashboard.findings.rules import Finding
from dashboard.store import db

T = TypeVar("T")
AT_ONCE = 2_000
REMEMBER_ENDED = timedelta(days=400)
FOUND = (
    "source", "rule", "level", "subject", "title", "why", "href", "since", "up", "down", "in_transaction", "note",
    "bytes", "detail",
)  # fmt: skip


def keep(
    target_id: int, source: str, findings: Iterable[Finding], now: datetime, *, note: str | None = None
) -> None:  # fmt: skip
    """All that a source found this time: new ones open, known ones stay, returning ones reopen, missing ones end.

    A statement for some thousands of them; rows that say the same as before are not written. The caller commits.
    `note` is a sentence about what could not be judged yet.
    """
    old = delete(Row).where(Row.target_id == target_id, Row.source == source, Row.ended_at < now - REMEMBER_ENDED)
    db.session.execute(old)
    keys = set[str]()
    for some in batched(findings, AT_ONCE):
        by_key = {one.key: one for one in some if one.key not in keys}
        keys |= by_key.keys()
        rows = ",".join(json.dumps(_row(target_id, source, one, now), default=str) for one in by_key.values())
        db.session.execute(text(_KEEP), {"rows": f"[{rows}]"})
    db.session.execute(text(_END), {"target_id": target_id, "source": source, "now": now, "keys": list(keys)})
    run = {"at": now, "found": len(keys), "note": note}
    kept = insert(FindingRun).values(target_id=target_id, source=source, **run)
    db.session.execute(kept.on_conflict_do_update(index_elements=["target_id", "source"], set_=run))


def batched(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    """In lists of at most `size`: one statement for each keeps the memory of a worker small."""
    rest = iter(rows)
    while some := list(islice(rest, size)):
        yield some


def _row(target_id: int, source: str, finding: Finding, now: datetime) -> dict[str, Any]:
    remedy = finding.remedy
    found = {name: getattr(finding, name) for name in FOUND if hasattr(finding, name)}
    return found | {
        "target_id": target_id,
        "source": source,
        "key": finding.key,
        "up": remedy.up if remedy else (),
        "down": remedy.down if remedy else (),
        "in_transaction": remedy.in_transaction if remedy else True,
        "note": remedy.note if remedy else None,
        "detail": dict(finding.detail),
        "first_seen_at": now,
        "opened_at": now,
        "version": 1,
    }


def _names(prefix: str = "") -> str:
    return ", ".join(f"{prefix}{name}" for name in FOUND)


_END = """
    update finding
    set ended_at = :now
    where target_id = :target_id
        and source = :source
        and ended_at is null
        and not exists (select from unnest(cast(:keys as text[])) as found(key) where found.key = finding.key)
"""
# The names are those of our own model; every value is bound.
_KEEP = f"""
    insert into finding (target_id, key, first_seen_at, opened_at, version, {_names()})
    select target_id, key, first_seen_at, opened_at, version, {_names()}
    from json_populate_recordset(cast(null as finding), cast(:rows as json))
    on conflict (target_id, key) do update
    set ({_names()}) = row({_names("excluded.")}),
        opened_at = case when finding.ended_at is null then finding.opened_at else excluded.opened_at end,
        ended_at = null
    where finding.ended_at is not null
        or ({_names("finding.")}) is distinct from ({_names("excluded.")})
"""  # noqa: S608
