"""Our OFREP views and the bare one in a gunicorn worker each, asked over HTTP: CPU time of the worker for a request."""

import http.client
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from flask import Flask

from bench.bare import Answers, write
from bench.house import table
from tests.ofrep.conftest import until
from tests.ofrep.web import ROOT, Web

ROUNDS, CALLS, THREADS = 15, 200, 8
Bodies = Callable[[], bytes]
Question = tuple[str, Mapping[str, str], Bodies, int]


@contextmanager
def bare_worker(folder: Path, answers: Answers) -> Iterator[tuple[int, int]]:
    """Its process, which gunicorn started as it starts ours, and its port."""
    write(answers, folder / "answers.json")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    options = ["--worker-class", "gthread", "--workers", "1", "--threads", str(THREADS), "--keep-alive", "5"]
    options += ["--no-control-socket", "--log-level", "error", "--bind", f"127.0.0.1:{port}"]
    command = [sys.executable, "-m", "gunicorn", *options, "bench.bare:from_environment()"]
    environment = os.environ | {"BENCH_ANSWERS": str(folder / "answers.json"), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=folder, env=environment)
    try:
        until(lambda: answers_there(port) and children(process.pid), within_s=30)
        yield children(process.pid)[0], port
    finally:
        process.terminate()
        process.wait(20)


def answers_there(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def children(pid: int) -> list[int]:
    return sorted(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def cpu_us(pid: int) -> float:
    """All its threads, as the scheduler counted them."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1000


class Asking:
    """One connection that asks the same address again and again."""

    def __init__(self, pid: int, port: int, path: str, headers: Mapping[str, str], body: Bodies, status: int) -> None:
        self._pid, self._path, self._body, self._status = pid, path, body, status
        self._headers = {"Content-Type": "application/json", **headers}
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self.taken_us: list[float] = []

    def once(self) -> None:
        began_us = cpu_us(self._pid)
        for _ in range(CALLS):
            self._connection.request("POST", self._path, self._body(), self._headers)
            answer = self._connection.getresponse()
            answer.read()
            assert answer.status == self._status, answer.status  # noqa: S101 - a benchmark of answers, not of errors
        self.taken_us.append((cpu_us(self._pid) - began_us) / CALLS)

    def cost_us(self) -> float:
        return statistics.median(self.taken_us)


def over_http(app: Flask, key: Mapping[str, str], answers: Answers, asked: Mapping[str, Question]) -> str:
    """`asked`: name → address, headers, bodies, status; every one is asked in turn with the bare view."""
    with tempfile.TemporaryDirectory() as name:
        web = Web(app, Path(name), PILOTHOUSE_WEB_PROCESSES="1", PILOTHOUSE_WEB_THREADS=str(THREADS))
        web.start()
        try:
            with bare_worker(Path(name), answers) as (bare_pid, bare_port):
                (our_pid,) = web.workers()
                pairs = {
                    kind: (
                        Asking(our_pid, web.port, path, {**key, **headers}, body, status),
                        Asking(bare_pid, bare_port, path, key, body, 200),
                    )
                    for kind, (path, headers, body, status) in asked.items()
                }
                for asking in [each for pair in pairs.values() for each in pair] * ROUNDS:
                    asking.once()
        finally:
            web.stop()
    taken = {kind: (ours.cost_us(), theirs.cost_us()) for kind, (ours, theirs) in pairs.items()}
    written = [(kind, f"{one:.0f} µs", f"{other:.0f} µs", f"{other / one:.2f}") for kind, (one, other) in taken.items()]
    return table(("one gunicorn worker", "ours", "bare view", "of its throughput"), written)
