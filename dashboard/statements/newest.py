"""Families of every target that are slow now, for alerts."""

from datetime import datetime

from sqlalchemy import func, select

from dashboard.statements.models import StatementFamily, StatementReading, StatementSample
from dashboard.statements.queries import SlowestRow
from dashboard.statements.texts import one_line
from dashboard.store import db

MOST = 500


def targets_read_since(since: datetime) -> set[int]:
    """Targets whose statements were read since then."""
    found = select(StatementReading.target_id).where(StatementReading.slot >= since).distinct()
    return set(db.session.scalars(found))


def families_slower_than(since: datetime, mean_ms: float) -> list[SlowestRow]:
    """Families whose calls since then took this long on average or longer, the most total time first."""
    sample = StatementSample
    calls, total = func.sum(sample.calls), func.sum(sample.total_ms)
    slow = (
        select(sample.target_id, sample.family_id, calls.label("calls"), total.label("total_ms"))
        .where(sample.slot > since)
        .group_by(sample.target_id, sample.family_id)
        .having(calls > 0, total >= mean_ms * calls)
        .order_by(total.desc(), sample.family_id)
        .limit(MOST)
        .subquery()
    )
    found = select(StatementFamily.id, slow.c.target_id, StatementFamily.text, slow.c.calls, slow.c.total_ms).join(
        slow, slow.c.family_id == StatementFamily.id
    )
    return [
        SlowestRow(family_id, of, one_line(text), int(ran), ms, ms / int(ran))
        for family_id, of, text, ran, ms in db.session.execute(found.order_by(slow.c.total_ms.desc()))
    ]
