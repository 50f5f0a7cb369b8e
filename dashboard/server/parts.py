"""Followers, slots and subscriptions as rows of one list (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.server.replication import Level, follower, why_held

WORKERS = {
    "running": ("good", ""),
    "stopped": ("bad", "No worker runs: it failed, or all workers are in use."),
    "disabled": ("info", "It was disabled."),
}


@dataclass(frozen=True)
class Part:
    """A follower or a slot of a server, or what a database subscribes to; `why` says what it holds back and why."""

    kind: str
    name: str
    state: str | None
    lag_bytes: int | None
    lag_ms: float | None
    held_bytes: int | None
    level: str
    why: str
    remedy_sql: str | None
    detail: Mapping[str, Any]

    def json(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key != "detail"}


def parts_of(
    senders: Sequence[Mapping[str, Any]], slots: Sequence[Mapping[str, Any]], subscriptions: Sequence[Mapping[str, Any]]
) -> list[Part]:
    """As one reading told them."""
    found = [_sender(one) for one in senders]
    found += [_slot(one, senders) for one in slots]
    return found + [_subscription(one) for one in subscriptions]


def _sender(one: Mapping[str, Any]) -> Part:
    level, why = _how(one)
    return Part(
        kind="follower",
        name=follower(one),
        state="hidden" if one["state"] is None else f"{one['state']}, {one['sync_state']}",
        lag_bytes=one["unreplayed_bytes"],
        lag_ms=one["replay_lag_ms"],
        held_bytes=None,
        level=level,
        why=why,
        remedy_sql=None,
        detail=one,
    )


def _how(sender: Mapping[str, Any]) -> tuple[Level, str]:
    if sender["state"] is None:
        return "unknown", "The watching role may not see how far it is."
    if sender["state"] != "streaming":
        return "warn", "It does not stream yet: it catches up, or takes a backup."
    if sender["replay_lag_ms"] is None:
        return "good", "No time is measured while nothing is written."
    return "good", ""


def _slot(slot: Mapping[str, Any], senders: Sequence[Mapping[str, Any]]) -> Part:
    reason = why_held(slot, senders)
    return Part(
        kind="slot",
        name=slot["name"],
        state=("active" if slot["is_active"] else "inactive") + f", {slot['wal_status'] or 'no WAL'}",
        lag_bytes=slot["unconfirmed_bytes"],
        lag_ms=None,
        held_bytes=slot["held_bytes"],
        level=reason.level,
        why=reason.text,
        remedy_sql=reason.remedy_sql,
        detail=slot,
    )


def _subscription(one: Mapping[str, Any]) -> Part:
    state = "running" if one["is_running"] else "stopped" if one["is_enabled"] else "disabled"
    level, why = WORKERS[state]
    if one["apply_errors"]:
        why = f"{why} Applying failed {one['apply_errors']} times; the server's log says why.".strip()
    return Part("subscription", one["name"], state, None, None, None, level, why, None, one)
