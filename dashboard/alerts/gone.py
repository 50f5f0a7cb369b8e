"""Followers that left while their alert fires: an alert of lag does not end because nobody is there to be behind."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select

from dashboard.alerts.models import Alert
from dashboard.alerts.replication_rules import THIS_SERVER
from dashboard.alerts.rules import Gone
from dashboard.server.newest import last_seen
from dashboard.store import db

KEPT = timedelta(days=1)
Lags = Mapping[int, Mapping[str, float | None]]


def gone_followers(lags: Lags, now: datetime) -> dict[int, dict[str, Gone]]:
    """Followers of primaries, by target and name, seen within a day. After a switch-over they follow another server."""
    firing = select(Alert.target_id, Alert.subject).where(Alert.rule == "replication_lag", Alert.state == "firing")
    primaries = {target_id: there for target_id, there in lags.items() if THIS_SERVER not in there}
    missing = [
        (target_id, name)
        for target_id, name in db.session.execute(firing)
        if target_id in primaries and name != THIS_SERVER and name not in primaries[target_id]
    ]
    gone: dict[int, dict[str, Gone]] = {}
    for (target_id, name), (seen_at, then) in last_seen(missing, now - KEPT).items():
        newcomers = primaries[target_id].keys() - then
        back = sorted(one for one in newcomers if _application(one) == _application(name))
        gone.setdefault(target_id, {})[name] = Gone(seen_at, back)
    return gone


def _application(follower: str) -> str:
    """A follower is called by its application and, where that is known, its address."""
    return follower.rpartition(" @ ")[0] or follower
