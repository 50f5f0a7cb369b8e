"""What is stored of a minute of looks, and how a target is sampled."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from dashboard.activity.models import ActivityGroup, ActivityMinute, ActivitySampling
from dashboard.activity.sampled import INTERVALS_S, sampling_of
from dashboard.activity.waits import Minute, paced
from dashboard.changes.record import record
from dashboard.errors import Conflict, Invalid
from dashboard.security.audit import record as audit
from dashboard.security.authors import current_author
from dashboard.store import db
from dashboard.targets.models import Target

CHANGED = "Somebody else changed the sampling in the meantime; look at it again."


def keep_minute(target_id: int, slot: datetime, minute: Minute) -> None:
    """The same minute a second time changes nothing; nor does one of a target that was removed meanwhile."""
    if db.session.scalar(select(Target.id).where(Target.id == target_id).with_for_update(read=True)) is None:
        return
    if not minute.looks:
        _keep_pace(target_id, minute)
        return
    row = insert(ActivityMinute).values(
        target_id=target_id,
        slot=slot,
        looks=minute.looks,
        active=minute.active,
        most_active=minute.most_active,
        hidden=minute.hidden,
        look_ms=minute.look_ms,
        blockers=minute.worst_blockers(),
    )
    if db.session.execute(row.on_conflict_do_nothing().returning(ActivityMinute.slot)).one_or_none() is None:
        return
    groups = [
        {"target_id": target_id, "slot": slot, "position": position, "seen": seen} | asdict(group)
        for position, (group, seen) in enumerate(minute.groups())
    ]
    if groups:
        db.session.execute(insert(ActivityGroup), groups)
    _keep_pace(target_id, minute)


def _keep_pace(target_id: int, minute: Minute) -> None:
    """What a look cost, and how often the next minute looks; a change by a person wins."""
    before = sampling_of(target_id)
    pace = paced(before.pace, minute.look_ms)
    values: dict[str, Any] = {"look_ms": minute.look_ms, "pace_s": pace.pace_s, "stopped_reason": pace.stopped_reason}
    values |= {"sampled_at": datetime.now(UTC)}
    usual = {"is_on": before.is_on, "interval_s": before.interval_s, "version": before.version}
    row = insert(ActivitySampling).values(target_id=target_id, **usual, **values)
    kept = ActivitySampling.version == before.version
    db.session.execute(row.on_conflict_do_update(index_elements=["target_id"], set_=values, where=kept))


def change_sampling(target: Target, mode: str, *, version: int) -> None:
    """`mode` is off or an interval in seconds; what its cost had done to it is forgotten."""
    if mode != "off" and mode not in {str(seconds) for seconds in INTERVALS_S}:
        raise Invalid({"mode": f"Off, or every {', '.join(map(str, INTERVALS_S))} seconds."})
    before = sampling_of(target.id)
    interval_s = before.interval_s if mode == "off" else int(mode)
    values: dict[str, Any] = {
        "is_on": mode != "off",
        "interval_s": interval_s,
        "pace_s": interval_s,
        "stopped_reason": None,
    }
    values |= {"version": version + 1, "changed_at": func.now()}
    row = insert(ActivitySampling).values(target_id=target.id, **values)
    same = ActivitySampling.version == version
    changed = row.on_conflict_do_update(index_elements=["target_id"], set_=values, where=same)
    if before.version != version or not db.session.scalars(changed.returning(ActivitySampling.target_id)).all():
        raise Conflict(CHANGED)
    words = "are no longer sampled" if mode == "off" else f"are sampled every {mode} s"
    record(
        "target",
        f"The sessions of {target.name} {words}",
        subject=target.slug,
        target_id=target.id,
        environment_id=target.environment_id,
        author=current_author(),
    )
    told = {"is_on": before.is_on, "interval_s": before.interval_s, "stopped": before.stopped_reason}
    after = {"is_on": mode != "off", "interval_s": interval_s, "stopped": None}
    audit("activity.sampling", f"target:{target.slug}", before=told, after=after)
