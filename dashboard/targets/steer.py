"""The only way to act on a target: cancel a statement or end a session, as the role that was opted into for it.

Each act is one fixed statement on a connection of its own, with small limits and our watchdog. The statement itself
makes sure that it hits what was shown: the same session by pid and start (a pid is soon given to somebody else), and
when cancelling the same statement.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from dashboard.targets.connect import Reader, TargetRefused, address_of, reading
from dashboard.targets.models import Target
from dashboard.targets.probes import Probe, quoted

Act = Literal["cancel", "terminate"]
LIMIT_MS, LOCK_LIMIT_MS = 2_000, 200
LOOKS_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.2, 1.2, 1.05)  # five seconds in all
RIGHTS = Probe.read(__file__, "steering.sql")
STOP = """
with session as materialized (
    select
        a.pid,
        a.backend_start is null as is_hidden,
        coalesce((extract(epoch from a.backend_start) * 1000000)::bigint = %(born)s, false) as is_same,
        coalesce((extract(epoch from a.query_start) * 1000000)::bigint = %(query_born)s, false)
            and coalesce(a.state, '') in ('active', 'fastpath function call') as runs_it,
        coalesce(a.backend_type, '') in ('client backend', 'autovacuum worker')
            and not coalesce(r.rolsuper, false)
            and a.application_name <> 'pilothouse' as is_open
    from pg_catalog.pg_stat_activity as a
    left join pg_catalog.pg_roles as r on r.oid = a.usesysid
    where a.pid = %(pid)s and a.pid <> pg_catalog.pg_backend_pid()
)
select
    s.is_hidden,
    s.is_same,
    s.runs_it,
    s.is_open,
    case when s.is_same and s.is_open{only_if} then pg_catalog.{function}(s.pid) end as is_sent
from session as s
order by s.pid
"""
STATEMENTS: dict[Act, str] = {
    "cancel": STOP.format(only_if=" and s.runs_it", function="pg_cancel_backend"),
    "terminate": STOP.format(only_if="", function="pg_terminate_backend"),
}
STILL = """
select
    coalesce((extract(epoch from a.query_start) * 1000000)::bigint = %(query_born)s, false)
        and coalesce(a.state, '') in ('active', 'fastpath function call') as runs_it
from pg_catalog.pg_stat_activity as a
where a.pid = %(pid)s and (extract(epoch from a.backend_start) * 1000000)::bigint = %(born)s
"""
# Within a transaction the server shows the same sessions until it is told to look again.
FRESH = "select pg_catalog.pg_stat_clear_snapshot()::text as cleared"
State = Literal["stopped", "still there", "gone", "another statement", "protected", "not visible", "not sent"]
SENTENCES: dict[State, str] = {
    "stopped": "It was stopped.",
    "still there": "The signal was sent, but after 5 s it is still there: it may wait for a disk or clean up.",
    "gone": "It was already gone; nothing was sent.",
    "another statement": "Its statement had already ended; nothing was sent.",
    "protected": "It may not be stopped from here; nothing was sent.",
    "not visible": "The steering role cannot see which session this is; nothing was sent.",
    "not sent": "The server could not send the signal: the process had just ended.",
}
MAY_NOT = "The steering role may not stop sessions of others."


@dataclass(frozen=True)
class Aim:
    """A session, and the statement it was running, as they were shown; times in microseconds of the server's clock."""

    pid: int
    born: int
    query_born: int | None = None
    is_autovacuum: bool = False


@dataclass(frozen=True)
class Outcome:
    """`was_sent`: a signal went out. `remedy_sql`: what an owner of the server could run, when that would help."""

    state: State
    was_sent: bool = False
    remedy_sql: str | None = None

    @property
    def sentence(self) -> str:
        return SENTENCES[self.state]


@dataclass(frozen=True)
class Rights:
    """What the steering role may do on this server, and what would give it more."""

    role: str
    server_version: int
    can_see: bool
    can_signal: bool
    can_signal_autovacuum: bool

    @property
    def grants(self) -> list[str]:
        return [
            f"GRANT {name} TO {quoted(self.role)};"
            for name, has in (("pg_read_all_stats", self.can_see), ("pg_signal_backend", self.can_signal))
            if not has
        ]

    @property
    def autovacuum_grant(self) -> str | None:
        if self.can_signal_autovacuum or self.server_version < 180_000:
            return None
        return f"GRANT pg_signal_autovacuum_worker TO {quoted(self.role)};"


def has_role(target: Target) -> bool:
    """Whether its owner opted into steering."""
    return any(login.purpose == "steer" for login in target.logins)


def rights_of(target: Target) -> Rights:
    """Raises TargetUnreachable, TargetRefused."""
    with reading(address_of(target, "steer"), statement_timeout_ms=LIMIT_MS, lock_timeout_ms=LOCK_LIMIT_MS) as reader:
        return Rights(**reader.ask(RIGHTS)[0], server_version=reader.server_version)


@contextmanager
def steering(target: Target) -> Iterator[Reader]:
    """A connection for one act; closed after it. Raises TargetUnreachable."""
    address = address_of(target, "steer")
    with reading(address, statement_timeout_ms=LIMIT_MS, lock_timeout_ms=LOCK_LIMIT_MS, pooled=False) as reader:
        yield reader


def stop(reader: Reader, act: Act, aim: Aim) -> Outcome:
    """Cancel the statement or end the session, and see for five seconds what became of it.

    Raises TargetRefused with the GRANT that is missing, TargetUnreachable.
    """
    named = {"pid": aim.pid, "born": aim.born, "query_born": aim.query_born or 0}
    try:
        rows = reader.rows(STATEMENTS[act], named)
    except TargetRefused as refused:
        raise _refusal(reader, refused, aim) from None
    found = rows[0] if rows else None
    state = _unsent(found, act)
    if state is not None:
        remedy = f"GRANT pg_read_all_stats TO {_user(reader)};" if state == "not visible" else None
        return Outcome(state, remedy_sql=remedy)
    return Outcome("stopped" if _ended(reader, act, named) else "still there", was_sent=True)


def _unsent(found: dict[str, Any] | None, act: Act) -> State | None:
    """Why no signal went out; None when one did."""
    if found is None:
        return "gone"
    if found["is_hidden"]:
        return "not visible"
    if not found["is_same"]:
        return "gone"
    if not found["is_open"]:
        return "protected"
    if act == "cancel" and not found["runs_it"]:
        return "another statement"
    return None if found["is_sent"] else "not sent"


def _ended(reader: Reader, act: Act, named: dict[str, Any]) -> bool:
    for pause_s in LOOKS_S:
        time.sleep(pause_s)
        reader.rows(FRESH)
        rows = reader.rows(STILL, named)
        if not rows or (act == "cancel" and not rows[0]["runs_it"]):
            return True
    return False


def _refusal(reader: Reader, refused: TargetRefused, aim: Aim) -> TargetRefused:
    if refused.sqlstate != "42501":
        return refused
    name = "pg_signal_autovacuum_worker" if aim.is_autovacuum else "pg_signal_backend"
    return TargetRefused(refused.sqlstate, MAY_NOT, f"GRANT {name} TO {_user(reader)};")


def _user(reader: Reader) -> str:
    return quoted(reader.link.connection.info.user)
