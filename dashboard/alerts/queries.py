"""Questions about alerts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, or_, select

from dashboard.alerts.models import Alert
from dashboard.alerts.rules import TargetFacts
from dashboard.history.queries import pending_counts
from dashboard.lists import ListPage, ListQuery
from dashboard.store import db
from dashboard.targets.models import Environment, Target
from dashboard.targets.queries import ENVIRONMENT_COLUMNS


@dataclass(frozen=True)
class AlertRow:
    id: int
    rule: str
    level: str
    state: str
    target: str
    environment: str
    environment_name: str
    environment_color: str
    environment_is_production: bool
    title: str
    remedy: str
    began_at: datetime
    checked_at: datetime
    resolved_at: datetime | None

    def json(self) -> dict[str, Any]:
        hidden = {"environment_name", "environment_color", "environment_is_production"}
        return {key: value for key, value in vars(self).items() if key not in hidden}


def firing_count() -> int:
    return db.session.scalar(select(func.count()).select_from(Alert).where(Alert.state == "firing")) or 0


def firing_alerts(limit: int) -> list[AlertRow]:
    """What is wrong now, the worst and newest first."""
    found = _select().where(Alert.state == "firing").order_by(Alert.level, Alert.began_at.desc(), Alert.id).limit(limit)
    return [AlertRow(**row._mapping) for row in db.session.execute(found)]  # noqa: SLF001


def alert_page(query: ListQuery, now: datetime) -> ListPage[AlertRow]:
    found = _filtered(query)
    total = db.session.scalar(select(func.count()).select_from(found.subquery())) or 0
    column = {"began_at": Alert.began_at, "level": Alert.level, "title": Alert.title, "state": Alert.state}[query.sort]
    order = column.desc() if query.descending else column.asc()
    rows = db.session.execute(
        found.order_by(order, Alert.began_at.desc(), Alert.id).limit(query.limit).offset(query.offset)
    )
    found_rows = [AlertRow(**row._mapping) for row in rows]  # noqa: SLF001
    return ListPage(rows=found_rows, total=total, query=query, as_of=now)


def target_facts() -> list[TargetFacts]:
    """What the rules judge, one row a target."""
    found = select(
        Target.id.label("target_id"),
        Target.slug,
        Target.state,
        Target.unreachable_since,
        Target.unreachable_reason,
        Target.created_at,
        Target.collected_at,
    ).order_by(Target.slug)
    rows = db.session.execute(found).mappings().all()
    pending = pending_counts([row["target_id"] for row in rows])
    return [TargetFacts(**row, pending_revisions=pending.get(row["target_id"], 0)) for row in rows]


def _select() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Alert.id,
            Alert.rule,
            Alert.level,
            Alert.state,
            Target.slug.label("target"),
            *ENVIRONMENT_COLUMNS,
            Alert.title,
            Alert.remedy,
            Alert.began_at,
            Alert.checked_at,
            Alert.resolved_at,
        )
        .join(Target, Target.id == Alert.target_id)
        .join(Environment, Environment.id == Target.environment_id)
    )


def _filtered(query: ListQuery) -> Select[*tuple[Any, ...]]:
    found = _select()
    if query.q:
        found = found.where(or_(Alert.title.ilike(query.like()), Target.slug.ilike(query.like())))
    if state := query.filters.get("state"):
        found = found.where(Alert.state == state)
    if level := query.filters.get("level"):
        found = found.where(Alert.level == level)
    return found
