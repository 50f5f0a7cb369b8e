"""The built-in PostgreSQL starts, is shared, is adopted, and never touches what is not its own."""

import os
import stat
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest

from dashboard.datadir import kept_secret
from dashboard.embedded import SOCKET_BYTES, Server
from dashboard.errors import Unavailable
from dashboard.system_user import PROGRAMS, copy_programs, server_user


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="pilothouse-embedded-") as path:
        yield Path(path)


@pytest.fixture
def own_server(folder):
    server = Server(folder / "data", durable=False).start()
    yield server
    server.stop()


def setting(server, name):
    with server.connect() as connection:
        return connection.execute("select current_setting(%s)", [name]).fetchone()[0]


def test_it_listens_on_a_private_socket_only_and_keeps_statistics(server):
    assert setting(server, "listen_addresses") == ""
    assert "pg_stat_statements" in setting(server, "shared_preload_libraries")
    assert setting(server, "track_io_timing") == "on"
    assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700


def test_for_real_use_it_writes_safely(folder):
    server = Server(folder / "data").start()
    assert [setting(server, name) for name in ("fsync", "full_page_writes", "synchronous_commit")] == ["on"] * 3
    server.stop()


def test_a_role_needs_its_own_password(server):
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(host=str(server.socket_dir), user="postgres", password="wrong", dbname="postgres")
    assert server.password("postgres") != server.password("pilothouse")


def test_a_connection_starts_no_process(server, monkeypatch):
    monkeypatch.setattr("subprocess.Popen", None)
    assert setting(server, "port") == "5432"


def test_it_runs_under_a_user_of_its_own_when_started_by_root(server):
    owner = (server.cluster / "postmaster.pid").stat().st_uid
    assert owner == server_user().uid
    assert owner != 0


def test_a_folder_that_was_there_keeps_its_permissions(folder):
    for mode in (0o700, 0o750):
        data = folder / f"{mode:o}"
        data.mkdir()
        data.chmod(mode)
        Server(data, durable=False).start().stop()
        assert stat.S_IMODE(data.stat().st_mode) == mode
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_socket_path_fits_however_deep_the_data_folder_is(folder):
    server = Server(folder / ("deep" * 30) / "data", durable=False).start()
    assert len(os.fsencode(server.socket_dir / ".s.PGSQL.5432")) <= SOCKET_BYTES
    assert setting(server, "server_version").startswith("18")
    server.stop()
    assert not server.socket_dir.exists()


def test_a_socket_folder_of_somebody_else_is_refused(folder):
    server = Server(folder / ("deep" * 30) / "data", durable=False)
    server.socket_dir.mkdir(mode=0o777)
    try:
        with pytest.raises(Unavailable, match="not the built-in PostgreSQL's own"):
            server.start()
    finally:
        server.socket_dir.rmdir()


def test_a_running_server_is_shared_and_stopped_by_its_last_user(own_server):
    second = Server(own_server.data_dir).start()
    assert second.adopted
    own_server.stop()
    assert second.is_running
    second.stop()
    assert not second.is_running
    own_server._process.wait()


@pytest.mark.fault
def test_a_server_that_was_killed_starts_again_with_its_data(own_server):
    own_server.ensure_database("kept", "keeper")
    with own_server.connect("kept", "keeper") as connection:
        connection.execute("create table treasure as select 42 as worth")
    own_server._process.kill()
    own_server._process.wait()
    assert not own_server.start().adopted
    with own_server.connect("kept", "keeper") as connection:
        assert connection.execute("select worth from treasure").fetchone() == (42,)


@pytest.mark.fault
def test_a_pid_file_that_names_another_process_is_not_believed(own_server):
    own_server.stop()
    lines = [str(os.getpid()), str(own_server.cluster), "1", "5432", str(own_server.socket_dir), "", "", "ready"]
    (own_server.cluster / "postmaster.pid").write_text("\n".join(lines))
    assert not own_server.is_running
    own_server.start()
    assert own_server.is_running


def test_a_half_made_cluster_is_made_again(folder):
    data = folder / "data"
    (data / "postgres.new").mkdir(parents=True)
    (data / "postgres.new" / "PG_VERSION").write_text("18\n")
    server = Server(data, durable=False).start()
    assert server.is_running
    server.stop()


def test_a_server_that_cannot_start_says_where_to_look(own_server, monkeypatch):
    monkeypatch.setattr("dashboard.embedded.AGAIN_S", 0.1)
    own_server.stop()
    with (own_server.cluster / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = 1\n")
    with pytest.raises(Unavailable, match=r"postgres\.log says why"):
        own_server.start()
    assert "no_such_setting" in (own_server.data_dir / "postgres.log").read_text()


def test_a_database_and_its_owner_are_made_once(server):
    server.ensure_database("twice", "twice_owner")
    server.ensure_database("twice", "twice_owner")
    with server.connect("twice", "twice_owner") as connection:
        assert connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone() == (False,)


def test_a_secret_is_private_and_made_once(folder):
    first = kept_secret(folder / "secret")
    assert len(first) == 64
    assert kept_secret(folder / "secret") == first
    assert stat.S_IMODE((folder / "secret").stat().st_mode) == 0o600


def test_a_copy_of_the_programs_runs_by_itself(folder):
    copy_programs(folder / "copy")
    for name in ("initdb", "postgres"):
        asked = subprocess.run(
            [folder / "copy" / PROGRAMS / name, "--version"], capture_output=True, text=True, check=True
        )
        assert "(PostgreSQL) 18" in asked.stdout
    assert stat.S_IMODE((folder / "copy").stat().st_mode) == 0o755
