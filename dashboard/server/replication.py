"""Who follows whom, how far behind, and why a slot holds WAL, in words (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from dashboard.formats import bytes_text, count_text

Level = Literal["good", "info", "warn", "bad", "unknown"]
HEARD = timedelta(seconds=90)
MUCH_BYTES = 64 * 2**20
OLD_AGE = 1_000_000
LOST = {
    "wal_removed": "it fell behind further than max_slot_wal_keep_size allows, and its WAL was removed",
    "rows_removed": "rows that it still needed were vacuumed away",
    "wal_level_insufficient": "wal_level was lowered below what it needs",
    "idle_timeout": "nobody used it for longer than idle_replication_slot_timeout",
}


@dataclass(frozen=True)
class Lag:
    """How far one follower is behind; `kind` is sender, slot or replay. None is unknown."""

    kind: str
    name: str
    lag_bytes: int | None
    lag_ms: float | None


@dataclass(frozen=True)
class Reason:
    """Why a slot holds WAL, or that it does not; `remedy_sql` is what an owner could run when nobody needs it."""

    level: Level
    text: str
    remedy_sql: str | None = None


@dataclass(frozen=True)
class Standing:
    """Where a standby stands; a time of None is not known, and `note` says why or what it means."""

    level: Level
    state: str
    lag_bytes: int | None
    lag_ms: float | None
    note: str


def remember(slots: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]], now: datetime) -> list[Any]:
    """The slots with `idle_seen_since`: before 17 the server does not tell since when a slot is inactive."""
    known = {slot["name"]: slot.get("idle_seen_since") for slot in before if not slot["is_active"]}
    return [
        {**slot, "idle_seen_since": None if slot["is_active"] else known.get(slot["name"]) or now.isoformat()}
        for slot in slots
    ]


def lags(found: Mapping[str, Any]) -> list[Lag]:
    """What of one reading goes into the history; two followers of one name are told as the one that is further back."""
    told = [Lag("sender", follower(one), one["unreplayed_bytes"], one["replay_lag_ms"]) for one in found["senders"]]
    told += [Lag("slot", slot["name"], slot["held_bytes"], None) for slot in found["slots"]]
    if found["is_standby"]:
        stands = standing(found["position"])
        told.append(Lag("replay", "this server", stands.lag_bytes, stands.lag_ms))
    furthest: dict[tuple[str, str], Lag] = {}
    for lag in told:
        other = furthest.get((lag.kind, lag.name))
        if other is None or (lag.lag_bytes or 0) > (other.lag_bytes or 0):
            furthest[lag.kind, lag.name] = lag
    return list(furthest.values())


def follower(sender: Mapping[str, Any]) -> str:
    """How a follower is called: by its application, and the address where that is known."""
    name = sender["application"] or "no name"
    return f"{name} @ {sender['address']}" if sender["address"] else name


def standing(position: Mapping[str, Any]) -> Standing:
    """Where a standby is in the WAL of its primary.

    The time of the last replayed transaction is no lag while nothing is written: it counts only when WAL waits.
    """
    receiver = position["receiver"]
    replayed_at, asked_at = _at(position["replayed_at"]), _at(position["asked_at"])
    waits = position["unreplayed_bytes"]
    if receiver is None:
        note = "No connection to a primary: it replays what an archive gives it, or waits. How far behind is unknown."
        note += f" Nothing came since {_words(position['heard_at'])}." if position.get("heard_at") else ""
        return Standing("warn", "not connected", None, None, note)
    if receiver["status"] is None:
        note = "The watching role may not see whom it follows; only what it received and did not replay yet is known."
        return Standing("unknown", "hidden", waits, None, note)
    missing, heard_at = receiver["unreceived_bytes"], _at(receiver["heard_at"])
    lag_bytes = None if waits is None else waits + max(missing or 0, 0)
    if heard_at is None or asked_at is None or asked_at - heard_at > HEARD:
        note = "Nothing was heard from the primary for more than 90 seconds: it may be further than is known here."
        return Standing("bad", receiver["status"], lag_bytes, None, note)
    if not lag_bytes:
        note = "Everything that the primary sent is replayed."
        return Standing("good", receiver["status"], lag_bytes, 0.0 if lag_bytes == 0 else None, note)
    lag_ms = (asked_at - replayed_at) / timedelta(milliseconds=1) if replayed_at is not None else None
    note = "The time is at most that: it is since the commit of the last replayed transaction."
    if lag_ms is None:
        note = "No transaction was replayed since it was started, so that no time can be told."
    return Standing("warn" if lag_bytes > MUCH_BYTES else "good", receiver["status"], lag_bytes, lag_ms, note)


def last_heard(position: Mapping[str, Any], before: Mapping[str, Any]) -> str | None:
    """When a standby last got anything: from its primary, or WAL from elsewhere. It never asked for a primary: None.

    A server that was started without one, and lives on what an archive gives it, has nobody to hear from.
    """
    if not position["asked_primary"]:
        return None
    receiver, known = position["receiver"], _at(before.get("heard_at"))
    heard = [known] if known is not None else []
    if receiver is not None:
        heard.append(datetime.fromisoformat(receiver["heard_at"] or position["asked_at"]))
    if known is None or _lsn(position["lsn"]) > _lsn(before.get("lsn")):
        heard.append(datetime.fromisoformat(position["asked_at"]))
    return max(heard).isoformat()


def unheard(position: Mapping[str, Any]) -> tuple[datetime, float] | None:
    """Since when a standby that is not connected to its primary got nothing, and seconds of that by its own clock."""
    receiver = position["receiver"]
    if receiver is not None and receiver["status"] in {None, "streaming"}:
        return None
    heard_at, asked_at = _at(position.get("heard_at")), _at(position["asked_at"])
    if heard_at is None or asked_at is None:
        return None
    return heard_at, max((asked_at - heard_at).total_seconds(), 0.0)


def why_held(slot: Mapping[str, Any], senders: Sequence[Mapping[str, Any]]) -> Reason:
    """The reason that a slot holds WAL, and what to do about it."""
    drop = f"SELECT pg_drop_replication_slot({_literal(slot['name'])});"
    if slot["wal_status"] == "lost" or slot["invalidation_reason"] or slot["is_conflicting"]:
        return Reason("bad", _lost(slot), drop)
    if not slot["was_used"]:
        return Reason("info", "Never used: it holds no WAL until its reader connects for the first time.", drop)
    held = bytes_text(slot["held_bytes"])
    if not slot["is_active"]:
        since = slot["inactive_since"] or slot["idle_seen_since"]
        when = f" since {_words(since)}" if slot["inactive_since"] else f" since {_words(since)} at the latest"
        who = "the subscriber is stopped or gone" if slot["kind"] == "logical" else "the standby is stopped or gone"
        text = f"Nobody reads it{when}: {who}. {held} of WAL wait for it.{_limit(slot)}{_vacuum(slot)}"
        return Reason(_how_bad(slot), text, drop)
    return _active(slot, senders, held)


def _active(slot: Mapping[str, Any], senders: Sequence[Mapping[str, Any]], held: str) -> Reason:
    behind, sender = slot["unconfirmed_bytes"], _sender(slot, senders)
    if (slot["held_bytes"] or 0) <= MUCH_BYTES:
        return Reason("good", f"Its reader keeps up.{_vacuum(slot)}")
    if slot["kind"] == "logical" and behind is not None and behind <= (slot["held_bytes"] or 0) // 2:
        text = (
            f"Its reader confirmed all but {bytes_text(behind)}, but a transaction that is still open when it was "
            f"decoded began {held} ago: WAL is held from there on."
        )
    elif sender is not None and sender["state"] == "catchup":
        text = f"Its reader catches up and is {held} behind."
    elif sender is not None and (sender["unsent_bytes"] or 0) > MUCH_BYTES:
        text = f"{bytes_text(sender['unsent_bytes'])} are not even sent: the network or this server's sender is slow."
    else:
        text = f"Its reader is connected, but {held} behind: it writes or applies slower than this server."
    return Reason(_how_bad(slot), f"{text}{_limit(slot)}{_vacuum(slot)}")


def _lost(slot: Mapping[str, Any]) -> str:
    default = "it conflicts with recovery here" if slot["is_conflicting"] else LOST["wal_removed"]
    why = LOST.get(slot["invalidation_reason"] or "", default)
    return f"Lost: {why}. It holds nothing any more; its reader must be set up anew, and the slot dropped."


def _sender(slot: Mapping[str, Any], senders: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    return next((one for one in senders if one["pid"] == slot["active_pid"]), None)


def _limit(slot: Mapping[str, Any]) -> str:
    if slot["wal_status"] == "unreserved":
        return " The next checkpoint may remove what it needs."
    if slot["safe_bytes"] is None:
        return " No limit is set (max_slot_wal_keep_size is -1): it can fill the disk." if _is_much(slot) else ""
    return f" After {bytes_text(slot['safe_bytes'])} more it will be lost."


def _vacuum(slot: Mapping[str, Any]) -> str:
    age = max(slot["xmin_age"] or 0, slot["catalog_xmin_age"] or 0)
    what = "rows" if slot["xmin_age"] else "catalogue rows"
    return f" It keeps vacuum from removing {what} of the last {count_text(age)} transactions." if age > OLD_AGE else ""


def _how_bad(slot: Mapping[str, Any]) -> Level:
    if slot["wal_status"] == "unreserved":
        return "bad"
    return "warn" if _is_much(slot) or slot["wal_status"] == "extended" else "info"


def _is_much(slot: Mapping[str, Any]) -> bool:
    return (slot["held_bytes"] or 0) > MUCH_BYTES


def _words(told: str) -> str:
    at = _at(told)
    return f"{at:%Y-%m-%d %H:%M} UTC" if at is not None else "unknown"


def _at(told: str | None) -> datetime | None:
    return datetime.fromisoformat(told) if told else None


def _lsn(told: str | None) -> tuple[int, int]:
    high, _, low = (told or "0/0").partition("/")
    return int(high, 16), int(low, 16)


def _literal(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"
