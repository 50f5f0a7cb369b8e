"""What goes wrong with a target: one sentence of ours for a person; the server's own words only reach the log."""

import logging

from psycopg import errors as pg
from psycopg.sql import Identifier

from dashboard.errors import Unavailable

log = logging.getLogger(__name__)

NOBODY = "No PostgreSQL server answers at this address."
SIGN_IN = "The server refused the sign-in: check role, password and database name, and that its pg_hba.conf lets us in."
TLS = (
    "No trusted TLS connection could be made: the server offers none, or its certificate does not fit the host "
    "or the root certificate."
)
FULL = "The server has no free connection for this role."
STARTING = "The server is starting up or shutting down."
LOST = "The connection was lost in the middle of a question."
FROZEN = "The server stopped answering in the middle of a question; the connection was cut."
BUSY = "All our connections to this target are busy; try again in a moment."

_NOTHING_THERE = "The server does not have what this question reads."
REFUSALS = {
    "55P03": "Another session holds a lock on what was asked about; we do not wait for it.",
    "42501": "The watching role may not read this.",
    "42P01": _NOTHING_THERE,
    "42703": _NOTHING_THERE,
    "42883": _NOTHING_THERE,
    "55000": "The server is not set up for this question.",
}
_NETWORK_WORDS = (
    "connection refused", "no such file", "unreachable", "no route", "timeout", "timed out", "reset by peer",
    "closed the connection unexpectedly", "invalid response", "but received", "broken pipe", "unexpected message",
)  # fmt: skip
_TLS_WORDS = ("certificate", "does not support ssl", "ssl error", "tlsv1", "does not match host name")
_FULL_WORDS = ("too many clients", "too many connections", "remaining connection slots")
_STARTING_WORDS = ("starting up", "shutting down", "not accepting connections", "recovery")


class TargetUnreachable(Unavailable):
    """Cannot connect, or lost on the way. `lasting`: it will not heal by itself (password, TLS, address)."""

    def __init__(self, sentence: str, *, lasting: bool = False) -> None:
        self.lasting = lasting
        super().__init__(sentence)


class TargetBusy(TargetUnreachable):
    """Nothing is wrong with the target: all connections of this process are in use."""

    def __init__(self) -> None:
        super().__init__(BUSY)


class TargetRefused(Unavailable):
    """The server answered a statement with an error; `remedy_sql` is what an owner could run, when known."""

    def __init__(self, sqlstate: str, sentence: str, remedy_sql: str | None = None) -> None:
        self.sqlstate = sqlstate
        self.remedy_sql = remedy_sql
        super().__init__(sentence)


def connect_failure(error: pg.Error, slug: str) -> TargetUnreachable:
    """Refused, filtered and not-PostgreSQL read alike: the page must not be a port scanner."""
    log.warning("target %s: cannot connect: %s: %r", slug, type(error).__name__, str(error))
    words = str(error).lower()
    if isinstance(error, pg.ConnectionTimeout) or _any(_NETWORK_WORDS, words):
        return TargetUnreachable(NOBODY)
    if _any(_TLS_WORDS, words):
        return TargetUnreachable(TLS, lasting=True)
    if _any(_FULL_WORDS, words):
        return TargetUnreachable(FULL)
    if _any(_STARTING_WORDS, words):
        return TargetUnreachable(STARTING)
    return TargetUnreachable(SIGN_IN, lasting=True)


def statement_failure(
    error: pg.Error, slug: str, *, user: str, statement_timeout_ms: int, lost: bool, is_secret: bool = False
) -> TargetUnreachable | TargetRefused:
    """`is_secret`: the server's words may hold data of tables, so that not even the log gets them."""
    log.warning("target %s: a statement failed: %s %r", slug, error.sqlstate, "" if is_secret else str(error))
    state = error.sqlstate or ""
    if lost or state[:2] == "08" or state in {"57P01", "57P02", "57P03", "25P03"}:
        return TargetUnreachable(LOST)
    if state == "57014":
        return TargetRefused(state, f"The answer took longer than {statement_timeout_ms / 1000:g} s.")
    sentence = REFUSALS.get(state, f"The server refused the question (SQLSTATE {state or 'unknown'}).")
    return TargetRefused(state or "XX000", sentence, grant_monitor(user) if state == "42501" else None)


def grant_monitor(user: str) -> str:
    return f"GRANT pg_monitor TO {Identifier(user).as_string(None)};"


def grant_usage(schema: str, user: str) -> str:
    return f"GRANT USAGE ON SCHEMA {Identifier(schema).as_string(None)} TO {Identifier(user).as_string(None)};"


def _any(words: tuple[str, ...], text: str) -> bool:
    return any(word in text for word in words)
