"""Sessions of a real server that hold each other up."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

Connect = Callable[..., psycopg.Connection]


@pytest.fixture
def connect(target_db: Any) -> Iterator[Connect]:
    """Sessions with a transaction each, ended after the test."""
    with contextlib.ExitStack() as stack:

        def session(name: str, **role: str) -> psycopg.Connection:
            url = target_db.url.replace("+psycopg", "")
            connection = psycopg.connect(url, application_name=name, **role)
            stack.callback(connection.close)
            return connection

        yield session


@pytest.fixture
def waiting(target_db: Any) -> Iterator[Callable[[psycopg.Connection, str], threading.Thread]]:
    """A statement that runs in a thread until the test ends; returns when the server runs it."""
    threads: list[tuple[psycopg.Connection, threading.Thread]] = []

    def run(connection: psycopg.Connection, statement: str) -> threading.Thread:
        def execute() -> None:
            with contextlib.suppress(psycopg.Error):
                connection.execute(statement.encode())

        thread = threading.Thread(target=execute, daemon=True)
        threads.append((connection, thread))
        thread.start()
        pid = [connection.info.backend_pid]
        asked = "select count(*) from pg_stat_activity where pid = %s and state = 'active' and wait_event is not null"
        wait_until(lambda: target_db.execute(asked, pid) == [(1,)])
        return thread

    yield run
    # Closing a connection that a thread waits on would take the descriptor away under its hands.
    for connection, thread in threads:
        if thread.is_alive():
            target_db.execute("select pg_terminate_backend(%s)", [connection.info.backend_pid])
        thread.join(5)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
