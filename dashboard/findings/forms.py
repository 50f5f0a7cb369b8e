"""What is typed to set a finding aside (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from dashboard.errors import Invalid

EXPIRIES = {"7": "A week", "30": "A month", "90": "Three months", "365": "A year"}
LONGEST_REASON = 500


@dataclass(frozen=True)
class Dismissal:
    reason: str
    lasts: timedelta
    version: int


def dismissal(typed: Mapping[str, str]) -> Dismissal:
    """Raises Invalid with every field that cannot be used."""
    reason, days = typed.get("reason", "").strip(), typed.get("days", "")
    problems = {}
    if not reason:
        problems["reason"] = "Say why, so that others need not find out again."
    elif len(reason) > LONGEST_REASON or "\x00" in reason:
        problems["reason"] = f"The reason is at most {LONGEST_REASON} characters without NUL."
    if days not in EXPIRIES:
        problems["days"] = f"It comes back after one of: {', '.join(EXPIRIES)} days."
    if problems:
        raise Invalid(problems)
    return Dismissal(reason, timedelta(days=int(days)), version_of(typed))


def version_of(typed: Mapping[str, str]) -> int:
    """The version that the form was made of. Raises Invalid."""
    version = typed.get("version", "")
    if not (version.isascii() and version.isdigit() and len(version) < 10):
        raise Invalid({"version": "The version is missing: load the page again."})
    return int(version)
