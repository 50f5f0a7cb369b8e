"""Processes that are kept running: started again with back-off when they end, ended together on one signal."""

import contextlib
import ctypes
import errno
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

from dashboard.errors import PilothouseError

log = logging.getLogger(__name__)

LONGEST_PAUSE_S = 60.0
STEADY_S = 60.0
GRACE_S = 40.0
BEAT_LOST_S = 60.0
PORT_WAIT_S = 3.0
PR_SET_PDEATHSIG = 1


class Child:
    """One process of ours, `pilothouse <command>`; with `beats` it must write to a pipe now and then to stay alive."""

    def __init__(self, command: str, *, beats: bool = False) -> None:
        self.command = command
        self.beats = beats
        self.failures = 0
        self.due_s = 0.0
        self.began_s = 0.0
        self.beat_s = 0.0
        self.process: subprocess.Popen[bytes] | None = None
        self._pipe: int | None = None

    def tend(self, now_s: float) -> None:
        """Start it when it is due, notice its end, end it when it stopped beating."""
        if self.process is None:
            if now_s >= self.due_s:
                self._start(now_s)
            return
        code = self.process.poll()
        if code is not None:
            self._ended(code, now_s)
        elif self.beats and self._silent(now_s):
            log.error("%s gave no sign of life for %d s and is killed", self.command, BEAT_LOST_S)
            self.process.kill()

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)

    def wait(self, seconds: float) -> bool:
        if self.process is None:
            return True
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, seconds))
        return self.process.poll() is not None

    def _start(self, now_s: float) -> None:
        kept: tuple[int, ...] = ()
        if self.beats:
            self._pipe, theirs = os.pipe()
            os.set_blocking(self._pipe, False)
            kept = (theirs,)
        self.process = subprocess.Popen(self._arguments(*kept), pass_fds=kept, start_new_session=True)  # noqa: S603
        for descriptor in kept:
            os.close(descriptor)
        self.began_s = self.beat_s = now_s

    def _arguments(self, *beat: int) -> list[str]:
        options = ["--parent", str(os.getpid()), *(f"--beat={descriptor}" for descriptor in beat)]
        return [sys.executable, "-m", "dashboard", *options, self.command]

    def _ended(self, code: int, now_s: float) -> None:
        self.failures = 0 if now_s - self.began_s > STEADY_S else self.failures + 1
        pause_s = min(LONGEST_PAUSE_S, 2.0 ** (self.failures - 1)) if self.failures else 0.0
        log.warning("%s ended with code %d; it is started again in %d s", self.command, code, pause_s)
        self.process, self.due_s = None, now_s + pause_s
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None

    def _silent(self, now_s: float) -> bool:
        assert self._pipe is not None  # noqa: S101 - a beating child has one
        if select.select([self._pipe], [], [], 0)[0] and os.read(self._pipe, 65_536):
            self.beat_s = now_s
        return now_s - self.beat_s > BEAT_LOST_S


class Stop(Exception):  # noqa: N818 - a request, not an error
    """SIGTERM or SIGINT came."""


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """The first SIGTERM or SIGINT raises Stop here; later ones are ignored, the stop is under way."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        raise Stop

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    with contextlib.suppress(Stop):
        yield


def keep_running(
    children: Sequence[Child], *, grace_s: float = GRACE_S, tell: Callable[[], bool] = lambda: True
) -> None:
    """Tend the children until Stop; then each ends what it is doing, and whoever takes too long is killed.

    `tell` is asked now and then until it answers True.
    """
    told = False
    try:
        while True:
            for child in children:
                child.tend(time.monotonic())
            told = told or tell()
            time.sleep(0.2)
    finally:
        for child in children:
            child.end()
        deadline = time.monotonic() + grace_s
        for child in children:
            if not child.wait(deadline - time.monotonic()):
                log.error("%s did not end in %d s and is killed", child.command, grace_s)
                child.end(signal.SIGKILL)
                child.wait(5)


def end_with_parent(parent_pid: int) -> None:
    """Have the kernel send SIGTERM to this process when its parent is gone, however that ended."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent_pid:
        sys.exit(1)


def port_is_taken(host: str, port: int) -> bool:
    """Whether another listens there. SO_REUSEADDR as gunicorn: a port in TIME_WAIT is free.

    Raises PilothouseError when nobody could listen there.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):
        raise PilothouseError(f"HOST {host} is no name or address of this machine.") from None
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
            raise PilothouseError(f"Port {port} on {host} cannot be listened on: {error.strerror}.") from None
    return False


def refuse_taken_ports(host: str, *ports: int) -> None:
    """A predecessor that was killed may need a moment to let go of its ports."""
    deadline = time.monotonic() + PORT_WAIT_S
    while taken := [port for port in ports if port_is_taken(host, port)]:
        if time.monotonic() > deadline:
            raise PilothouseError(
                f"Port {taken[0]} on {host} is in use by another program: stop that, or set PORT "
                "(pages) or PILOTHOUSE_EVENTS_PORT (change streams) to a free one."
            )
        time.sleep(0.2)


def answers(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False
