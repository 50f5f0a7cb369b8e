"""What the store knows of every target, for the rules: a handful of questions, however many targets there are."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from dashboard.activity.newest import newest_activity
from dashboard.alerts.catalogue import RULES
from dashboard.alerts.gone import gone_followers
from dashboard.alerts.rules import Setting, Slot, Slow, TargetFacts, Unheard
from dashboard.history.queries import failed_counts, pending_counts
from dashboard.server.newest import newest_databases, newest_lags, newest_slots, newest_unheard
from dashboard.statements.newest import families_slower_than, targets_read_since
from dashboard.store import db
from dashboard.targets.models import Target
from dashboard.vacuum.newest import id_shares

FRESH = timedelta(minutes=10)
SLOW_WINDOW = timedelta(minutes=15)


def target_facts(now: datetime, settings: Mapping[tuple[str, int], Setting]) -> list[TargetFacts]:
    """One for every target, by name; what was read too long ago is unknown."""
    rows = _targets()
    ids = [row["target_id"] for row in rows]
    since = now - FRESH
    pending, failed, shares = pending_counts(ids), failed_counts(ids), id_shares(now)
    databases, activity = newest_databases(since), newest_activity(since)
    slow, lags, slots = _slow(now, settings), newest_lags(since), newest_slots(since)
    gone, unheard = gone_followers(lags, now), newest_unheard(since)
    return [
        TargetFacts(
            **row,
            pending_revisions=pending.get(row["target_id"], 0),
            failed_revisions=failed.get(row["target_id"], 0),
            **databases.get(row["target_id"], {}),
            **activity.get(row["target_id"], {}),
            slow=slow.get(row["target_id"]),
            id_shares=shares.get(row["target_id"]),
            lags_s=lags.get(row["target_id"]),
            unheard=Unheard(*unheard[row["target_id"]]) if row["target_id"] in unheard else None,
            gone=gone.get(row["target_id"], {}),
            slots=None if (held := slots.get(row["target_id"])) is None else [Slot(**slot) for slot in held],
        )
        for row in rows
    ]


def _targets() -> Sequence[Mapping[Any, Any]]:
    columns = (
        Target.id.label("target_id"),
        Target.slug,
        Target.environment_id,
        Target.state,
        Target.unreachable_since,
        Target.unreachable_reason,
        Target.created_at,
        Target.collected_at,
    )
    return db.session.execute(select(*columns).order_by(Target.slug)).mappings().all()


def _slow(now: datetime, settings: Mapping[tuple[str, int], Setting]) -> dict[int, list[Slow]]:
    """Families above the lowest limit that anybody set, with room for the way down; none where nothing was read."""
    rule = RULES["slow_query"]
    limits = [setting.threshold for (key, _), setting in settings.items() if key == rule.key]
    lowest = min([rule.default.threshold, *limits]) * rule.clear
    found: dict[int, list[Slow]] = {target_id: [] for target_id in targets_read_since(now - FRESH)}
    for row in families_slower_than(now - SLOW_WINDOW, lowest):
        if row.target_id in found:
            found[row.target_id].append(Slow(row.id, row.text, row.calls, row.mean_ms))
    return found
