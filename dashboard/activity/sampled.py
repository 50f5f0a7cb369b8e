"""Questions about how targets are sampled."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select

from dashboard.activity.models import ActivitySampling
from dashboard.activity.waits import Pace, share_of_a_core
from dashboard.store import db
from dashboard.targets.models import Target

INTERVALS_S = (2, 5, 10)
USUAL_S = INTERVALS_S[0]


@dataclass(frozen=True)
class Sampling:
    """`interval_s` is what was asked for, `pace_s` what the cost allows, `look_ms` what a look costs the target."""

    is_on: bool = True
    interval_s: int = USUAL_S
    pace_s: int = USUAL_S
    look_ms: float | None = None
    stopped_reason: str | None = None
    sampled_at: datetime | None = None
    version: int = 0

    @property
    def is_running(self) -> bool:
        return self.is_on and self.stopped_reason is None

    @property
    def share(self) -> float | None:
        """Of one core of the target."""
        return None if self.look_ms is None else share_of_a_core(self.look_ms, self.pace_s)

    @property
    def pace(self) -> Pace:
        return Pace(self.pace_s, self.interval_s, self.stopped_reason)


def sampling_of(target_id: int) -> Sampling:
    row = db.session.get(ActivitySampling, target_id, populate_existing=True)
    if row is None:
        return Sampling()
    return Sampling(**{name: getattr(row, name) for name in Sampling.__dataclass_fields__})


def due_targets(now: datetime) -> list[tuple[Target, int]]:
    """Targets that do not rest after a failure and whose sampling is on, each with its pace in seconds."""
    kept = ActivitySampling
    found = (
        select(Target, func.coalesce(kept.pace_s, USUAL_S))
        .outerjoin(kept, kept.target_id == Target.id)
        .where(or_(Target.next_attempt_at.is_(None), Target.next_attempt_at <= now))
        .where(or_(kept.is_on.is_(None), kept.is_on & kept.stopped_reason.is_(None)))
        .order_by(Target.id)
    )
    return [(target, int(pace_s)) for target, pace_s in db.session.execute(found)]
