"""Stores the advice of one run in place of the last one's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from dashboard.advice.asks import Family
from dashboard.advice.definition import Definition
from dashboard.advice.models import AdviceIndex, AdviceReason, AdviceRun
from dashboard.advice.rules import Proposal
from dashboard.advice.shapes import Unread
from dashboard.advice.words import family_json, why
from dashboard.store import db


@dataclass(frozen=True)
class Told:
    """A proposal with its SQL; `verified` is the sentence of HypoPG; both are None while it is an estimate."""

    key: str
    proposal: Proposal
    definition: Definition
    verified: str | None = None
    is_verified: bool | None = None


@dataclass(frozen=True)
class At:
    """The window of a run, and when it was made."""

    since: datetime | None
    until: datetime | None
    now: datetime


def keep_run(run: AdviceRun) -> None:
    values = {column: getattr(run, column) for column in AdviceRun.__table__.columns.keys()}  # noqa: SIM118
    adding = upsert(AdviceRun).values(values)
    db.session.execute(adding.on_conflict_do_update(index_elements=["target_id"], set_=values))


def keep_indexes(target_id: int, found: Sequence[Told], block_bytes: int, at: At) -> None:
    """What is advised again keeps its row, so that links to it stay; the rest goes."""
    known = {row.key: row for row in db.session.scalars(select(AdviceIndex).where(AdviceIndex.target_id == target_id))}
    for told in found:
        row = known.pop(told.key, None)
        if row is None:
            row = AdviceIndex(target_id=target_id, key=told.key, first_seen_at=at.now)
            db.session.add(row)
        for name, value in _values(told, at.now, block_bytes).items():
            setattr(row, name, value)
        row.since, row.until = at.since, at.until
    for row in known.values():
        db.session.delete(row)
    db.session.flush()


def keep_reasons(target_id: int, reasons: Mapping[int, Unread], families: Mapping[int, Family]) -> None:
    db.session.execute(delete(AdviceReason).where(AdviceReason.target_id == target_id))
    rows = [
        {
            "target_id": target_id,
            "family_id": family_id,
            "code": reason.code,
            "sentence": reason.sentence,
            "calls": families[family_id].calls,
            "total_ms": families[family_id].total_ms,
            "blocks": families[family_id].blocks,
            "has_plan": families[family_id].scans is not None,
        }
        for family_id, reason in sorted(reasons.items())
    ]
    if rows:
        db.session.execute(insert(AdviceReason), rows)


def _values(told: Told, now: datetime, block_bytes: int) -> dict[str, object]:
    proposal, definition = told.proposal, told.definition
    return {
        "schema": proposal.table.schema,
        "table_name": proposal.table.name,
        "name": definition.name,
        "method": proposal.index.method,
        "columns": definition.columns,
        "predicate": definition.predicate,
        "create_sql": definition.create_sql,
        "drop_sql": definition.drop_sql,
        "note": definition.note,
        "why": why(proposal),
        "saved_low_ms": proposal.saved_ms.low,
        "saved_high_ms": proposal.saved_ms.high,
        "saved_ms": proposal.likely_ms,
        "family_count": len(proposal.gains),
        "families": [family_json(one) for one in proposal.gains],
        "size_bytes": proposal.size_bytes,
        "table_bytes": proposal.table.pages * block_bytes,
        "written_entries": round(proposal.write.entries),
        "written_bytes": round(proposal.write.bytes),
        "hot_lost": round(proposal.write.hot_lost),
        "write_low_ms": proposal.write_ms.low,
        "write_high_ms": proposal.write_ms.high,
        "verified_at": now if told.is_verified else None,
        "verified_note": told.verified,
    }
