"""Questions to the active-session history: what a database was doing at a time."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, literal, select

from dashboard.activity.models import ActivityGroup, ActivityMinute
from dashboard.activity.queries import EPOCH
from dashboard.activity.shares import Family, Kind, class_of
from dashboard.activity.stacks import Bucket
from dashboard.statements.models import StatementEntry, StatementFamily
from dashboard.store import db

MOST_KINDS, MOST_BLOCKERS = 2_000, 10
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Looked:
    """How a span was looked at; `active` is the mean number of busy sessions at once, None when nobody looked."""

    minutes: int
    looks: int
    active: float | None
    most_active: int
    hidden: float
    look_ms: float | None
    until: datetime | None


def looked(target_id: int, since: datetime, until: datetime) -> Looked:
    minute = ActivityMinute
    found = select(
        func.count(),
        func.coalesce(func.sum(minute.looks), 0),
        func.sum(minute.active) / func.nullif(func.sum(minute.looks), 0.0),
        func.coalesce(func.max(minute.most_active), 0),
        func.coalesce(func.sum(minute.hidden) / func.nullif(func.sum(minute.looks), 0.0), 0.0),
        func.sum(minute.look_ms * minute.looks) / func.nullif(func.sum(minute.looks), 0),
        func.max(minute.slot),
    ).where(minute.target_id == target_id, minute.slot >= since, minute.slot < until)
    minutes, looks, active, most, hidden, look_ms, newest = db.session.execute(found).one()
    return Looked(minutes, int(looks), float(active) if looks else None, most, float(hidden), look_ms, newest)


def buckets(target_id: int, since: datetime, until: datetime, step: timedelta) -> list[Bucket]:
    """Average active sessions by wait class, step by step; a step in which nobody was busy is there, empty."""
    minute, group = ActivityMinute, ActivityGroup
    at = func.date_bin(literal(step), minute.slot, literal(EPOCH)).label("at")
    looks = select(at, func.sum(minute.looks)).where(
        minute.target_id == target_id, minute.slot >= since, minute.slot < until
    )
    met_at = func.date_bin(literal(step), group.slot, literal(EPOCH)).label("at")
    met = select(met_at, group.wait_class, func.sum(group.seen)).where(
        group.target_id == target_id, group.slot >= since, group.slot < until
    )
    seen: dict[datetime, Counter[str]] = {}
    for begin, wait_class, times in db.session.execute(met.group_by(met_at, group.wait_class)):
        seen.setdefault(begin, Counter())[class_of(wait_class)] += int(times)
    rows = db.session.execute(looks.group_by(at).order_by(at))
    return [
        Bucket(begin, {name: times / int(count) for name, times in seen.get(begin, Counter()).items()})
        for begin, count in rows
    ]


def kinds(target_id: int, since: datetime, until: datetime) -> list[Kind]:
    """The busy sessions of a span, alike ones together, those that were met most first."""
    group = ActivityGroup
    alike = (group.wait_class, group.wait_event, group.queryid, group.application, group.username)
    seen = func.sum(group.seen).label("seen")
    found = (
        select(*alike, seen)
        .where(group.target_id == target_id, group.slot >= since, group.slot < until)
        .group_by(*alike)
        .order_by(seen.desc(), *alike)
        .limit(MOST_KINDS)
    )
    return [Kind(*row[:5], int(row[5])) for row in db.session.execute(found)]


def families(target_id: int, queryids: Sequence[int]) -> dict[int, Family]:
    """The family of each number that the server gave a statement; the newest where a number had several."""
    entry, family = StatementEntry, StatementFamily
    found = (
        select(entry.queryid, family.id, func.left(family.text, 300))
        .join(family, family.id == entry.family_id)
        .where(entry.target_id == target_id, entry.queryid.in_(queryids))
        .order_by(entry.first_seen_at)
    )
    return {
        queryid: Family(number, _SPACE.sub(" ", text).strip()) for queryid, number, text in db.session.execute(found)
    }


def blockers(target_id: int, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """Who held others up in a span, the worst first; with the slot in which that was seen."""
    minute = ActivityMinute
    found = (
        select(minute.slot, minute.blockers)
        .where(minute.target_id == target_id, minute.slot >= since, minute.slot < until)
        .where(func.jsonb_array_length(minute.blockers) > 0)
        .order_by(minute.slot.desc())
        .limit(200)
    )
    told = [one | {"slot": slot} for slot, held in db.session.execute(found) for one in held]
    worst: dict[int, dict[str, Any]] = {}
    for one in sorted(told, key=lambda one: (-one["held_up"], -one["looks"], one["pid"])):
        worst.setdefault(one["pid"], one)
    return list(worst.values())[:MOST_BLOCKERS]
