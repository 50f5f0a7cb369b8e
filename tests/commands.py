"""`python -m …` as a process of its own, forked from one that has imported already what all commands need."""

import atexit
import functools
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
WAIT_S = 120.0


def ran(module: str, *arguments: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """What `python -m module arguments` in this checkout answered, with nothing but `env` around it."""
    message = json.dumps([module, arguments, dict(env)]).encode()
    reply, told = socket.socketpair()
    with Path(os.devnull).open() as empty, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, reply:
        with told:
            socket.send_fds(_starter(), [message], [file.fileno() for file in (empty, out, err, told)])
        reply.settimeout(WAIT_S)
        code = int(reply.recv(16))
        for output in (out, err):
            output.seek(0)
        return subprocess.CompletedProcess(arguments, code, out.read().decode(), err.read().decode())


@functools.cache
def _starter() -> socket.socket:
    """Where to send what is to be run; who listens there ends with this process."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with there:
        process = subprocess.Popen([sys.executable, "-m", "tests.commands"], cwd=ROOT, stdin=there)
    atexit.register(process.wait)
    atexit.register(here.close)
    return here


def _serve() -> None:
    """Nothing here may start a thread: a fork would lose it."""
    importlib.import_module("dashboard.commands")
    gc.freeze()
    control = socket.socket(fileno=0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        message, files, _, _ = socket.recv_fds(control, 1 << 16, 4)
        if not message:
            return
        if os.fork() == 0 and _is_command(files[3]):
            break
        for file in files:
            os.close(file)
    control.detach()
    _run(message, files)


def _is_command(told: int) -> bool:
    """True in the process of the command; the one before waits for its end and tells it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if (pid := os.fork()) == 0:
        return True
    os.write(told, str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())
    os._exit(0)


def _run(message: bytes, files: list[int]) -> None:
    module, arguments, environment = json.loads(message)
    for number, file in enumerate(files):
        if number < 3:
            os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = arguments
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _serve()
