"""Families of every target that are slow now, for alerts."""

from datetime import datetime

from sqlalchemy import select

from dashboard.statements.models import StatementReading
from dashboard.statements.queries import SlowestRow, slowest
from dashboard.statements.sums import rows_since
from dashboard.store import db

MOST = 500


def targets_read_since(since: datetime) -> set[int]:
    """Targets whose statements were read since then."""
    found = select(StatementReading.target_id).where(StatementReading.slot >= since).distinct()
    return set(db.session.scalars(found))


def families_slower_than(since: datetime, mean_ms: float) -> list[SlowestRow]:
    """Families whose calls since then took this long on average or longer, the most total time first."""
    rows, asked = rows_since(since)
    having = "sum(calls) > 0 and sum(total_ms) >= :mean_ms * sum(cast(calls as float8))"
    return slowest(rows, asked | {"limit": MOST, "mean_ms": mean_ms}, having)
