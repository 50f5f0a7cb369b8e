"""The built-in PostgreSQL: one cluster in the data folder, on a Unix socket that only we can reach."""

import contextlib
import fcntl
import hashlib
import hmac
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL

from dashboard.datadir import appended, kept_secret, locked, made_data_dir
from dashboard.errors import Unavailable
from dashboard.system_user import SystemUser, server_programs, server_user

PORT = 5432
SUPERUSER = "postgres"
SOCKET_BYTES = 107
START_S, AGAIN_S, STOP_S = 120.0, 10.0, 60.0
LOG_BYTES = 10_000_000
SETTINGS = {
    "shared_preload_libraries": "pg_stat_statements",
    "track_io_timing": "on",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}
UNSAFE = {"fsync": "off", "full_page_writes": "off"}


class Server:
    """Started or adopted by `start`; stopped by the last of the processes that use it."""

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self.data_dir = data_dir.resolve()
        self.cluster = self.data_dir / "postgres"
        self.durable = durable
        self.adopted = False
        self._user: SystemUser | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._share: IO[bytes] | None = None
        self._owner_pid = os.getpid()
        self._socket_dir: Path | None = None

    @property
    def is_running(self) -> bool:
        return self._pid() is not None

    @property
    def socket_dir(self) -> Path:
        """Known from the start on: finding it asks a process of the server's user, which every connection would pay."""
        return self._socket_dir or self._place_of_socket()

    def _place_of_socket(self) -> Path:
        """Beside the cluster; where that path is too long or closed to the server's user, a short private folder."""
        near = self.data_dir / "socket"
        if _fits(near) and self.user.can_enter(self.data_dir):
            return near
        name = hashlib.sha256(f"{self.user.uid}:{self.data_dir}".encode()).hexdigest()[:16]
        return Path("/run" if self.user.other else "/tmp") / f"pilothouse-{name}"  # noqa: S108 - checked by SystemUser.private

    @property
    def user(self) -> SystemUser:
        self._user = self._user or server_user()
        return self._user

    def start(self) -> "Server":
        """Start the server or adopt the one that is running on this folder; refuses nobody."""
        made_data_dir(self.data_dir)
        self._socket_dir = self._place_of_socket()
        with self._turn():
            share = self._share or locked(self.data_dir / "users.lock", fcntl.LOCK_SH)
            try:
                self.adopted = self.is_running
                if not self.adopted:
                    self._launch()
                self._wait_until_ready()
            except BaseException:
                share.close()
                raise
            self._share = share
        return self

    def stop(self) -> None:
        """End the server unless another process still uses it."""
        if self._share is None or self._owner_pid != os.getpid():
            return
        with self._turn():
            self._share.close()
            self._share = None
            try:
                last = locked(self.data_dir / "users.lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            with last:
                self._end()

    def password(self, user: str) -> str:
        """Each role's own, made from the secret of this data folder, so that no role's tells another's."""
        return hmac.new(kept_secret(self.data_dir / "postgres.secret").encode(), user.encode(), "sha256").hexdigest()

    def url(self, dbname: str, user: str = SUPERUSER) -> str:
        query = {"host": str(self.socket_dir), "port": str(PORT)}
        address = URL.create("postgresql+psycopg", user, self.password(user), database=dbname, query=query)
        return address.render_as_string(hide_password=False)

    def connect(self, dbname: str = "postgres", user: str = SUPERUSER) -> "psycopg.Connection[tuple[object, ...]]":
        """A connection for set-up, in autocommit."""
        return psycopg.connect(
            host=str(self.socket_dir),
            port=PORT,
            dbname=dbname,
            user=user,
            password=self.password(user),
            connect_timeout=30,
            autocommit=True,
        )

    def ensure_database(self, dbname: str, owner: str) -> None:
        """A database and its owner, who is no superuser; both stay as they are when they exist."""
        name, role = sql.Identifier(dbname), sql.Identifier(owner)
        with self._turn(), self.connect() as connection:
            if not connection.execute("select 1 from pg_roles where rolname = %s", [owner]).fetchone():
                password = sql.Literal(self.password(owner))
                connection.execute(sql.SQL("create role {} login password {}").format(role, password))
            if not connection.execute("select 1 from pg_database where datname = %s", [dbname]).fetchone():
                connection.execute(sql.SQL("create database {} owner {}").format(name, role))

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """One process at a time starts or stops."""
        with locked(self.data_dir / "server.lock"):
            yield

    def _pid(self) -> int | None:
        """The running server of this folder. A pid file alone proves nothing: its number may be another's by now."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int((self.cluster / "postmaster.pid").read_text().splitlines()[0])
            if Path(f"/proc/{pid}/cwd").samefile(self.cluster):
                return pid
        return None

    def _launch(self) -> None:
        programs = server_programs(self.user)
        if not self.cluster.is_dir():
            self._create(programs)
        socket_dir = self.user.private(self.socket_dir)
        for left in (self.cluster / "postmaster.pid", *socket_dir.glob(".s.PGSQL.*")):
            left.unlink(missing_ok=True)
        fixed = {"listen_addresses": "", "unix_socket_directories": str(socket_dir), "unix_socket_permissions": "0700"}
        options = [f"--{name}={value}" for name, value in (fixed | ({} if self.durable else UNSAFE)).items()]
        log = self.data_dir / "postgres.log"
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        with self.user.way_to(self.cluster) as (place, descriptors), appended(log) as out:
            self._process = subprocess.Popen(  # noqa: S603
                [programs / "postgres", "-D", place, *options],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd="/",
                env=ENVIRONMENT,
                pass_fds=descriptors,
                start_new_session=True,
                **self.user.spawning(),
            )

    def _create(self, programs: Path) -> None:
        """Make the cluster beside its place and rename it, so that a kill leaves none or a whole one."""
        beside = self.data_dir / "postgres.new"
        shutil.rmtree(beside, ignore_errors=True)
        self.user.private(beside)
        options = [f"--set={name}={value}" for name, value in SETTINGS.items()]
        options += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8"]
        options += [f"--username={SUPERUSER}", "--auth-local=scram-sha-256", "--auth-host=reject"]
        options += [] if self.durable else ["--no-sync"]
        with self.user.way_to(beside) as (place, descriptors), self._password_file() as password:
            made = subprocess.run(  # noqa: S603
                [programs / "initdb", "-D", place, f"--pwfile=/proc/self/fd/{password}", *options],
                capture_output=True,
                cwd="/",
                env=ENVIRONMENT,
                pass_fds=(password, *descriptors),
                check=False,
                **self.user.spawning(),
            )
        if made.returncode != 0:
            raise Unavailable(f"initdb could not make the built-in PostgreSQL: {made.stderr.decode().strip()}")
        beside.rename(self.cluster)

    @contextlib.contextmanager
    def _password_file(self) -> Iterator[int]:
        """The superuser's password for initdb, in memory only."""
        descriptor = os.memfd_create("password")
        try:
            os.fchown(descriptor, self.user.uid, self.user.gid)
            os.write(descriptor, self.password(SUPERUSER).encode())
            yield descriptor
        finally:
            os.close(descriptor)

    def _wait_until_ready(self) -> None:
        """A killed server's last sessions may hold its memory for a moment, so an early end is tried again."""
        began = time.monotonic()
        while time.monotonic() - began < START_S:
            lines = _lines(self.cluster / "postmaster.pid")
            if self._pid() and len(lines) > 7 and lines[7].strip() == "ready":
                return
            if self._process and self._process.poll() is not None:
                if time.monotonic() - began > AGAIN_S:
                    break
                time.sleep(0.5)
                self._launch()
            time.sleep(0.02)
        raise Unavailable(f"The built-in PostgreSQL did not start; {self.data_dir / 'postgres.log'} says why.")

    def _end(self) -> None:
        """Fast shutdown: open transactions roll back; after a minute an immediate one, which loses nothing either."""
        for how in (signal.SIGINT, signal.SIGQUIT):
            if pid := self._pid():
                os.kill(pid, how)
            deadline = time.monotonic() + STOP_S
            while self.is_running and time.monotonic() < deadline:
                time.sleep(0.02)
        if self._process:
            self._process.wait()
            self._process = None
        with contextlib.suppress(OSError):
            self.socket_dir.rmdir()


def _fits(socket_dir: Path) -> bool:
    return len(os.fsencode(socket_dir / f".s.PGSQL.{PORT}")) <= SOCKET_BYTES


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
