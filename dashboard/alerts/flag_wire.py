"""What goes out about changes of flags: words, JSON (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.alerts.wire import MOST_TOLD, one_line
from dashboard.flags.compare import Difference, differences
from dashboard.formats import utc_text

LONGEST_VALUE = 80


@dataclass(frozen=True)
class FlagChange:
    """One version of a flag with the one before it; `environment` None: what all environments share.

    `flag` None: of what the flags of an environment share, a `segment` or (None) how percentages are drawn.
    """

    flag: str | None
    segment: str | None
    environment: str | None
    version: int
    at: datetime
    author: str
    reason: str | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]
    url: str

    @property
    def title(self) -> str:
        """The switch first, because it is what people look for."""
        place = f" in {self.environment}" if self.environment else ""
        if self.flag is None:
            return self._title_of_part(place)
        if self.before is None:
            return f"{self.flag} set{place}" if self.environment else f"{self.flag} created"
        changed = [item.field for item in differences(self.before, self.after)]
        if "state" in changed:
            return f"{self.flag} turned {'on' if self.after['state'] == 'ENABLED' else 'off'}{place}"
        if "archived" in changed:
            return f"{self.flag} {'archived' if self.after['archived'] else 'restored'}"
        return f"{self.flag} changed{place}: {_named(changed)}"

    def _title_of_part(self, place: str) -> str:
        if self.segment is None:
            return f"Bucketing pinned to {self.after['bucketing']}{place}"
        if not self.after:
            return f"Segment {self.segment} removed{place}"
        if not self.before:
            return f"Segment {self.segment} added{place}"
        changed = [item.field for item in differences(self.before, self.after)]
        return f"Segment {self.segment} changed{place}: {_named(changed)}"

    def json(self) -> dict[str, Any]:
        return vars(self) | {"at": utc_text(self.at), "title": one_line(self.title)}


@dataclass(frozen=True)
class FlagMessage:
    """`key` stays the same over attempts, so that whoever gets it twice can see that it is one.

    `unsaid`: how many changes it stands for besides those that it carries.
    """

    key: str
    changes: Sequence[FlagChange]
    unsaid: int = 0

    @property
    def subject(self) -> str:
        first, more = self.changes[0], len(self.changes) - 1 + self.unsaid
        place = f"[{first.environment}] " if first.environment else ""
        title = f"Flag {first.title}" if first.flag else first.title
        return one_line(f"{place}{title}{f' (and {more} more)' if more else ''}")[:200]

    @property
    def text(self) -> str:
        parts = [_paragraph(change) for change in self.changes[:MOST_TOLD]]
        if (hidden := len(self.changes) + self.unsaid - MOST_TOLD) > 0:
            parts.append(f"{hidden} more: see the changes page.")
        return "\n\n".join(parts)

    def json(self) -> dict[str, Any]:
        told = [change.json() for change in self.changes]
        return {"id": self.key, "test": False, "flags": told, "more": self.unsaid}


def _paragraph(change: FlagChange) -> str:
    lines = [one_line(change.title), one_line(f"By {change.author} at {change.at:%Y-%m-%d %H:%M} UTC.")]
    if change.reason:
        lines.append(one_line(f"Reason: {change.reason}"))
    if change.before is not None:
        lines += [_line(item) for item in differences(change.before, change.after)]
    return "\n".join([*lines, change.url])


def _named(fields: Sequence[str]) -> str:
    return f"{', '.join(fields[:3])}{' …' if len(fields) > 3 else ''}"


def _line(item: Difference) -> str:
    old, new = (_short(value) for value in (item.before, item.after))
    return one_line(f"{item.field}: {old} → {new}")


def _short(value: str | None) -> str:
    if value is None:
        return "nothing"
    return value if len(value) <= LONGEST_VALUE else f"{value[:LONGEST_VALUE]}…"
