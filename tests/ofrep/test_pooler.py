"""A store behind PgBouncer in transaction mode: changes come by polling."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from dashboard.flags import edits, live
from dashboard.flags.queries import flag_by_key
from dashboard.store import db
from dashboard.targets.queries import environment_by_slug
from tests.conftest import close, make_app
from tests.ofrep.conftest import Application, until

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
INI = """[databases]
{name} = host={host} port={port} dbname={name} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
ignore_startup_parameters = extra_float_digits, options
"""


def is_open(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    return False


@pytest.fixture
def folder():
    """Which another user may read: PgBouncer refuses to run as root."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def pooled(served, folder):
    """The address of the store by way of PgBouncer, with two connections for everybody."""
    if PGBOUNCER is None:
        pytest.skip("PgBouncer not run: there is none on this machine")
    url = make_url(served.config["SQLALCHEMY_DATABASE_URI"])
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    host = url.query.get("host", url.host)
    given = {"name": url.database, "host": host, "port": url.port or 5432, "user": url.username}
    ini = folder / "pgbouncer.ini"
    ini.write_text(INI.format(**given, password=url.password or "", listen=port))
    command = [PGBOUNCER, ini]
    if os.geteuid() == 0:
        command += ["-u", Path(host).owner()]
    log = (folder / "log").open("w")
    process = subprocess.Popen(command, stderr=log)
    until(lambda: is_open(port) or process.poll() is not None)
    yield url.set(host="127.0.0.1", port=port, query={})
    process.terminate()
    process.wait(10)
    log.close()


@pytest.fixture
def behind(server, pooled):
    """A process that reaches its store by way of PgBouncer alone."""
    app = make_app(server, pooled.database, pooled.render_as_string(hide_password=False))
    yield app
    close(app)


@pytest.mark.fault
def test_a_change_is_seen_within_five_seconds_behind_a_pooler(served, changing, behind):
    application = Application(behind, changing.key)
    assert application.flag("plain").json["reason"] == "STATIC"
    for enabled, reason in ((False, "DISABLED"), (True, "STATIC")):
        with served.app_context():
            edits.toggle(flag_by_key("plain"), environment_by_slug("staging"), enabled=enabled, version=None)
            db.session.commit()
        began_s = time.monotonic()
        until(lambda reason=reason: application.flag("plain").json["reason"] == reason)
        assert time.monotonic() - began_s < 5
    with behind.app_context():
        assert live.state().status == "fresh"
