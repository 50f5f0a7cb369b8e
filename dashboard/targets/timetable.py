"""Which probes are due in a slot (pure)."""

from datetime import datetime, timedelta

EVERY = {
    "minute": timedelta(minutes=1),
    "five_minutes": timedelta(minutes=5),
    "quarter_hour": timedelta(minutes=15),
    "hour": timedelta(hours=1),
}
SLACK = timedelta(seconds=30)


def is_due(cadence: str, slot: datetime, tried_at: datetime | None) -> bool:
    """A slot that was tried already is not due again: a job may run twice. A missed slot makes the next one due."""
    if tried_at is None:
        return True
    if cadence == "minute":
        return slot > tried_at
    return slot - tried_at >= EVERY[cadence] - SLACK


def slot_of(at: datetime) -> datetime:
    """The minute that a time belongs to."""
    return at.replace(second=0, microsecond=0)
