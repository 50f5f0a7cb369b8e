"""The job that judges every target each minute and writes down who has to be told; it reads only the store."""

from datetime import datetime

from dashboard.alerts.edits import judge
from dashboard.alerts.facts import target_facts
from dashboard.alerts.queries import rule_settings
from dashboard.alerts.telling import tell
from dashboard.store import db


def check(now: datetime) -> bool:
    """Returns whether an alert began, fired or ended, or somebody is to be told."""
    settings = rule_settings()
    changed = judge(target_facts(now, settings), settings, now)
    told = tell(now)
    db.session.commit()
    return bool(changed or told)
