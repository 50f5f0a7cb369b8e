"""Questions about alerts."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, case, func, or_, select

from dashboard.alerts.models import Alert, AlertSetting
from dashboard.alerts.rules import Setting
from dashboard.alerts.telling import is_silenced
from dashboard.errors import NotFound
from dashboard.lists import ListPage, ListQuery
from dashboard.store import db
from dashboard.targets.models import Environment, Target
from dashboard.targets.queries import ENVIRONMENT_COLUMNS

LARGEST_ID = 1 << 63
STATE_ORDER = case((Alert.state == "firing", 0), (Alert.state == "pending", 1), else_=2)


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
    href: str | None
    value: float | None
    began_at: datetime
    fired_at: datetime | None
    checked_at: datetime
    resolved_at: datetime | None
    is_silenced: bool
    subject: str

    def json(self) -> dict[str, Any]:
        hidden = {"environment_name", "environment_color", "environment_is_production"}
        return {key: value for key, value in vars(self).items() if key not in hidden}


def firing_count() -> Select[int]:
    """Asks how many fire that nobody silenced; the navigation puts it into its own question."""
    fires = select(func.count()).select_from(Alert).join(Target, Target.id == Alert.target_id)
    return fires.where(Alert.state == "firing", ~is_silenced(datetime.now(UTC)))


def firing_alerts(limit: int, target_id: int | None = None) -> list[AlertRow]:
    """What is wrong now and not silenced, the worst and newest first."""
    now = datetime.now(UTC)
    found = _select(now).where(Alert.state == "firing", ~is_silenced(now))
    if target_id is not None:
        found = found.where(Alert.target_id == target_id)
    found = found.order_by(Alert.level, Alert.began_at.desc(), Alert.id).limit(limit)
    return [AlertRow(**row._mapping) for row in db.session.execute(found)]  # noqa: SLF001


def alert_page(query: ListQuery, now: datetime) -> ListPage[AlertRow]:
    found = _filtered(query, now)
    total = db.session.scalar(select(func.count()).select_from(found.subquery())) or 0
    column = {"began_at": Alert.began_at, "level": Alert.level, "title": Alert.title, "state": STATE_ORDER}[query.sort]
    order = column.desc() if query.descending else column.asc()
    rows = db.session.execute(
        found.order_by(order, Alert.began_at.desc(), Alert.id).limit(query.limit).offset(query.offset)
    )
    found_rows = [AlertRow(**row._mapping) for row in rows]  # noqa: SLF001
    return ListPage(rows=found_rows, total=total, query=query, as_of=now)


def alert_by_id(alert_id: int, now: datetime) -> AlertRow:
    """Raises NotFound."""
    found = _select(now).where(Alert.id == alert_id)
    row = db.session.execute(found).first() if alert_id < LARGEST_ID else None
    if row is None:
        raise NotFound("There is no such alert: it never fired, or its target was removed.")
    return AlertRow(**row._mapping)  # noqa: SLF001


def rule_settings() -> dict[tuple[str, int], Setting]:
    """How rules are judged where that differs from their defaults, by rule and environment."""
    names = ("is_on", "threshold", "for_s", "level", "minimum")
    found = select(AlertSetting).order_by(AlertSetting.rule, AlertSetting.environment_id)
    return {
        (row.rule, row.environment_id): Setting(**{name: getattr(row, name) for name in names})
        for row in db.session.scalars(found)
    }


def _select(now: datetime) -> Select[*tuple[Any, ...]]:
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
            Alert.href,
            Alert.value,
            Alert.began_at,
            Alert.fired_at,
            Alert.checked_at,
            Alert.resolved_at,
            is_silenced(now).label("is_silenced"),
            Alert.subject,
        )
        .join(Target, Target.id == Alert.target_id)
        .join(Environment, Environment.id == Target.environment_id)
    )


def _filtered(query: ListQuery, now: datetime) -> Select[*tuple[Any, ...]]:
    found = _select(now)
    if query.q:
        found = found.where(or_(Alert.title.ilike(query.like()), Target.slug.ilike(query.like())))
    if (state := query.filters.get("state")) == "silenced":
        found = found.where(Alert.state == "firing", is_silenced(now))
    elif state:
        found = found.where(Alert.state == state)
    if rule := query.filters.get("rule"):
        found = found.where(Alert.rule == rule)
    if environment := query.filters.get("environment"):
        found = found.where(Environment.slug == environment)
    if level := query.filters.get("level"):
        found = found.where(Alert.level == level)
    return found
