"""The PostgreSQL of a test run: one server a process, databases of it for targets."""

import contextlib
import fcntl
import functools
import itertools
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from dashboard.datadir import locked
from dashboard.embedded import SUPERUSER, Server
from dashboard.errors import Unavailable

FOLDERS = "pilothouse-test-"
OWN_RELATIONS = "select relname from pg_class where relnamespace = 'public'::regnamespace and relname !~ '^pg_stat'"
numbers = itertools.count(1)


class Database:
    """A database of the built-in server for one test."""

    def __init__(self, server: Server, name: str) -> None:
        self.server, self.name = server, name
        self.host, self.port = str(server.socket_dir), 5432
        self.url = server.url(name)

    def execute(self, statement: str, params: Any = None) -> list[tuple[Any, ...]]:
        with self.server.connect(self.name) as connection:
            cursor = connection.execute(statement.encode(), params)
            return cursor.fetchall() if cursor.description else []


@functools.cache
def administrator(server: Server) -> Any:
    """One connection for all set-up of a server."""
    return server.connect()


def run_sql(server: Server, statement: str, *names: str) -> None:
    administrator(server).execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def sweep() -> None:
    """End servers of test runs that were killed; a young folder may belong to a run that is just starting."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDERS}*"):
        with contextlib.suppress(OSError):
            if (folder / "users.lock").exists() and folder.stat().st_mtime < time.time() - 600:
                locked(folder / "users.lock", fcntl.LOCK_EX | fcntl.LOCK_NB).close()
                with contextlib.suppress(Unavailable):
                    Server(folder).start().stop()
                shutil.rmtree(folder)


@contextlib.contextmanager
def started() -> Iterator[Server]:
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=FOLDERS))
    server = Server(folder, durable=False).start()
    set_up(server)
    yield server
    administrator(server).close()
    server.stop()
    shutil.rmtree(folder)


def set_up(server: Server) -> None:
    """Most of what a connection costs is its password, of what a database costs zeros; autovacuum changes figures."""
    for statement in (
        "alter system set scram_iterations = 1",
        "alter system set wal_init_zero = off",
        "alter system set autovacuum_naptime = '1d'",
        "select pg_reload_conf()",
        f"alter role {SUPERUSER} password '{server.password(SUPERUSER)}'",
    ):
        administrator(server).execute(statement)


@pytest.fixture(scope="session")
def target_template(server: Server) -> str:
    run_sql(server, "create database target_template")
    Database(server, "target_template").execute("create extension pg_stat_statements")
    return "target_template"


@pytest.fixture
def target_db(server: Server, target_template: str) -> Iterator[Database]:
    name = f"target_{next(numbers)}"
    run_sql(server, "create database {} template {} strategy file_copy", name, target_template)
    yield Database(server, name)
    run_sql(server, "drop database {} with (force)", name)
    run_sql(server, "drop role if exists {}", f"watch_{name}")


@pytest.fixture(scope="session")
def empty_db(server: Server, target_template: str) -> Iterator[Database]:
    """For all tests that want a target but nothing of its database; they have to leave it empty."""
    run_sql(server, "create database empty template {} strategy file_copy", target_template)
    database = Database(server, "empty")
    yield database
    assert database.execute(OWN_RELATIONS) == []
