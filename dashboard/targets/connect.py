"""The only way to read from a target: read-only, time-limited, one statement at a time, cut when it freezes."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from flask import current_app

from dashboard.targets.failures import TargetBusy, TargetRefused, TargetUnreachable
from dashboard.targets.models import Target
from dashboard.targets.pools import Address, Link, Pool, Pools, connect
from dashboard.targets.reader import Reader
from dashboard.targets.secrets import Unsealable, unseal
from dashboard.targets.session import LIMITS

__all__ = ["Address", "Reader", "TargetBusy", "TargetRefused", "TargetUnreachable"]

log = logging.getLogger(__name__)

IDLE_IN_TRANSACTION_MS = 60_000
ROLLBACK_S = 2.0
UNSEALABLE = "The stored password cannot be opened with the present SECRET_KEY; enter it again."


@contextmanager
def reading(
    address: Address,
    *,
    statement_timeout_ms: int = 5_000,
    lock_timeout_ms: int = 300,
    wait_s: float = 3.0,
    pooled: bool = True,
) -> Iterator[Reader]:
    """One transaction on the target, rolled back at the end; without `pooled` on a connection of its own.

    Raises TargetUnreachable (connecting, lost, cut) and, from the reader, TargetRefused.
    """
    pools: Pools = current_app.extensions["pilothouse_target_pools"]
    limits = (statement_timeout_ms, lock_timeout_ms)
    if not pooled:
        reader = _begun(connect(address, pools.networks, socket_dir()), pools, address, *limits)
        try:
            yield reader
        finally:
            reader.link.connection.close()
        return
    pool = pools.pool(address, socket_dir())
    with pool.place(wait_s):
        reader = _first(pool, pools, *limits)
        try:
            yield reader
        finally:
            if _rolled_back(reader):
                pool.give_back(reader.link)


def socket_dir() -> str | None:
    """The folder of the built-in server's socket: the only path that a target's host may be."""
    server = current_app.extensions.get("pilothouse_server")
    return str(server.socket_dir) if server is not None else None


def address_of(target: Target, purpose: str = "watch") -> Address:
    """Where the target is and who signs in for this purpose. Raises TargetUnreachable when nobody can."""
    login = next((login for login in target.logins if login.purpose == purpose), None)
    if login is None:
        raise TargetUnreachable(f"No role to {purpose} this target is registered.", lasting=True)
    password = None
    if login.sealed_password is not None:
        try:
            password = unseal(
                login.sealed_password, current_app.config["SECRET_KEY"], login_id=login.id, purpose=purpose
            )
        except Unsealable as problem:
            log.error("target %s: the password of %s does not open: %s", target.slug, purpose, problem)  # noqa: TRY400
            raise TargetUnreachable(UNSEALABLE, lasting=True) from None
    return Address(
        target_id=target.id,
        slug=target.slug,
        host=target.host,
        port=target.port,
        dbname=target.dbname,
        user=login.username,
        password=password,
        sslmode=target.sslmode,
        sslrootcert=target.sslrootcert,
    )


def _first(pool: Pool, pools: Pools, statement_timeout_ms: int, lock_timeout_ms: int) -> Reader:
    """A transaction on an idle connection, or on a new one when that turns out to be dead."""
    while (idle := pool.take()) is not None:
        try:
            return _begun(idle, pools, pool.address, statement_timeout_ms, lock_timeout_ms)
        except TargetUnreachable:
            log.info("target %s: an idle connection was dead", pool.address.slug)
    return _begun(pool.connect(), pools, pool.address, statement_timeout_ms, lock_timeout_ms)


def _begun(link: Link, pools: Pools, address: Address, statement_timeout_ms: int, lock_timeout_ms: int) -> Reader:
    reader = Reader(link, pools, address, statement_timeout_ms)
    link.learn_again()
    limits = {
        "statement_timeout": str(statement_timeout_ms),
        "lock_timeout": str(lock_timeout_ms),
        "idle_timeout": str(IDLE_IN_TRANSACTION_MS),
    }
    try:
        reader.rows(LIMITS, limits)
    except (TargetRefused, TargetUnreachable):
        link.connection.close()
        raise
    return reader


def _rolled_back(reader: Reader) -> bool:
    """End the transaction; False when the connection cannot be used again."""
    connection = reader.link.connection
    if connection.closed:
        return False
    with reader.pools.watchdog.limit(connection.pgconn.socket, ROLLBACK_S):
        try:
            connection.rollback()
        except psycopg.Error:
            connection.close()
    return not connection.closed
