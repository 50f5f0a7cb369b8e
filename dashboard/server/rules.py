"""What two readings of a server's counters and settings say together (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dashboard.server.units import value_text

LONGEST_VALUE = 60
ONE_CRASH = timedelta(seconds=5)
FROM_FILES = frozenset({"configuration file", "command line", "environment variable"})
LOST = "The counters of the database are lower than before, though nobody reset them."


@dataclass(frozen=True)
class Identity:
    """Which server answered and from when it counts: its start, the resets of the database's and the shared views.

    None is unknown, and compared with nothing.
    """

    started_at: datetime | None
    database_reset_at: datetime | None
    shared_reset_at: datetime | None
    is_standby: bool | None
    system_identifier: str | None = None
    timeline: int | None = None
    version: str | None = None
    loaded_at: datetime | None = None


@dataclass(frozen=True)
class Mark:
    """A change of the server for the lane; `at` is exact where the server tells it, else when it was noticed."""

    kind: str
    title: str
    subject: str
    at: datetime
    exact: bool
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Setting:
    """`value` is in `unit` as pg_settings has it: 16384 with 8kB."""

    value: str | None
    unit: str | None
    source: str
    pending_restart: bool


def server_marks(before: Identity, after: Identity, now: datetime, *, lost: bool = False) -> list[Mark]:
    """What happened to the server between two readings; `lost`: counters of the database went down.

    A crash of one back end zeroes all counters; it moves the reset time of the shared views, but neither the
    server's start nor (from 15 on) the reset time of the database.
    """
    if is_another_cluster(before, after):
        return [_another_cluster(before, after, now)]
    restarted = _moved(before.started_at, after.started_at)
    failover = _failover(before, after, now)
    if failover and restarted:
        return failover
    marks = [*failover, *([_restart(before, after, restarted)] if restarted else [])]
    return [*marks, *_losses(before, after, now, lost=lost, restarted=restarted)]


def is_another_cluster(before: Identity, after: Identity) -> bool:
    return _differ(before.system_identifier, after.system_identifier)


def counting_since(
    kept: datetime | None, before: Identity | None, after: Identity, slot: datetime, *, lost: bool
) -> datetime | None:
    """From when the counters count without a loss: the latest of the resets told and of losses that were not.

    `kept` is what was said at the reading before. A reset time of the future (a clock that went back) is as told.
    """
    told = [at for at in (after.database_reset_at, after.shared_reset_at) if at is not None]
    if before is not None and is_another_cluster(before, after):
        return max(told, default=slot)
    if lost and before is not None and not (_shared(before, after) or _reset(before, after)):
        told.append(slot)
    return max([*told, *([kept] if kept is not None else [])], default=None)


def setting_marks(
    before: Mapping[str, Setting], after: Mapping[str, Setting], now: datetime, loaded_at: datetime | None = None
) -> list[Mark]:
    """Settings whose value changed or that began to wait for a restart; nothing about those seen for the first time.

    `loaded_at`: when the server last read its files, where that was between the two readings: then a setting that
    comes from them took its value at exactly that time.
    """
    marks = []
    for name in sorted(before.keys() & after.keys()):
        old, new = before[name], after[name]
        detail = {"before": old.value, "after": new.value, "unit": new.unit, "source": new.source}
        exact = loaded_at is not None and bool(FROM_FILES & {old.source, new.source})
        at = loaded_at if loaded_at is not None and exact else now
        if old.value != new.value:
            title = f"{name}: {shown(old)} → {shown(new)}"
            marks.append(Mark("setting", title, name, at, exact=exact, detail=detail))
        elif new.pending_restart and not old.pending_restart:
            title = f"{name} was changed and waits for a restart"
            marks.append(Mark("setting", title, name, at, exact=exact, detail=detail))
    return marks


def shown(setting: Setting) -> str:
    """A value with its unit, short enough for a title: 128 MB, 5 s, '' as (empty)."""
    value = value_text(setting.value or "", setting.unit)
    return value if len(value) <= LONGEST_VALUE else value[: LONGEST_VALUE - 1] + "…"


def _losses(before: Identity, after: Identity, now: datetime, *, lost: bool, restarted: datetime | None) -> list[Mark]:
    """Counters that began anew: by a reset that the server tells, by a crash, or nobody knows how."""
    reset, shared = _reset(before, after), _shared(before, after)
    if shared and _is_crash(reset, shared, after.version, lost=lost):
        return [_crash(shared, restarted)]
    marks = []
    if reset:
        marks.append(Mark("reset", "The statistics of the database were reset", "statistics", reset, exact=True))
    if shared:
        title = "The shared statistics of the server were reset"
        marks.append(Mark("reset", title, "shared statistics", shared, exact=True))
    if lost and not marks:
        title = "The statistics of the database began at zero; why is not known"
        marks.append(Mark("reset", title, "statistics", now, exact=False, detail={"inferred": LOST}))
    return marks


def _another_cluster(before: Identity, after: Identity, now: datetime) -> Mark:
    title = "Another database cluster answers at this address: its numbers are not joined with those of before"
    detail = {"before": before.system_identifier, "after": after.system_identifier}
    if _differ(before.version, after.version):
        detail |= {"version_before": before.version, "version_after": after.version}
    return Mark("failover", title, "server", now, exact=False, detail=detail)


def _failover(before: Identity, after: Identity, now: datetime) -> list[Mark]:
    """A promotion in place, or another server of the same cluster at the same address."""
    detail = {"before": _stand(before), "after": _stand(after)}
    turned = _differ(before.is_standby, after.is_standby)
    restarted = _moved(before.started_at, after.started_at)
    if turned and not restarted:
        title = "The server became a standby" if after.is_standby else "The standby was promoted to primary"
    elif (turned or _differ(before.timeline, after.timeline)) and restarted and not after.is_standby:
        title = "Another server took over: the address is answered by a server on another timeline"
        if not _differ(before.timeline, after.timeline):
            title = "The server at this address is a primary now, and was started anew"
    elif turned:
        title = "The server at this address is a standby now, and was started anew"
    elif _differ(before.timeline, after.timeline):
        title = f"The standby follows another primary: timeline {before.timeline} → {after.timeline}"
    else:
        return []
    return [Mark("failover", title, "server", now, exact=False, detail=detail)]


def _restart(before: Identity, after: Identity, at: datetime) -> Mark:
    title = "The server was restarted"
    detail = {}
    if _differ(before.version, after.version):
        title = f"The server was upgraded from PostgreSQL {before.version} to {after.version}"
        detail = {"before": before.version, "after": after.version}
    return Mark("restart", title, "server", at, exact=True, detail=detail)


def _crash(at: datetime, restarted: datetime | None) -> Mark:
    how = "after the server went down without a shutdown" if restarted else "after a back end crashed"
    inferred = (
        "All shared statistics began anew at this time and the counters of the database went down, "
        "though only a crash does both. What crashed stands in the server's log."
    )
    return Mark("crash", f"All counters began at zero {how}", "server", at, exact=True, detail={"inferred": inferred})


def _is_crash(reset: datetime | None, shared: datetime, version: str | None, *, lost: bool) -> bool:
    """14 tells a crash in both reset times; later versions keep that of the database, though its counters are lost."""
    if reset is None:
        return lost
    return str(version).startswith("14.") and abs(reset - shared) <= ONE_CRASH


def _shared(before: Identity, after: Identity) -> datetime | None:
    return _moved(before.shared_reset_at, after.shared_reset_at)


def _reset(before: Identity, after: Identity) -> datetime | None:
    return _moved(before.database_reset_at, after.database_reset_at, from_never=True)


def _stand(identity: Identity) -> str:
    stand = {True: "standby", False: "primary", None: "unknown"}[identity.is_standby]
    return stand if identity.timeline is None else f"{stand} on timeline {identity.timeline}"


def _differ(before: Any, after: Any) -> bool:
    """Both are known and not the same."""
    return before is not None and after is not None and before != after


def _moved(before: datetime | None, after: datetime | None, *, from_never: bool = False) -> datetime | None:
    """The later time when it moved; with `from_never` also when there was none before."""
    if after is None or after == before or (before is None and not from_never):
        return None
    return after


def version_text(number: int) -> str:
    """As a person writes it: 180006 is 18.6."""
    return f"{number // 10_000}.{number % 10_000}"
