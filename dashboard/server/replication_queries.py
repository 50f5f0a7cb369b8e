"""What the replication page shows: followers, slots and why they hold WAL, this standby, and the watched standbys."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, literal, select

from dashboard.lists import ListPage, ListQuery
from dashboard.rollup import minutes_kept
from dashboard.server.models import DatabaseState, ReplicationSample, ReplicationState
from dashboard.server.parts import Part, parts_of
from dashboard.server.queries import EPOCH, standbys_of
from dashboard.server.replication import Standing, standing
from dashboard.server.series import LATE, Points, step_of
from dashboard.store import db
from dashboard.targets.models import Target

MOST_CURVES = 5


@dataclass(frozen=True)
class WatchedStandby:
    """A standby of the same cluster that is a target, too."""

    target: Target
    standing: Standing | None
    as_of: datetime | None


@dataclass(frozen=True)
class Course:
    """Lags over a window: those that went furthest, by name."""

    lag_bytes: dict[str, Points]
    held_bytes: dict[str, Points]
    lag_ms: dict[str, Points]


SORTS = ("name", "kind", "lag_bytes", "lag_ms", "held_bytes")


def replication_of(target_id: int) -> ReplicationState | None:
    return db.session.get(ReplicationState, target_id)


def own_standing(state: ReplicationState | None) -> Standing | None:
    """Where this server stands as a standby; None for a primary."""
    return standing(state.position) if state is not None and state.is_standby else None


def part_page(state: ReplicationState | None, query: ListQuery) -> ListPage[Part]:
    """Followers, slots and subscriptions of the last reading; at most 50 of each are read."""
    query = replace(query, size=150)
    if state is None:
        return ListPage([], 0, query)
    told = parts_of(state.senders, state.slots, state.subscriptions)
    parts = [part for part in told if query.q.lower() in f"{part.kind} {part.name}".lower()]
    known = [part for part in parts if getattr(part, query.sort) is not None]
    known.sort(key=lambda part: (getattr(part, query.sort), part.name), reverse=query.descending)
    rows = [*known, *(part for part in parts if getattr(part, query.sort) is None)]
    return ListPage(rows, len(rows), query, as_of=state.slot)


def watched_standbys(target: Target) -> list[WatchedStandby]:
    """One question for all of them."""
    targets = standbys_of(target)
    found = select(ReplicationState).where(ReplicationState.target_id.in_([one.id for one in targets]))
    states = {state.target_id: state for state in db.session.scalars(found)}
    return [
        WatchedStandby(
            one,
            standing(states[one.id].position) if one.id in states else None,
            states[one.id].slot if one.id in states else None,
        )
        for one in targets
    ]


def primaries_of(state: DatabaseState | None) -> list[Target]:
    """Watched targets that are the primary of this standby: the same identifier and timeline, and written to."""
    if state is None or not state.is_standby or state.system_identifier is None:
        return []
    found = (
        select(Target)
        .join(DatabaseState, DatabaseState.target_id == Target.id)
        .where(
            DatabaseState.system_identifier == state.system_identifier,
            DatabaseState.is_standby.is_(False),
            func.coalesce(DatabaseState.timeline == state.timeline, True),
        )
        .order_by(Target.name, Target.id)
    )
    return list(db.session.scalars(found))


def lag_course(target_id: int, since: datetime, until: datetime, now: datetime) -> Course:
    """The largest lag of each step, for the followers that were furthest behind in the window."""
    sample, step = ReplicationSample, step_of(until - since, minutes_kept(), now - since)
    at = func.date_bin(literal(step), sample.slot, literal(EPOCH))
    found = (
        select(
            sample.kind,
            sample.name,
            func.max(sample.slot).label("slot"),
            func.max(sample.lag_bytes).label("lag_bytes"),
            func.max(sample.lag_ms).label("lag_ms"),
        )
        .where(sample.target_id == target_id, sample.slot.between(since, until))
        .group_by(sample.kind, sample.name, at)
        .order_by(sample.kind, sample.name, at)
    )
    rows = list(db.session.execute(found))
    followers, slots = [row for row in rows if row.kind != "slot"], [row for row in rows if row.kind == "slot"]
    return Course(
        _furthest(followers, "lag_bytes", step),
        _furthest(slots, "lag_bytes", step),
        _furthest(followers, "lag_ms", step),
    )


def _furthest(rows: list[Any], name: str, step: timedelta) -> dict[str, Points]:
    """Curves by name; where one was not there for a while, its line breaks."""
    curves: dict[str, Points] = {}
    for row in rows:
        points = curves.setdefault(row.name, [])
        if points and row.slot - points[-1][0] > step + LATE:
            points.append((points[-1][0] + (row.slot - points[-1][0]) / 2, None))
        points.append((row.slot, getattr(row, name)))
    furthest = sorted(curves, key=lambda one: max((value or 0 for _, value in curves[one]), default=0), reverse=True)
    return {one: curves[one] for one in sorted(furthest[:MOST_CURVES])}
