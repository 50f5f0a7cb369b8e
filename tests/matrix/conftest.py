"""A watched database on each PostgreSQL that is there: the built-in one, and 14 to 17 after `make test-matrix`."""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask

from dashboard.jobs import COLLECTORS
from dashboard.store import db
from dashboard.system_user import server_user
from dashboard.targets.edits import add_target
from dashboard.targets.models import Target
from dashboard.targets.run import Outcome, collect_target

BUILT_IN = "18"
SUPERUSER = "postgres"
START_S = 60.0
SETTINGS = {
    "listen_addresses": "",
    "shared_preload_libraries": "pg_stat_statements",
    "track_io_timing": "on",
    "fsync": "off",
    "timezone": "UTC",
}
SHOP = Path(__file__).with_name("shop.sql")


def versions() -> list[str]:
    folder = os.environ.get("TEST_POSTGRES")
    return sorted(
        {BUILT_IN, *(path.name for path in Path(folder).iterdir() if path.is_dir())} if folder else {BUILT_IN}
    )


class Versioned:
    """A server of a folder of programs, as much like the built-in one as the tests ask for."""

    def __init__(self, programs: Path) -> None:
        self.programs, self.user = programs, server_user()
        name = f"pilothouse-matrix-{programs.parent.name}-{os.getpid()}"
        self.socket_dir = self.user.private(Path(tempfile.gettempdir()) / name)
        self.cluster = self.socket_dir / "cluster"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Versioned":
        """By trust: the socket stands in a folder that only the server's user and root can enter."""
        initdb = [self.programs / "initdb", "-D", self.cluster, f"--username={SUPERUSER}", "--auth=trust"]
        spawning = self.user.spawning() | {"cwd": "/", "env": {"PATH": os.defpath, "LC_ALL": "C"}}
        made = [*initdb, "--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run(made, check=True, capture_output=True, **spawning)
        settings = SETTINGS | {"unix_socket_directories": str(self.socket_dir)}
        options = [f"--{name}={value}" for name, value in settings.items()]
        command = [self.programs / "postgres", "-D", self.cluster, *options]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **spawning)
        deadline = time.monotonic() + START_S
        while True:
            with contextlib.suppress(psycopg.OperationalError):
                self.connect().close()
                return self
            assert time.monotonic() < deadline, f"{self.programs} did not start"
            time.sleep(0.05)

    def connect(self, dbname: str = SUPERUSER) -> "psycopg.Connection[tuple[Any, ...]]":
        return psycopg.connect(host=str(self.socket_dir), user=SUPERUSER, dbname=dbname, autocommit=True)

    def stop(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(START_S)
        shutil.rmtree(self.socket_dir)


@pytest.fixture(scope="session", params=versions())
def postgres(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == BUILT_IN:
        yield request.getfixturevalue("server")
        return
    server = Versioned(Path(os.environ["TEST_POSTGRES"]) / request.param / "bin")
    try:
        yield server.start()
    finally:
        server.stop()


@dataclass(frozen=True)
class Place:
    """A database of one server, the store's app, and the role that watches."""

    app: Flask
    server: Any
    name: str
    target_id: int
    role: str

    def execute(self, *statements: str) -> list[Any]:
        with self.server.connect(self.name) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    @property
    def target(self) -> Target:
        return db.session.get_one(Target, self.target_id)

    def collect(self, minute: int = 0) -> Outcome:
        """Everything, as the command does it; minutes are slots of the last quarter of an hour."""
        slot = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=15 - minute)
        return collect_target(self.target_id, slot, COLLECTORS, by_hand=True)


@pytest.fixture
def place(postgres: Any, cloned_store: Flask) -> Iterator[Place]:
    """Inside an app context; target "shop" with the shop's tables, watched with pg_monitor."""
    name, password = f"shop_{secrets.token_hex(4)}", secrets.token_hex(16)
    role = f"watch_{name}"
    with postgres.connect() as connection:
        connection.execute(f"create database {name}")
        connection.execute(f"create role {role} login password '{password}' in role pg_monitor")
    cloned_store.extensions["pilothouse_server"] = postgres
    host = str(postgres.socket_dir)
    with cloned_store.app_context():
        target = add_target(
            {"slug": "shop", "host": host, "dbname": name, "user": role, "password": password}, origin="command"
        )
        db.session.commit()
        found = Place(cloned_store, postgres, name, target.id, role)
        found.execute(SHOP.read_text("utf-8"), f"grant select on alembic_version to {role}")
        found.execute(f"grant select on all sequences in schema public to {role}")
        yield found
        db.session.rollback()
    cloned_store.extensions["pilothouse_target_pools"].close()
    with postgres.connect() as connection:
        connection.execute(f"drop database {name} with (force)")
        connection.execute(f"drop role {role}")


@pytest.fixture
def viewer(place: Place, sign_in: Callable[..., Any]) -> Any:
    """Somebody signed in who may read this store."""
    return sign_in(place.app, "viewer")
