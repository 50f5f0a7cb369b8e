"""Children are kept running, end together, and never outlive their parent."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dashboard.errors import PilothouseError
from dashboard.processes import Child, refuse_taken_ports


def wait_until(question, seconds=10.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := question():
            return answer
        time.sleep(0.02)
    raise AssertionError("it did not come to pass")


def is_gone(pid):
    try:
        Path(f"/proc/{pid}/exe").readlink()
    except OSError:
        return True
    return False


@pytest.fixture
def taken_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_taken_port_is_named(taken_port, monkeypatch):
    monkeypatch.setattr("dashboard.processes.PORT_WAIT_S", 0.0)
    with pytest.raises(PilothouseError, match=f"^Port {taken_port} on 127.0.0.1 is in use"):
        refuse_taken_ports("127.0.0.1", taken_port)


def test_a_free_port_is_taken_at_once():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    refuse_taken_ports("127.0.0.1", port)


def test_a_child_that_ends_is_started_again_later_each_time():
    child = Child("no-such-command")
    pauses = []
    for _ in range(3):
        child.tend(child.due_s)
        child.wait(20)
        ended_s = child.due_s + 1
        child.tend(ended_s)
        pauses.append(child.due_s - ended_s)
    assert pauses == [1, 2, 4]


def test_the_pause_is_forgotten_after_a_steady_minute():
    child = Child("no-such-command")
    child.failures = 5
    child.tend(0.0)
    child.wait(20)
    child.tend(100.0)
    assert (child.failures, child.due_s) == (0, 100.0)


@pytest.mark.fault
def test_a_child_without_a_sign_of_life_is_killed(monkeypatch):
    monkeypatch.setattr(Child, "_arguments", lambda *_: [sys.executable, "-c", "import time; time.sleep(60)"])
    child = Child("silent", beats=True)
    child.tend(0.0)
    process = child.process
    child.tend(59.0)
    assert process.poll() is None
    child.tend(61.0)
    assert process.wait(5) == -signal.SIGKILL
    child.tend(61.5)
    assert child.process is None


@pytest.mark.fault
def test_a_child_ends_when_its_parent_is_killed(tmp_path):
    inner = "from dashboard.processes import end_with_parent; import os, sys, time; end_with_parent(os.getppid());"
    inner += f"open('{tmp_path}/pid', 'w').write(str(os.getpid())); time.sleep(60)"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    parent = subprocess.Popen([sys.executable, "-c", outer])
    child_pid = int(wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), 30))
    parent.kill()
    parent.wait()
    wait_until(lambda: is_gone(child_pid))
