"""What two readings of a server's counters and settings say together (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

LONGEST_VALUE = 60


@dataclass(frozen=True)
class Identity:
    """From when a server counts: its start, the reset of this database's counters and of the shared ones."""

    started_at: datetime | None
    database_reset_at: datetime | None
    shared_reset_at: datetime | None
    is_standby: bool | None


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


def server_marks(before: Identity, after: Identity, now: datetime) -> list[Mark]:
    """Restart, reset, crash and promotion between two readings.

    A crash of one back end zeroes all counters; it moves the reset time of the shared views, but neither the
    server's start nor (from 15 on) the reset time of the database.
    """
    marks = []
    restarted = _moved(before.started_at, after.started_at)
    if restarted:
        marks.append(Mark("restart", "The server was restarted", "server", restarted, exact=True))
    if reset := _moved(before.database_reset_at, after.database_reset_at, from_never=True):
        marks.append(Mark("reset", "The statistics of the database were reset", "statistics", reset, exact=True))
    elif crashed := _moved(before.shared_reset_at, after.shared_reset_at):
        title = "The statistics began at zero: a crash or a reset of the shared counters"
        marks.append(Mark("reset", title, "statistics", crashed, exact=True))
    if before.is_standby is not None and after.is_standby is not None and before.is_standby != after.is_standby:
        title = "The server became a standby" if after.is_standby else "The standby was promoted to primary"
        marks.append(Mark("restart", title, "server", now, exact=False))
    return marks


def setting_marks(before: Mapping[str, Setting], after: Mapping[str, Setting], now: datetime) -> list[Mark]:
    """Settings whose value changed or that began to wait for a restart; nothing about those seen for the first time."""
    marks = []
    for name in sorted(before.keys() & after.keys()):
        old, new = before[name], after[name]
        detail = {"before": old.value, "after": new.value, "unit": new.unit, "source": new.source}
        if old.value != new.value:
            title = f"{name}: {shown(old)} → {shown(new)}"
            marks.append(Mark("setting", title, name, now, exact=False, detail=detail))
        elif new.pending_restart and not old.pending_restart:
            title = f"{name} was changed and waits for a restart"
            marks.append(Mark("setting", title, name, now, exact=False, detail=detail))
    return marks


def shown(setting: Setting) -> str:
    """A value with its unit, short enough for a title: 16384 of 8kB, 5000 ms, '' as (empty)."""
    if not setting.value:
        return "(empty)"
    value = setting.value if len(setting.value) <= LONGEST_VALUE else setting.value[: LONGEST_VALUE - 1] + "…"
    if setting.unit is None:
        return value
    return f"{value} of {setting.unit}" if setting.unit[:1].isdigit() else f"{value} {setting.unit}"


def _moved(before: datetime | None, after: datetime | None, *, from_never: bool = False) -> datetime | None:
    """The later time when it moved; with `from_never` also when there was none before."""
    if after is None or after == before or (before is None and not from_never):
        return None
    return after
