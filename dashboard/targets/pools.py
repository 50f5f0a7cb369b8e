"""A few connections per target and process, each with a circuit of its own: one bad target never slows another."""

import json
import logging
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Lock
from typing import Any

import psycopg
from psycopg import adapt
from psycopg.types.json import set_json_loads

from dashboard.settings import Network
from dashboard.targets import addresses
from dashboard.targets.circuit import Circuit
from dashboard.targets.failures import TargetBusy, TargetUnreachable, connect_failure
from dashboard.targets.watchdog import Watchdog

log = logging.getLogger(__name__)

CONNECT_S = 3
CONNECTIONS = 2
IDLE_S = 90.0
INVALID_OID = 0
OLDEST_S = 1800.0
Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Address:
    """Where a target is and who signs in there."""

    target_id: int
    slug: str
    host: str
    port: int
    dbname: str
    user: str
    password: str | None = field(repr=False)
    sslmode: str
    sslrootcert: str | None = None


@dataclass(eq=False)
class Link:
    """A connection, and what was learnt about its server while it lives."""

    connection: Connection
    opened_at: float
    used_at: float
    columns: dict[str, frozenset[str]] = field(default_factory=dict)
    schemas: dict[str, str] = field(default_factory=dict)
    is_outdated: bool = False

    def learn_again(self) -> None:
        """An extension that was moved, updated or dropped made a question fail: forget where it was."""
        if self.is_outdated:
            self.columns.clear()
            self.schemas.clear()
            self.is_outdated = False

    @property
    def fresh(self) -> bool:
        now = time.monotonic()
        return not self.connection.closed and now - self.used_at < IDLE_S and now - self.opened_at < OLDEST_S


class Pool:
    """At most two connections; a failed attempt is the caller's own, with its reason."""

    def __init__(self, address: Address, networks: tuple[Network, ...], socket_dir: str | None) -> None:
        self.address, self.networks, self.socket_dir = address, networks, socket_dir
        self.places = BoundedSemaphore(CONNECTIONS)
        self.lock = Lock()
        self.idle: list[Link] = []
        self.circuit = Circuit()

    @contextmanager
    def place(self, wait_s: float) -> Iterator[None]:
        if not self.places.acquire(timeout=wait_s):
            raise TargetBusy
        try:
            yield
        finally:
            self.places.release()

    def take(self) -> Link | None:
        """An idle connection, when there is a fresh one; it may still turn out to be dead."""
        self.sweep()
        with self.lock:
            return self.idle.pop() if self.idle else None

    def connect(self) -> Link:
        """A new connection. Raises TargetUnreachable, at once while the circuit is open."""
        with self.lock:
            if not self.circuit.admits(time.monotonic()):
                raise TargetUnreachable(str(self.circuit.sentence), lasting=self.circuit.lasting)
        try:
            link = connect(self.address, self.networks, self.socket_dir)
        except TargetUnreachable as failure:
            with self.lock:
                self.circuit.failed(
                    time.monotonic(),
                    failure.sentence,
                    lasting=failure.lasting,
                    jitter=random.random(),  # noqa: S311 - spreads attempts, guards nothing
                )
            raise
        with self.lock:
            self.circuit.succeeded()
        return link

    def give_back(self, link: Link) -> None:
        link.used_at = time.monotonic()
        with self.lock:
            self.idle.append(link)
        self.sweep()

    def sweep(self) -> None:
        """Close what is old or was idle for too long."""
        with self.lock:
            stale = [link for link in self.idle if not link.fresh]
            self.idle = [link for link in self.idle if link.fresh]
        for link in stale:
            link.connection.close()

    def close(self) -> None:
        with self.lock:
            links, self.idle = self.idle, []
        for link in links:
            link.connection.close()


class Pools:
    """All pools of a process; a target whose address changed gets a new one."""

    def __init__(self, networks: tuple[Network, ...]) -> None:
        self.networks = networks
        self.lock = Lock()
        self.pools: dict[tuple[int, str], Pool] = {}
        self.watchdog = Watchdog(self.sweep)

    def pool(self, address: Address, socket_dir: str | None) -> Pool:
        key = (address.target_id, address.user)
        with self.lock:
            pool = self.pools.get(key)
            if pool is not None and pool.address == address:
                return pool
            fresh = self.pools[key] = Pool(address, self.networks, socket_dir)
        if pool is not None:
            pool.close()
        return fresh

    def sweep(self) -> None:
        with self.lock:
            pools = list(self.pools.values())
        for pool in pools:
            pool.sweep()

    def close(self) -> None:
        with self.lock:
            pools = list(self.pools.values())
            self.pools.clear()
        for pool in pools:
            pool.close()


def connect(address: Address, networks: tuple[Network, ...], socket_dir: str | None) -> Link:
    """One attempt at every checked address of the host. Raises TargetUnreachable."""
    try:
        found = addresses.permitted(address.host, address.port, networks, socket_dir)
    except addresses.ForbiddenAddress as refused:
        raise TargetUnreachable(str(refused), lasting=True) from None
    except addresses.UnknownHost as unknown:
        raise TargetUnreachable(str(unknown)) from None
    failure: psycopg.Error | None = None
    deadline = time.monotonic() + CONNECT_S
    attempts: list[str | None] = [*found] or [None]
    for hostaddr in attempts:
        if failure is not None and time.monotonic() > deadline:
            break
        try:
            connection = psycopg.Connection.connect(**_parameters(address, hostaddr), context=ADAPTERS)
        except psycopg.Error as error:
            failure = error
            continue
        connection.read_only = True
        connection.prepare_threshold = None
        now = time.monotonic()
        return Link(connection, opened_at=now, used_at=now)
    assert failure is not None  # noqa: S101 - the loop ran at least once
    raise connect_failure(failure, address.slug) from None


def _parameters(address: Address, hostaddr: str | None) -> dict[str, Any]:
    """Every parameter that could otherwise come from the environment or the home folder is set here."""
    parameters: dict[str, Any] = {
        "host": address.host,
        "port": address.port,
        "dbname": address.dbname,
        "user": address.user,
        "password": address.password or "",
        "passfile": "/nonexistent",
        "sslmode": "disable" if hostaddr is None else address.sslmode,
        "sslcertmode": "disable",
        "gssencmode": "disable",
        "options": "",
        "application_name": "pilothouse",
        "client_encoding": "utf8",
        "connect_timeout": CONNECT_S,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
    }
    if hostaddr is not None:
        parameters["hostaddr"] = hostaddr
    if address.sslrootcert or address.sslmode == "verify-full":
        parameters["sslrootcert"] = address.sslrootcert or "system"
    if address.sslmode != "verify-full":
        # Nobody who answers in the server's place is told the password in clear text.
        parameters["require_auth"] = "!password"
    return parameters


class HostileText(adapt.Loader):
    """Whatever bytes a target sends for text (SQL_ASCII databases send any) become text."""

    def load(self, data: Any) -> str:
        return str(data, "utf-8", "replace")


def _json(text: str | bytes) -> Any:
    return json.loads(text.decode("utf-8", "replace") if isinstance(text, bytes) else text)


def _adapters() -> adapt.AdaptersMap:
    adapters = adapt.AdaptersMap(psycopg.adapters)
    for kind in ("text", "varchar", "bpchar", "name", '"char"', INVALID_OID):
        adapters.register_loader(kind, HostileText)
    set_json_loads(_json, adapters)
    return adapters


ADAPTERS = _adapters()
