"""A primary of its own and a standby that streams from it, both real, to be crashed, restarted and promoted."""

import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
from flask import Flask
from sqlalchemy import select

from dashboard.embedded import SUPERUSER, Server
from dashboard.store import db
from dashboard.system_user import server_programs
from dashboard.targets.models import Environment, Target, TargetLogin
from dashboard.targets.secrets import seal
from tests.people import SECRET_KEY

ROLE, DATABASE = "watch_pair", "pair"
WAIT_S = 30.0


class Standby:
    """Made by pg_basebackup with a slot of its own; stopped and removed by `stop`."""

    def __init__(self, primary: Server, slot: str) -> None:
        self.primary, self.slot, self.user = primary, slot, primary.user
        self.socket_dir = self.user.private(Path(tempfile.gettempdir()) / f"pilothouse-standby-{secrets.token_hex(4)}")
        self.cluster = self.socket_dir / "cluster"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Standby":
        programs = server_programs(self.user)
        spawning = self.user.spawning() | {"cwd": "/"}
        password = {"PATH": os.defpath, "LC_ALL": "C", "PGPASSWORD": self.primary.password(SUPERUSER)}
        command = [programs / "pg_basebackup", "-D", self.cluster, "-h", self.primary.socket_dir, "-U", SUPERUSER]
        command += ["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"]
        if not self.cluster.exists():
            made = [*command, "--create-slot", f"--slot={self.slot}"]
            subprocess.run(made, check=True, capture_output=True, env=password, **spawning)
        options = {"listen_addresses": "", "unix_socket_directories": str(self.socket_dir), "fsync": "off"}
        options |= {
            "cluster_name": self.slot,
            "wal_receiver_status_interval": "1s",
            "wal_retrieve_retry_interval": "200ms",
        }
        started = [programs / "postgres", "-D", self.cluster, *(f"--{name}={value}" for name, value in options.items())]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(started, env={"PATH": os.defpath, "LC_ALL": "C"}, **quiet, **spawning)
        eventually(lambda: self.execute("select 1") == [(1,)])
        return self

    def execute(self, statement: str) -> list[Any]:
        login = {"user": SUPERUSER, "password": self.primary.password(SUPERUSER), "dbname": DATABASE}
        with psycopg.connect(host=str(self.socket_dir), port=5432, autocommit=True, **login) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def stop(self) -> None:
        """Immediately: nobody needs what it holds."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()
                self.process.send_signal(3)
            self.process.wait(WAIT_S)
            self.process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.socket_dir)


def eventually(is_so: Callable[[], bool]) -> None:
    """Wait for what a server does in its own time."""
    deadline = time.monotonic() + WAIT_S
    while True:
        with contextlib.suppress(psycopg.OperationalError):
            if is_so():
                return
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


def on(primary: Server, statement: str) -> list[Any]:
    with primary.connect(DATABASE) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def register(app: Flask, slug: str, primary: Server, socket_dir: Path) -> None:
    """A target by its socket; `reach` lets the app connect to it."""
    with app.app_context():
        environment = db.session.scalar(select(Environment).where(Environment.slug == "development"))
        environment = environment or Environment(slug="development", name="Development", color="green", position=1)
        target = Target(
            slug=slug, name=slug.title(), environment=environment, host=str(socket_dir), port=5432, dbname=DATABASE,
            sslmode="disable", origin="command", created_by="tests",
        )  # fmt: skip
        login = TargetLogin(purpose="watch", username=ROLE)
        target.logins.append(login)
        db.session.add(target)
        db.session.flush()
        login.sealed_password = seal(primary.password(ROLE), SECRET_KEY, login_id=login.id, purpose="watch")
        db.session.commit()


def reach(app: Flask, socket_dir: Path) -> None:
    """The only socket that targets may be at is that of the app's own server: let this one be it."""
    app.extensions["pilothouse_server"] = SimpleNamespace(socket_dir=socket_dir)
