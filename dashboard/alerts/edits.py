"""Findings of now → alerts: new ones fire, known ones stay, gone ones are resolved."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from dashboard.alerts.models import Alert
from dashboard.alerts.rules import Finding
from dashboard.store import db


def keep(found: list[Finding], now: datetime) -> int:
    """Make the firing alerts those of `found`; returns how many began or ended. Running it twice changes nothing."""
    firing = {
        (alert.rule, alert.target_id, alert.subject): alert
        for alert in db.session.scalars(select(Alert).where(Alert.state == "firing").with_for_update())
    }
    current = {(finding.rule, finding.target_id, finding.subject): finding for finding in found}
    for key, finding in current.items():
        if alert := firing.get(key):
            alert.title, alert.remedy, alert.level, alert.checked_at = finding.title, finding.remedy, finding.level, now
        else:
            _fire(finding, now)
    ended = [alert for key, alert in firing.items() if key not in current]
    for alert in ended:
        alert.state, alert.resolved_at, alert.checked_at = "resolved", now, now
    db.session.flush()
    return len(ended) + len(current.keys() - firing.keys())


def _fire(finding: Finding, now: datetime) -> None:
    values = vars(finding) | {"state": "firing", "began_at": now, "checked_at": now}
    db.session.execute(insert(Alert).values(**values).on_conflict_do_nothing())
