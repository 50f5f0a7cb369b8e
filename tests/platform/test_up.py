"""`pilothouse up` starts everything, loses nothing when it is killed, and stops on one signal."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from dashboard.embedded import Server
from tests.commands import ROOT, ran

READY_S, STOP_S = 120, 60


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


class Installation:
    """A data folder with ports of its own, and the `up` that runs on it."""

    def __init__(self, folder):
        self.data = Path(folder) / "data"
        self.port = free_port()
        self.environment = {
            "PATH": os.environ["PATH"],
            "PORT": str(self.port),
            "PILOTHOUSE_EVENTS_PORT": str(free_port()),
            "PILOTHOUSE_DATA_DIR": str(self.data),
            "PILOTHOUSE_DEMO": "0",
            "PILOTHOUSE_WEB_PROCESSES": "1",
        }
        self.process = None

    def command(self, *arguments):
        return [sys.executable, "-m", "dashboard", *arguments]

    def run(self, *arguments, **extra):
        return ran("dashboard", *arguments, env=self.environment | extra)

    def up(self):
        self.output = self.data.parent / "output"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(self.command("up"), env=self.environment, cwd=ROOT, stdout=output)
        deadline = time.monotonic() + READY_S
        while "Ctrl-C stops" not in self.output.read_text():
            assert time.monotonic() < deadline
            assert self.process.poll() is None
            time.sleep(0.1)
        return self.output.read_text()

    def text(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return answer.read().decode()

    def ask(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as answer:
            return answer.code, json.load(answer)

    def processes(self):
        """Everything that runs on this data folder."""
        mine = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                environ, cwd = (entry / "environ").read_bytes(), str((entry / "cwd").readlink())
            except OSError:
                continue
            if str(self.data).encode() in environ or cwd.startswith(str(self.data)):
                mine.append(int(entry.name))
        return mine

    def kill_everything(self):
        while left := self.processes():
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            time.sleep(0.1)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_S)


@contextlib.contextmanager
def made():
    with tempfile.TemporaryDirectory(prefix="pilothouse-up-") as folder:
        found = Installation(folder)
        yield found
        if found.process:
            found.kill_everything()
            shutil.rmtree(Server(found.data).socket_dir, ignore_errors=True)


@pytest.fixture(scope="module")
def running():
    """One that is up; the last test that asks for it kills and stops it."""
    with made() as found:
        found.up()
        yield found


@pytest.mark.fault
def test_it_greets_and_serves(running):
    greeting = running.output.read_text()
    assert f"http://127.0.0.1:{running.port}" in greeting
    assert re.search(r"with the password +\S{15,}", greeting)
    assert running.ask("/readyz") == (200, {"status": "ready"})
    assert running.ask("/readyz/flags")[0] == 200
    assert 'pilothouse_request_seconds_count{status="200",view="health.readyz"} 1.0' in running.text("/metrics")


@pytest.mark.fault
def test_a_second_up_and_a_taken_port_are_refused_with_a_sentence(running):
    second = running.run("up")
    assert (second.returncode, second.stderr.count("\n")) == (1, 1)
    assert f"already running on {running.data}" in second.stderr
    elsewhere = running.run("web", PILOTHOUSE_DATA_DIR=f"{running.data}-other")
    assert (elsewhere.returncode, elsewhere.stderr.count("\n")) == (1, 1)
    assert f"Port {running.port} on 127.0.0.1 is in use" in elsewhere.stderr


@pytest.mark.fault
def test_after_a_kill_of_everything_nothing_is_lost_and_nothing_is_left_when_it_stops(running, tmp_path):
    (tmp_path / "password").write_text("a whole sentence as a password\n")
    options = ["--email", "kept@example.com", "--role", "viewer", "--password-file", str(tmp_path / "password")]
    assert running.run("create-account", *options).returncode == 0
    running.kill_everything()
    greeting = running.up()
    assert "with the password" not in greeting
    assert "already exists" in running.run("create-account", *options).stderr
    assert running.run("audit", "verify").returncode == 0
    assert running.stop() == 0
    assert running.processes() == []


@pytest.mark.fault
def test_a_server_left_behind_by_a_killed_command_is_adopted():
    with made() as installation:
        installation.process = subprocess.Popen(installation.command("worker"), env=installation.environment, cwd=ROOT)
        server = Server(installation.data)
        deadline = time.monotonic() + READY_S
        while not server.is_running:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        installation.process.kill()
        installation.process.wait()
        assert server.start().adopted
        server.stop()
