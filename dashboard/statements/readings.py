"""Questions to the stored readings: what a window rests on, and what was lost in it."""

from datetime import datetime, timedelta

from sqlalchemy import and_, func, literal, or_, select

from dashboard.statements.models import StatementReading
from dashboard.statements.windows import Evidence, Loss
from dashboard.store import db

MOST_LOSSES = 5


def last_reading(target_id: int) -> StatementReading | None:
    found = select(StatementReading).where(StatementReading.target_id == target_id)
    return db.session.scalar(found.order_by(StatementReading.slot.desc()).limit(1))


def evidence(target_id: int, window: timedelta, now: datetime) -> Evidence:
    """The readings of a window. One that spans its start belongs to it when more than half of it lies within."""
    start = now - window
    since, slot = StatementReading.since, StatementReading.slot
    middle_is_inside = slot - literal(start) >= literal(start) - since
    inside = and_(
        StatementReading.target_id == target_id,
        slot > start,
        slot <= now,
        or_(since.is_(None), middle_is_inside),
    )
    lossy = StatementReading.reason.is_not(None)
    covered_s = func.coalesce(func.sum(func.extract("epoch", slot - since)), 0)
    told = db.session.execute(
        select(
            func.min(slot).filter(since.is_not(None)).label("first_slot"),
            func.min(since).label("since"),
            func.max(slot).filter(since.is_not(None)).label("until"),
            func.coalesce(func.sum(StatementReading.readings).filter(since.is_not(None)), 0).label("readings"),
            func.count().filter(lossy).label("incomplete"),
            (covered_s * 1000).label("covered_ms"),
            func.coalesce(func.max(StatementReading.hidden_entries), 0).label("hidden_entries"),
            func.coalesce(func.sum(StatementReading.hidden_ms), 0).label("hidden_ms"),
            func.max(StatementReading.own_role).label("own_role"),
        ).where(inside)
    ).one()
    losses: list[Loss] = []
    if told.incomplete:
        found = select(since, slot, StatementReading.reason).where(inside, lossy).order_by(slot.desc())
        losses = [Loss(*row) for row in db.session.execute(found.limit(MOST_LOSSES))]
    numbers = dict(told._mapping)  # noqa: SLF001 - from a row to its fields
    numbers |= {"covered_ms": float(told.covered_ms), "readings": int(told.readings)}
    return Evidence(start=start, end=now, losses=losses, **numbers)
