"""How the use of an index is told (pure)."""

from datetime import datetime

from dashboard.formats import duration_text


def use_words(scans: int | None, counted_since: datetime | None, first_seen_at: datetime, now: datetime) -> str:
    """How often an index was used, never without the time that the answer speaks about."""
    if scans is None:
        return "use unknown"
    if scans:
        return f"counted for {duration_text(now - counted_since)}" if counted_since else "since an unknown time"
    watched_since = max(counted_since or first_seen_at, first_seen_at)
    return f"none seen in {duration_text(now - watched_since)}"
