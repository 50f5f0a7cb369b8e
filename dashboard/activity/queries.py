"""Questions to the stored activity: what the sessions did over the last hours."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, literal, select

from dashboard.activity.models import ActivitySample
from dashboard.store import db

MOST_POINTS = 240
HOUR = timedelta(hours=1)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Busy:
    """The most sessions of each kind that were seen at once in a step of time."""

    at: datetime
    active: int
    waiting: int
    idle_in_transaction: int
    blocked: int


def step_of(window: timedelta, minutes_kept: timedelta, reach: timedelta) -> timedelta:
    """Whole minutes, at most 240 of them in a window; an hour or more where it reaches back to kept hours."""
    step = timedelta(minutes=math.ceil(window / timedelta(minutes=MOST_POINTS)))
    return max(step, HOUR) if reach > minutes_kept else step


def busy_sessions(target_id: int, since: datetime, until: datetime, step: timedelta) -> list[Busy]:
    at = func.date_bin(literal(step), ActivitySample.slot, literal(EPOCH)).label("at")
    counted = (
        ActivitySample.active,
        ActivitySample.waiting,
        ActivitySample.idle_in_transaction,
        ActivitySample.blocked,
    )
    found = (
        select(at, *(func.max(column) for column in counted))
        .where(ActivitySample.target_id == target_id, ActivitySample.slot > since, ActivitySample.slot <= until)
        .group_by(at)
        .order_by(at)
    )
    return [Busy(*row) for row in db.session.execute(found)]
