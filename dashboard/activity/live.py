"""What the sessions of a target do now: the one page that asks the target itself, within three seconds."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from dashboard.activity.locks import Locks, locks_of, relation_name
from dashboard.activity.rules import Session, folded, lock_words, session_of
from dashboard.targets.connect import Reader, TargetRefused, TargetUnreachable, address_of, reading
from dashboard.targets.models import Target
from dashboard.targets.probes import Probe, quoted

SESSIONS = Probe.read(__file__, "sessions.sql")
LOCKS = Probe.read(__file__, "locks.sql")
NAMES = Probe.read(__file__, "names.sql")
PREPARED = Probe.read(__file__, "prepared.sql")
OIDS = "select pg_catalog.set_config('pilothouse.oids', %(oids)s, true) as listed"
LIMIT_MS = 2_000
LOCK_LIMIT_MS = 200
PREPARED_PID = 0


@dataclass(frozen=True)
class Live:
    """The sessions, or why they are not known. `total`: how many there are; only the first 1,000 are told.

    `prepared` are transactions that nobody finished, asked for when one of them holds somebody up.
    """

    sessions: list[Session] = field(default_factory=list)
    total: int = 0
    locks: Locks = Locks()  # noqa: RUF009 - it is frozen
    prepared: list[dict[str, Any]] = field(default_factory=list)
    server_version: int | None = None
    as_of: datetime | None = None
    grant_sql: str | None = None
    problem: TargetRefused | TargetUnreachable | None = None

    @property
    def hidden(self) -> int:
        return sum(one.is_hidden for one in self.sessions)

    @property
    def remedy_sql(self) -> str | None:
        return self.problem.remedy_sql if isinstance(self.problem, TargetRefused) else None

    def session(self, pid: int, born: int) -> Session | None:
        """Exactly this session; None when it has ended, whoever has its number now."""
        return next((one for one in self.sessions if (one.pid, one.born) == (pid, born)), None)


def sessions_of(target: Target, now: datetime) -> Live:
    try:
        address = address_of(target)
        with reading(address, statement_timeout_ms=LIMIT_MS, lock_timeout_ms=LOCK_LIMIT_MS, wait_s=1.0) as reader:
            rows = reader.ask(SESSIONS)
            locks = reader.ask(LOCKS)
            prepared = _prepared(reader) if any(PREPARED_PID in row["blocked_by"] for row in rows) else []
            names = _names(reader, [row["lock_relation"] for row in rows] + [row["relation"] for row in locks])
            version = reader.server_version
    except (TargetRefused, TargetUnreachable) as problem:
        return Live(problem=problem)
    return Live(
        sessions=[_named(one, names) for one in folded([session_of(row, now) for row in rows])],
        total=rows[0]["total"] if rows else 0,
        locks=locks_of(locks, names),
        prepared=prepared,
        server_version=version,
        as_of=now,
        grant_sql=f"GRANT pg_monitor TO {quoted(address.user)};",
    )


def _named(one: Session, names: dict[int, str]) -> Session:
    if not one.is_blocked:
        return one
    return replace(one, lock_object=lock_words(one.lock_type, relation_name(one.lock_relation, names)))


def _names(reader: Reader, oids: Iterable[int | None]) -> dict[int, str]:
    """None where the catalogue itself is locked: what the sessions do is told all the same."""
    wanted = sorted({oid for oid in oids if oid is not None})
    if not wanted:
        return {}
    try:
        with reader.savepoint():
            reader.rows(OIDS, {"oids": ",".join(map(str, wanted))})
            return {row["oid"]: row["name"] for row in reader.ask(NAMES)}
    except TargetRefused:
        return {}


def _prepared(reader: Reader) -> list[dict[str, Any]]:
    try:
        with reader.savepoint():
            return list(reader.ask(PREPARED)[0]["prepared"])
    except TargetRefused:
        return []
