"""How old an index is: what the recorded schema says of its name, and we of the index itself (pure)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

SLACK = timedelta(minutes=30)


def age_text(added: Mapping[Any, Any] | None, first_seen_at: datetime, watched_since: datetime) -> str:
    """`added`: when the schema's revisions say that it came, with `after`, `at` and the `migration` that ran then."""
    if added is None:
        if first_seen_at <= watched_since:
            return f"older than its watching, which began {_day(watched_since)}"
        return f"first seen {_moment(first_seen_at)}"
    came = f"added between {_moment(added['after'])} and {_moment(added['at'])}"
    came += f" by: {added['migration']}" if added["migration"] else ""
    if first_seen_at > added["at"] + SLACK:
        return f"{came}; built anew, first seen so {_moment(first_seen_at)}"
    if first_seen_at < added["after"] - SLACK:
        return f"renamed between {_moment(added['after'])} and {_moment(added['at'])}; first seen {_day(first_seen_at)}"
    return came


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"
