"""Questions to the stored readings: what a window rests on, and what was lost in it."""

from datetime import datetime, timedelta

from sqlalchemy import and_, func, literal, or_, select

from dashboard.statements.models import StatementReading, StatementSample
from dashboard.statements.ranking import kept
from dashboard.statements.windows import EPOCH, Evidence, Interval, Loss
from dashboard.store import db

MOST_LOSSES = 5
LATE = timedelta(minutes=2)


def last_reading(target_id: int) -> StatementReading | None:
    found = select(StatementReading).where(StatementReading.target_id == target_id)
    return db.session.scalar(found.order_by(StatementReading.slot.desc()).limit(1))


def newest_end(last: StatementReading | None, now: datetime) -> datetime:
    """Where a window that ends now does end: at the last reading while they come, the same for a whole minute."""
    return last.slot if last and timedelta(0) < now - last.slot < LATE else now


def evidence(
    target_id: int, window: timedelta, now: datetime, last: StatementReading | None = None
) -> Evidence:  # fmt: skip
    """The readings of a window. One that spans its start belongs to it when more than half of it lies within.

    Where the `last` reading of all is given it is looked up once for as long as that is the last.
    """
    if last is None:
        return _evidence(target_id, window, now)
    return kept((target_id, window, now, last.slot), lambda: _evidence(target_id, window, now))


def _evidence(target_id: int, window: timedelta, now: datetime) -> Evidence:
    start = now - window
    since, slot = StatementReading.since, StatementReading.slot
    middle_is_inside = or_(since >= start, slot - literal(start) >= literal(start) - since)
    inside = and_(
        StatementReading.target_id == target_id,
        slot > start,
        slot <= now,
        or_(since.is_(None), middle_is_inside),
    )
    lossy = StatementReading.reason.is_not(None)
    told = db.session.execute(
        select(
            func.min(slot).filter(since.is_not(None)).label("first_slot"),
            func.min(since).label("since"),
            func.max(slot).filter(since.is_not(None)).label("until"),
            func.coalesce(func.sum(StatementReading.readings).filter(since.is_not(None)), 0).label("readings"),
            func.count().filter(lossy).label("incomplete"),
            func.coalesce(func.sum(slot - since), timedelta(0)).label("covered"),
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
    numbers |= {"covered_ms": numbers.pop("covered") / timedelta(milliseconds=1), "readings": int(told.readings)}
    return Evidence(start=start, end=now, losses=losses, **numbers)


def intervals_of(target_id: int, family_id: int, known: Evidence, step: timedelta) -> list[Interval]:
    """What a family did, bucket by bucket; a bucket that was watched while it did nothing counts zero calls."""
    if known.first_slot is None:
        return []
    reading, sample = StatementReading, StatementSample
    same = and_(sample.target_id == reading.target_id, sample.slot == reading.slot, sample.family_id == family_id)
    at = func.date_bin(literal(step), reading.slot, literal(EPOCH)).label("at")
    covered_s = func.sum(func.extract("epoch", reading.slot - reading.since))
    blocks = sample.shared_hit + sample.shared_read
    counted = (sample.calls, sample.total_ms, sample.squares_ms2, sample.rows, blocks)
    is_complete = func.bool_and(reading.reason.is_(None))
    found = (
        select(at, covered_s * 1000, is_complete, *(func.coalesce(func.sum(column), 0) for column in counted))
        .select_from(reading)
        .outerjoin(sample, same)
        .where(reading.target_id == target_id, reading.slot.between(known.first_slot, known.until))
        .where(reading.since.is_not(None))
        .group_by(at)
        .order_by(at)
    )
    return [
        Interval(begin, float(covered_ms), int(calls), total_ms, squares, int(rows), int(blocks), is_complete)
        for begin, covered_ms, is_complete, calls, total_ms, squares, rows, blocks in db.session.execute(found)
    ]
