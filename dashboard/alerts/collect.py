"""The job that judges every target each minute; it reads only the store."""

from datetime import datetime

from dashboard.alerts.edits import keep
from dashboard.alerts.queries import target_facts
from dashboard.alerts.rules import findings
from dashboard.store import db


def check(now: datetime) -> bool:
    """Returns whether an alert began or ended."""
    changed = keep(findings(target_facts(), now), now)
    db.session.commit()
    return bool(changed)
