"""Which sessions an operator may cancel or end, and why not the others (pure)."""

from collections.abc import Mapping, Sequence
from typing import Literal

from dashboard.activity.rules import Session

Act = Literal["cancel", "terminate"]
ACTS: tuple[Act, ...] = ("cancel", "terminate")
LONGEST_REASON = 1_000
AUTOVACUUM, SIGNAL_AUTOVACUUM = "autovacuum worker", 180_000
HIDDEN = "What it does is hidden from the watching role, so it cannot be told what would be stopped."
OURS = "A connection of this dashboard; it ends by itself within seconds."
SUPERUSER = "It belongs to a superuser: only another superuser may stop it."
WALSENDER = "It sends the log to a standby or a subscriber: stopping it would stop the replication."
OLD_AUTOVACUUM = "Before PostgreSQL 18 only a superuser may stop autovacuum."
BACKGROUND = "A background process of the server, which starts again what is stopped."
NOTHING_RUNS = "No statement runs. What an open transaction holds is freed only by ending the session."


def protection(one: Session, act: Act, server_version: int | None) -> str | None:
    """Why this session is left alone; None when it may be stopped. `server_version` as 180006."""
    if one.is_ours:
        return OURS
    if one.is_hidden or one.born is None:
        return HIDDEN
    if one.is_superuser:
        return SUPERUSER
    if problem := _kind_problem(one, server_version):
        return problem
    if act == "cancel" and one.state not in {"active", "fastpath function call"}:
        return NOTHING_RUNS
    return None


def _kind_problem(one: Session, server_version: int | None) -> str | None:
    match one.backend_type:
        case "client backend":
            return None
        case "walsender":
            return WALSENDER
        case "parallel worker":
            return f"It helps process {one.leader_pid} with a query: stop that one."
        case "autovacuum worker":
            return None if (server_version or 0) >= SIGNAL_AUTOVACUUM else OLD_AUTOVACUUM
    return BACKGROUND


def is_against_wraparound(one: Session) -> bool:
    """An autovacuum that the server needs before its transaction numbers run out; stopped, it starts again."""
    return one.backend_type == AUTOVACUUM and "to prevent wraparound" in (one.query or "")


def held_up(one: Session, sessions: Sequence[Session]) -> list[Session]:
    """Those who wait for this session, directly or through others."""
    found: set[int] = set()
    pids = [one.pid]
    while pids:
        pid = pids.pop()
        new = [other.pid for other in sessions if pid in other.blocked_by and other.pid not in found]
        found.update(new)
        pids += new
    return [other for other in sessions if other.pid in found - {one.pid}]


def confirmation_problems(one: Session, typed: Mapping[str, str], *, is_production: bool) -> dict[str, str]:
    """What is missing before a session may be stopped; production asks why, and for the pid typed by hand."""
    problems = {}
    reason = typed.get("reason", "").strip()
    if len(reason) > LONGEST_REASON or not reason.isprintable():
        problems["reason"] = f"At most {LONGEST_REASON} characters on one line."
    if is_production and not reason:
        problems["reason"] = "Say why; it is kept in the audit log and the change lane."
    if is_production and typed.get("typed_pid", "").strip() != str(one.pid):
        problems["typed_pid"] = f"Type {one.pid}, the number of the process, to confirm."
    return problems


def number(text: str) -> int | None:
    """A number that a form carried; None when it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
