"""Sessions as rows, what stands out among them, and what they wait for (pure)."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from dashboard.sqlmask import without_secrets

OURS = "pilothouse"
LONG_TRANSACTION = timedelta(minutes=1)
IDLE_TRANSACTION = timedelta(seconds=10)
TIMES = ("started_at", "transaction_at", "query_at", "changed_at", "waiting_since", "read_at")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Session:
    """A session of the watched database as it was at `read_at` of that server; what may not be seen is None.

    `born` and `query_born` are when it and its statement began, in microseconds of the server's clock: together with
    the pid they name exactly this session and this statement. `workers` helps it with a parallel query.
    """

    pid: int
    born: int | None
    query_born: int | None
    leader_pid: int | None
    username: str | None
    is_superuser: bool
    application: str | None
    address: str | None
    backend_type: str | None
    state: str | None
    wait_event_type: str | None
    wait_event: str | None
    started_at: datetime | None
    transaction_at: datetime | None
    query_at: datetime | None
    changed_at: datetime | None
    query: str | None
    is_hidden: bool
    blocked_by: tuple[int, ...]
    lock_mode: str | None
    lock_type: str | None
    lock_relation: int | None
    waiting_since: datetime | None
    read_at: datetime
    lock_object: str | None = None
    workers: int = 0

    @property
    def is_ours(self) -> bool:
        return self.application == OURS

    @property
    def is_background(self) -> bool:
        return self.backend_type not in {"client backend", None}

    @property
    def is_blocked(self) -> bool:
        return bool(self.blocked_by)

    @property
    def is_idle_in_transaction(self) -> bool:
        return (self.state or "").startswith("idle in transaction")

    @property
    def wait(self) -> str | None:
        """What it waits for, as the server names it; an idle session only waits for its client."""
        if self.wait_event is None or self.state == "idle" or self.wait_event_type in {"Client", "Activity"}:
            return None
        return f"{self.wait_event_type}: {self.wait_event}"

    @property
    def state_ms(self) -> float | None:
        return _ms(self.read_at, self.changed_at)

    @property
    def transaction_ms(self) -> float | None:
        return _ms(self.read_at, self.transaction_at)

    @property
    def query_ms(self) -> float | None:
        """How long the statement has run; None when none runs."""
        return _ms(self.read_at, self.query_at) if self.state == "active" else None

    @property
    def line(self) -> str | None:
        if self.query is None or self.is_hidden:
            return None
        return _SPACE.sub(" ", self.query).strip()

    def json(self) -> dict[str, Any]:
        names = (
            "pid", "username", "application", "address", "backend_type", "state", "wait", "state_ms",
            "transaction_ms", "query_ms", "started_at", "blocked_by", "lock_mode", "lock_object", "waiting_since",
            "workers", "is_hidden", "is_ours", "is_superuser", "born",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names} | {"query": None if self.is_hidden else self.query}


SORTS: dict[str, Callable[[Session], Any]] = {
    "pid": lambda one: one.pid,
    "username": lambda one: one.username,
    "application": lambda one: one.application,
    "state": lambda one: one.state,
    "wait": lambda one: one.wait,
    "state_ms": lambda one: one.state_ms,
    "transaction_ms": lambda one: one.transaction_ms,
    "query_ms": lambda one: one.query_ms,
    "query": lambda one: one.line,
}


def session_of(row: Mapping[str, Any], now: datetime) -> Session:
    """A row of the probe, its times moved from the server's clock to ours where they differ by seconds.

    The server tells a prepared transaction that blocks as pid 0.
    """
    skew = skew_of(row["read_at"], now)
    fields = {name: row[name] for name in Session.__dataclass_fields__ if name in row}
    fields |= {name: fields[name] + skew for name in TIMES if fields[name] is not None}
    fields["query"] = without_secrets(row["query"]) if row["query"] else row["query"]
    return Session(**fields | {"blocked_by": tuple(dict.fromkeys(row["blocked_by"]))})


def skew_of(read_at: datetime, now: datetime) -> timedelta:
    """How far the server's clock is behind ours, in whole seconds; none when it is less than two."""
    seconds = round((now - read_at).total_seconds())
    return timedelta(seconds=seconds if abs(seconds) >= 2 else 0)


def folded(sessions: Sequence[Session]) -> list[Session]:
    """Parallel workers stand with the session whose query they help: it waits when one of them does."""
    leaders = {one.pid for one in sessions}
    workers: dict[int, list[Session]] = {}
    for one in sessions:
        if one.leader_pid in leaders and one.leader_pid != one.pid:
            workers.setdefault(one.leader_pid, []).append(one)
    helping = {one.pid for helpers in workers.values() for one in helpers}
    return [_led(one, workers.get(one.pid, [])) for one in sessions if one.pid not in helping]


def _led(leader: Session, workers: Sequence[Session]) -> Session:
    if not workers:
        return leader
    waiting = next((one for one in (leader, *workers) if one.is_blocked), leader)
    holders = dict.fromkeys(pid for one in (leader, *workers) for pid in one.blocked_by if pid != leader.pid)
    names = ("wait_event_type", "wait_event", "lock_mode", "lock_type", "lock_relation", "waiting_since")
    wait = {name: getattr(waiting, name) for name in names}
    return replace(leader, blocked_by=tuple(holders), workers=len(workers), **wait)


def lock_words(lock_type: str | None, relation: str | None) -> str | None:
    """What a lock is on, in words; `relation` is the name of its table or index, where it has one."""
    if lock_type in {"tuple", "transactionid"} and relation:
        return f"a row of {relation}"
    if lock_type in {"page", "extend"} and relation:
        return f"{relation} ({lock_type})"
    words = {
        "transactionid": "another transaction",
        "virtualxid": "another transaction",
        "advisory": "an advisory lock",
    }
    return relation or words.get(lock_type or "", lock_type)


def matching(sessions: Iterable[Session], words: str, state: str | None = None) -> list[Session]:
    """The sessions of a state in whose pid, user, application, wait or statement the words appear."""
    wanted = words.casefold()
    return [one for one in sessions if _is_state(one, state) and wanted in _searched(one)]


def ordered(sessions: Iterable[Session], field: str, *, descending: bool) -> list[Session]:
    """By a field of SORTS, unknown values last in both directions, then by pid."""
    value = SORTS[field]
    by_pid = sorted(sessions, key=lambda one: one.pid)
    known = [one for one in by_pid if value(one) is not None]
    unknown = [one for one in by_pid if value(one) is None]
    return sorted(known, key=value, reverse=descending) + unknown


def long_transactions(sessions: Iterable[Session]) -> list[Session]:
    """Open for a minute or longer: they hold locks and keep vacuum from cleaning."""
    found = [one for one in sessions if one.transaction_at and one.read_at - one.transaction_at >= LONG_TRANSACTION]
    return sorted(found, key=lambda one: (one.transaction_at or one.read_at, one.pid))


def idle_transactions(sessions: Iterable[Session]) -> list[Session]:
    """Waiting for their client with a transaction open for ten seconds or longer."""
    found = [
        one
        for one in sessions
        if one.is_idle_in_transaction and one.changed_at and one.read_at - one.changed_at >= IDLE_TRANSACTION
    ]
    return sorted(found, key=lambda one: (one.changed_at or one.read_at, one.pid))


def _is_state(one: Session, state: str | None) -> bool:
    match state:
        case "active":
            return one.state == "active"
        case "transaction":
            return one.is_idle_in_transaction
        case "blocked":
            return one.is_blocked
        case "idle":
            return one.state == "idle"
    return True


def _searched(one: Session) -> str:
    words = (str(one.pid), one.username, one.application, one.state, one.wait, one.address, one.line)
    return "\n".join(word for word in words if word).casefold()


def _ms(later: datetime, earlier: datetime | None) -> float | None:
    return None if earlier is None else max(0.0, (later - earlier).total_seconds() * 1000)
