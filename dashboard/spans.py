"""Two times picked by hand: `?from=&to=` of a list, beside its windows (pure)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=90)
WRITTEN = "Times are written like 2026-11-21T14:32Z; without a zone they are UTC."
Span = tuple[datetime, datetime]


def parse_span(args: Mapping[str, str]) -> tuple[Span | None, dict[str, str]]:
    """The two times, or None when none were picked; and what is wrong with them, by field."""
    if not args.get("from") and not args.get("to"):
        return None, {}
    times = {name: _time(args.get(name, "")) for name in ("from", "to")}
    problems = {name: WRITTEN for name, at in times.items() if at is None}
    since, until = times["from"], times["to"]
    if since is None or until is None:
        return None, problems
    if not SHORTEST <= until - since <= LONGEST:
        return None, {"to": "The second time is a minute to 90 days after the first."}
    return (since, until), {}


def time_param(at: datetime) -> str:
    """A time as the URL carries it: in UTC, to the second."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _time(written: str) -> datetime | None:
    """A time in UTC; None when it cannot be read or is not of our century."""
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return at.astimezone(UTC) if 2000 < at.year < 2100 else None
