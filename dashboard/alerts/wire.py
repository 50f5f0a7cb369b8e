"""What goes out about alerts: words and JSON; bodies and signatures of webhooks (pure)."""

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from dashboard.formats import utc_text

MOST_TOLD = 20


class Outgoing(Protocol):
    """What every way out can send; `subject` is one line, `json` what a webhook gets."""

    @property
    def key(self) -> str: ...

    @property
    def subject(self) -> str: ...

    @property
    def text(self) -> str: ...

    def json(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Told:
    """One alert that fired or ended, as a message tells it; `url` is absolute where our own address is known."""

    event: str
    alert_id: int
    rule: str
    level: str
    target: str
    environment: str
    title: str
    remedy: str
    began_at: datetime
    resolved_at: datetime | None
    url: str


@dataclass(frozen=True)
class Message:
    """`key` stays the same over attempts, so that whoever gets it twice can see that it is one."""

    key: str
    told: Sequence[Told]
    is_test: bool = False

    @property
    def subject(self) -> str:
        """One line, whatever a target's names contain."""
        if self.is_test:
            return "Pilothouse: a test, nothing is wrong"
        first = self.told[0]
        what = "Resolved" if first.event == "resolved" else first.level.capitalize()
        more = f" (and {len(self.told) - 1} more)" if len(self.told) > 1 else ""
        return one_line(f"[{first.environment}] {what}: {first.title}{more}")[:200]

    @property
    def text(self) -> str:
        if self.is_test:
            return "This is a test of the channel. If you read it, messages of Pilothouse reach you here."
        parts = [_paragraph(told) for told in self.told[:MOST_TOLD]]
        if (hidden := len(self.told) - MOST_TOLD) > 0:
            parts.append(f"{hidden} more: see the alerts page.")
        return "\n\n".join(parts)

    def json(self) -> dict[str, Any]:
        return {"id": self.key, "test": self.is_test, "alerts": [_fields(told) for told in self.told]}


def body_of(message: Outgoing) -> bytes:
    """A webhook's body: the same bytes for the same message; values of flags keep the order of their keys."""
    return json.dumps(message.json(), ensure_ascii=False).encode()


def signature(secret: str, at: int, body: bytes) -> str:
    """`t=<seconds>,v1=<hex>`: HMAC-SHA256 over the time, a dot and the body; the time makes a replay visible."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def one_line(text: str) -> str:
    """Without line breaks and other signs that a header or a chat would take for its own."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _paragraph(told: Told) -> str:
    began = f"{told.began_at:%Y-%m-%d %H:%M} UTC"
    if told.event == "resolved" and told.resolved_at is not None:
        state = f"Resolved at {told.resolved_at:%H:%M} UTC; it began {began}."
    else:
        state = f"{told.level.capitalize()}, since {began}."
    lines = [one_line(f"{told.title} ({told.environment})"), state]
    if told.event != "resolved":
        lines.append(one_line(told.remedy))
    return "\n".join([*lines, told.url])


def _fields(told: Told) -> dict[str, Any]:
    times = {"began_at": utc_text(told.began_at), "resolved_at": told.resolved_at and utc_text(told.resolved_at)}
    return vars(told) | times
