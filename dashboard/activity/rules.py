"""Sessions as rows, what stands out among them, and who waits for whom (pure)."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

OURS = "pilothouse"
LONG_TRANSACTION = timedelta(minutes=1)
IDLE_TRANSACTION = timedelta(seconds=10)
TIMES = ("started_at", "transaction_at", "query_at", "changed_at", "waiting_since", "read_at")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Session:
    """A session of the watched database as it was at `read_at` of that server; what may not be seen is None."""

    pid: int
    username: str | None
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
    lock_object: str | None
    waiting_since: datetime | None
    read_at: datetime

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
            "transaction_ms", "query_ms", "started_at", "blocked_by", "lock_mode", "lock_object", "is_hidden",
            "is_ours",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names} | {"query": None if self.is_hidden else self.query}


@dataclass(frozen=True)
class Waiter:
    """A line of the blocking tree: `depth` 0 blocks others and waits for nobody, or is where a circle was cut."""

    pid: int
    session: Session | None
    depth: int
    waiters: int
    is_repeated: bool = False
    is_circular: bool = False


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
    seconds = round((now - row["read_at"]).total_seconds())
    skew = timedelta(seconds=seconds if abs(seconds) >= 2 else 0)
    fields = {name: row[name] for name in Session.__dataclass_fields__}
    fields |= {name: fields[name] + skew for name in TIMES if fields[name] is not None}
    return Session(**fields | {"blocked_by": tuple(dict.fromkeys(row["blocked_by"]))})


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


def blocking_tree(sessions: Sequence[Session]) -> list[Waiter]:
    """Who waits for whom, those who wait for nobody first, the ones that hold up most on top.

    A session stands below the last of those it waits for in a row; where it waits for several that do not wait for
    each other it appears below each of them, with its own waiters only the first time. Sessions that wait in a
    circle start at the smallest pid.
    """
    forest = _Forest(sessions)
    waiters = forest.waiters
    roots = [pid for pid in waiters if pid not in forest.known or not forest.known[pid].is_blocked]
    lines: list[Waiter] = []
    told: set[int] = set()
    for pid in sorted(roots, key=lambda pid: (-len(forest.below(pid)), pid)):
        forest.grow(pid, lines, told)
    while left := sorted(pid for pid in waiters if pid not in told):
        circle = len(lines)
        forest.grow(left[0], lines, told)
        lines[circle] = replace(lines[circle], is_circular=True)
    return lines


class _Forest:
    """Waiters by the pid they wait for. No recursion: chains of locks can be as long as there are connections."""

    def __init__(self, sessions: Sequence[Session]) -> None:
        self.known = {one.pid: one for one in sessions}
        self.waiters: dict[int, list[int]] = {}
        self._below: dict[int, set[int]] = {}
        for one in sessions:
            for pid in one.blocked_by:
                self.waiters.setdefault(pid, []).append(one.pid)

    def below(self, pid: int) -> set[int]:
        """Everybody who waits for this session, directly or through others."""
        if pid not in self._below:
            found: set[int] = set()
            stack = [pid]
            while stack:
                new = [waiter for waiter in self.waiters.get(stack.pop(), []) if waiter not in found]
                found.update(new)
                stack += new
            self._below[pid] = found
        return self._below[pid] - {pid}

    def grow(self, root: int, lines: list[Waiter], told: set[int]) -> None:
        """Depth first from one session, onto the lines."""
        stack = [(root, 0)]
        while stack:
            pid, depth = stack.pop()
            is_repeated = pid in told
            waits = len(self.below(pid))
            lines.append(Waiter(pid, self.known.get(pid), depth, waits, is_repeated=is_repeated))
            if not is_repeated:
                told.add(pid)
                next_ones = [one for one in self.waiters.get(pid, []) if not self._waits_for_one_between(one, pid)]
                stack += [(waiter, depth + 1) for waiter in sorted(next_ones, reverse=True)]

    def _waits_for_one_between(self, waiter: int, pid: int) -> bool:
        """It also waits for somebody who waits for this session, and not the other way round."""
        others = set(self.known[waiter].blocked_by) & self.below(pid) - {waiter}
        return any(pid not in self.below(other) for other in others)


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
