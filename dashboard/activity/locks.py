"""Locks summed up by what they are on and how strong they are (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.activity.rules import lock_words

KEEPS_OUT = {
    "AccessExclusiveLock": "everybody, readers too",
    "ExclusiveLock": "everybody but plain readers",
    "ShareRowExclusiveLock": "writers and other schema changes",
    "ShareLock": "writers",
    "ShareUpdateExclusiveLock": "vacuum, index builds and schema changes",
    "RowExclusiveLock": "index builds and schema changes",
    "RowShareLock": "exclusive locks only",
    "AccessShareLock": "exclusive locks of schema changes only",
}


@dataclass(frozen=True)
class LockGroup:
    """Locks of one mode on one thing: how many are held, how many are waited for and since when."""

    lock_type: str
    relation: int | None
    mode: str
    granted: int
    waiting: int
    sessions: int
    waiting_since: datetime | None
    name: str | None = None

    @property
    def on(self) -> str:
        return lock_words(self.lock_type, self.name) or self.lock_type

    @property
    def keeps_out(self) -> str | None:
        """Whom a lock of this mode on a relation stops."""
        return KEEPS_OUT.get(self.mode) if self.lock_type == "relation" else None


@dataclass(frozen=True)
class Locks:
    """`total` locks in `kinds` groups; `groups` are the ones that matter most, those that are waited for first."""

    groups: Sequence[LockGroup] = ()
    total: int = 0
    kinds: int = 0


def locks_of(rows: Sequence[Mapping[str, Any]], names: Mapping[int, str]) -> Locks:
    """The probe's rows with the names of relations; one whose name could not be read is told by its number."""
    fields = [name for name in LockGroup.__dataclass_fields__ if name != "name"]
    groups = [
        LockGroup(**{name: row[name] for name in fields}, name=relation_name(row["relation"], names)) for row in rows
    ]
    return Locks(groups, rows[0]["locks"] if rows else 0, rows[0]["groups"] if rows else 0)


def relation_name(oid: int | None, names: Mapping[int, str]) -> str | None:
    return None if oid is None else names.get(oid, f"relation {oid}")
