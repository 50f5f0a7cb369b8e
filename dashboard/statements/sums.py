"""What each family added in a window, from the fewest rows that hold it."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, Subquery, case, func, select, union_all

from dashboard.rollup import hours_kept, minutes_kept
from dashboard.statements.blocks import Part, cover
from dashboard.statements.models import StatementSample, StatementSum
from dashboard.statements.windows import Evidence
from dashboard.store import db

ADDED = ("calls", "total_ms", "squares_ms2", "rows", "shared_hit", "shared_read", "temp_blocks", "wal_bytes")
TOLD = (*ADDED, "io_ms", "max_ms", "max_bound_ms")


def sums_of(target_id: int, known: Evidence, family_id: int | None = None) -> Subquery:
    """A row for each family that did something, or for this one: whole blocks where they lie in the window, readings
    at its ends.
    """
    parts = _together(target_id, known, family_id)
    return (
        select(
            parts.c.family_id,
            *(func.sum(parts.c[name]).label(name) for name in ADDED),
            case((func.bool_and(parts.c.io_ms.is_not(None)), func.sum(parts.c.io_ms))).label("io_ms"),
            func.max(parts.c.max_ms).label("max_ms"),
            case((func.bool_and(parts.c.max_bound_ms.is_not(None)), func.max(parts.c.max_bound_ms))).label(
                "max_bound_ms"
            ),
        )
        .group_by(parts.c.family_id)
        .subquery()
    )


def total_ms(target_id: int, known: Evidence) -> float:
    """The time of all visible statements in the window."""
    parts = _together(target_id, known, None)
    return float(db.session.scalar(select(func.coalesce(func.sum(parts.c.total_ms), 0))) or 0)


def _together(target_id: int, known: Evidence, family_id: int | None) -> Subquery:
    rows = [_rows(target_id, part) for part in _parts(known)]
    if family_id is not None:
        rows = [found.where(found.selected_columns.family_id == family_id) for found in rows]
    return union_all(*rows).subquery()


def _parts(known: Evidence) -> list[Part]:
    if known.first_slot is None or known.since is None or known.until is None:
        return [Part(0, known.end, known.start)]
    now = datetime.now(UTC)
    kept_from = {10: now - minutes_kept(), 60: now - hours_kept()}
    return cover(known.first_slot, known.since, known.until, kept_from)


def _rows(target_id: int, part: Part) -> Select[Any]:
    table = StatementSum if part.minutes else StatementSample
    columns = [getattr(table, name) for name in ("family_id", *TOLD)]
    found = select(*columns).where(table.target_id == target_id, table.slot >= part.since)
    if part.minutes:
        return found.where(StatementSum.minutes == part.minutes, StatementSum.slot < part.until)
    return found.where(table.slot <= part.until)
