"""The newest count of sessions of every target, for alerts."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from dashboard.activity.models import ActivitySample
from dashboard.store import db


def newest_activity(since: datetime) -> dict[int, dict[str, Any]]:
    """Blocked sessions and the age of the longest transaction in ms, of the last minute that was read since then."""
    sample = ActivitySample
    found = (
        select(sample.target_id, sample.blocked, sample.longest_transaction_ms)
        .ext(distinct_on(sample.target_id))
        .where(sample.slot >= since)
        .order_by(sample.target_id, sample.slot.desc())
    )
    return {
        row.target_id: {"blocked": row.blocked, "longest_transaction_ms": row.longest_transaction_ms or 0.0}
        for row in db.session.execute(found)
    }
