"""Every environment's flags and their keys in this process's memory: fresh by notifications and polling, kept when
the store goes.

One thread and one connection of its own in each process that evaluates, started with a web process, else by the first
question. LISTEN makes a change visible at once; behind a pooler, where notifications get lost, the next poll does.
"""

import logging
import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psycopg
from flask import Flask, current_app
from flask.sansio.app import App
from psycopg.rows import namedtuple_row

from dashboard.errors import NotFound, Unavailable
from dashboard.flags.copy_on_disk import CopyOnDisk
from dashboard.flags.flagset import FlagSet
from dashboard.flags.ledger import CHANNEL, Change, change_of
from dashboard.flags.loading import Loaded, load, without_collection
from dashboard.security import tokens
from dashboard.security.tokens import FlagsKeys
from dashboard.store import libpq_url

log = logging.getLogger(__name__)
POLL_S = 1.0
STEPS = 5
STALE_AFTER_S = 10.0
FIRST_WAIT_S = 10.0
EXTENSION = "pilothouse_flags"
NO_ANSWER = "The store does not answer."
FROM_COPY = "The store has not answered since this process started; the flags are those of the copy on disk."


@dataclass(frozen=True)
class State:
    """fresh: as the store has it; stale: the last known set serves; failed: nothing was ever loaded."""

    status: Literal["fresh", "stale", "failed"]
    age_s: float | None
    reason: str | None


class Live:
    """The sets of one process. Readers take whole sets, so they never see half of a change."""

    def __init__(self, database_url: str, keys: FlagsKeys) -> None:
        self._url = libpq_url(database_url)
        self._keys = keys
        self._sets: Mapping[int, FlagSet] = {}
        self._loaded: Mapping[int, Loaded] = {}
        self._as_of: float | None = None
        self._reason: str | None = None
        self._from_copy = False
        self.copy: CopyOnDisk | None = None
        self._forget_thread()

    def _forget_thread(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._tried = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def sets(self) -> Mapping[int, FlagSet]:
        """Environment id → set; the first caller of a process waits for the first load. Raises Unavailable."""
        self.start()
        if self._as_of is None:
            self._tried.wait(FIRST_WAIT_S)
        if self._as_of is None:
            raise Unavailable("The flags were not loaded yet: the store does not answer.", 1)
        return self._sets

    def flags_of(self, environment_id: int) -> FlagSet:
        found = self.sets().get(environment_id)
        if found is None:
            raise NotFound("This environment is no longer there.")
        return found

    def state(self) -> State:
        self.start()
        if self._as_of is None:
            self._tried.wait(FIRST_WAIT_S)
        if self._as_of is None:
            return State("failed", None, self._reason or "The flags were never loaded.")
        age_s = time.monotonic() - self._as_of
        if age_s < STALE_AFTER_S and not self._from_copy:
            return State("fresh", round(age_s, 3), None)
        return State("stale", round(age_s, 3), self._reason or "The store has not answered lately.")

    def start(self) -> None:
        """Once per process: a fork inherits the sets, never the thread or its connection."""
        if self._pid != os.getpid():
            self._forget_thread()
        if self._thread is not None and self._thread.is_alive():
            return
        with self._lock:
            if not (self._thread and self._thread.is_alive()) and not self._stop.is_set():
                self._thread = threading.Thread(target=self._run, name="flags", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None and self._pid == os.getpid():
            self._thread.join(POLL_S)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except psycopg.Error as error:
                log.warning("flags are served from memory: %s", type(error).__name__)
                if self._as_of is None:
                    self._take_copy()
                self._reason = FROM_COPY if self._from_copy else NO_ANSWER
            self._tried.set()
            self._stop.wait(POLL_S)

    def _take_copy(self) -> None:
        """This process never reached the store: what another one of this machine knew will do until it answers."""
        with without_collection():
            kept = self.copy.read() if self.copy else None
        if kept:
            self._keys.take(kept.keys, fresh=False)
            self._sets, self._from_copy = kept.sets, True
            self._as_of, self._reason = time.monotonic() - kept.age_s, FROM_COPY
            self._tried.set()
            _warm(kept.sets)

    def _follow(self) -> None:
        """Load, then wait for a notification or the next poll, until the connection breaks or we are stopped."""
        with self._connected() as connection:
            connection.execute(f"listen {CHANNEL}".encode())
            told: list[Change] = []
            while not self._stop.is_set():
                self._catch_up(connection, told)
                told = self._wait(connection)

    def _wait(self, connection: psycopg.Connection[Any]) -> list[Change]:
        """Until something changed or the next poll is due; the changes that notifications told of."""
        for _ in range(STEPS):
            notified = list(connection.notifies(timeout=POLL_S / STEPS, stop_after=1))
            if notified or self._stop.is_set():
                return [change for each in notified if (change := change_of(each.payload))]
        return []

    def _connected(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(
            self._url,
            autocommit=True,
            row_factory=namedtuple_row,
            connect_timeout=3,
            tcp_user_timeout=5_000,
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
            application_name="pilothouse-flags",
            prepare_threshold=None,
        )
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        return connection

    def _catch_up(self, connection: psycopg.Connection[Any], told: Sequence[Change]) -> None:
        with connection.transaction():
            connection.execute("set local statement_timeout = 5000")
            keys = connection.execute(tokens.FLAGS_KEYS.encode()).fetchall()
            used = self._keys.take(keys)
            with without_collection():
                self._loaded = load(connection, self._loaded, told)
        sets = {environment_id: loaded.flags for environment_id, loaded in self._loaded.items()}
        self._sets = sets
        self._as_of, self._reason, self._from_copy = time.monotonic(), None, False
        self._tried.set()
        if self.copy:
            self.copy.keep(sets, keys)
        if used:
            self._write_down_use(connection, used)
        _warm(sets)

    def _write_down_use(self, connection: psycopg.Connection[Any], key_ids: list[int]) -> None:
        """A store that takes no writes must not stop reading; nobody waits for a copy of it either."""
        try:
            with connection.transaction():
                connection.execute("set local statement_timeout = 1000")
                connection.execute("set local synchronous_commit = off")
                connection.execute(tokens.USED.encode(), (key_ids,))
        except psycopg.Error as error:
            log.warning("the use of flags keys was not written down: %s", type(error).__name__)


def _warm(sets: Mapping[int, FlagSet]) -> None:
    """While questions are answered already."""
    with without_collection():
        for flags in sets.values():
            flags.warm()


def init_app(app: App) -> None:
    app.extensions[EXTENSION] = Live(app.config["SQLALCHEMY_DATABASE_URI"], app.extensions[tokens.EXTENSION])


def of(app: App) -> Live:
    found: Live = app.extensions[EXTENSION]
    return found


def keep_on_disk(app: Flask, folder: Path) -> None:
    """From now on a copy lies in this folder, for the next process that cannot reach the store."""
    of(app).copy = CopyOnDisk(folder, str(app.config["SECRET_KEY"]), app.config["SQLALCHEMY_DATABASE_URI"])


def start(app: Flask) -> None:
    """With the process, so that it knows flags and keys before the first question comes, perhaps in an outage."""
    of(app).start()


def flags_of(environment_id: int) -> FlagSet:
    """The flags of an environment as this process knows them. Raises NotFound, Unavailable."""
    return of(current_app).flags_of(environment_id)


def state() -> State:
    """For /readyz/flags and for the header of answers that come from the last known set."""
    return of(current_app).state()


def stop(app: Flask) -> None:
    of(app).stop()
