"""Looks at every rule and target, and keeps what that makes of the alerts. Running it twice changes nothing."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert

from dashboard.alerts.catalogue import RULES
from dashboard.alerts.models import OPEN, Alert
from dashboard.alerts.rules import Observation, Rule, Setting, TargetFacts, observations
from dashboard.alerts.steps import Standing, step, switched_off, worst
from dashboard.store import db

Settings = Mapping[tuple[str, int], Setting]
Key = tuple[str, int, str]


def judge(facts: Sequence[TargetFacts], settings: Settings, now: datetime) -> int:
    """Returns how many alerts began, fired or ended."""
    known = {(one.rule, one.target_id, one.subject): one for one in _open_alerts()}
    changed = 0
    for target in facts:
        for rule in RULES.values():
            mine = {key[2]: alert for key, alert in known.items() if key[:2] == (rule.key, target.target_id)}
            changed += _judge(target, rule, settings.get((rule.key, target.environment_id), rule.default), mine, now)
    db.session.flush()
    return changed


def _open_alerts() -> Sequence[Alert]:
    found = select(Alert).where(Alert.state.in_(("pending", "firing"))).order_by(Alert.id)
    return db.session.scalars(found.with_for_update()).all()


def _judge(target: TargetFacts, rule: Rule, setting: Setting, mine: Mapping[str, Alert], now: datetime) -> int:
    if not setting.is_on:
        return sum(_keep(alert, switched_off(standing(alert), now), None, now) for alert in mine.values())
    seen = observations(target, rule, setting, now)
    if seen is None:
        return 0
    observed, changed = worst(seen), 0
    for subject in observed.keys() | mine.keys():
        one, alert = observed.get(subject), mine.get(subject)
        after = step(standing(alert) if alert else None, one.value if one else 0.0, rule, setting, now)
        if alert is not None:
            alert.level = setting.level
            changed += _keep(alert, after, one, now)
        elif after is not None and one is not None:
            _begin(one, setting, after, now)
            changed += 1
    return changed


def standing(alert: Alert) -> Standing:
    state = alert.state
    assert state in {"pending", "firing", "resolved"}  # noqa: S101 - the table's own check
    return Standing(state, alert.began_at, alert.fired_at, alert.calm_since, alert.resolved_at)  # type: ignore[arg-type]


def _keep(alert: Alert, after: Standing | None, seen: Observation | None, now: datetime) -> bool:
    """The row as it stands now; a pending alert that came to nothing leaves no trace."""
    if after is None:
        db.session.execute(delete(Alert).where(Alert.id == alert.id))
        db.session.expunge(alert)
        return True
    changed = alert.state != after.state
    alert.state, alert.began_at, alert.fired_at = after.state, after.began_at, after.fired_at
    alert.calm_since, alert.resolved_at, alert.checked_at = after.calm_since, after.resolved_at, now
    if seen is not None and seen.value is not None and after.calm_since is None:
        alert.title, alert.remedy, alert.href, alert.value = seen.title, seen.remedy, seen.href, seen.value
    return changed


def _begin(seen: Observation, setting: Setting, after: Standing, now: datetime) -> None:
    row = insert(Alert).values(**vars(seen), **vars(after), level=setting.level, checked_at=now)
    once = row.on_conflict_do_nothing(index_elements=["rule", "target_id", "subject"], index_where=text(OPEN))
    db.session.execute(once)
