"""Bodies that are no evaluation: what refusing them costs, in one process and in a worker asked over HTTP."""

import http.client
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flask import Flask

from bench.house import table
from bench.over_http import cpu_us
from tests.ofrep.test_hostile import BAD
from tests.ofrep.web import Web

ROUNDS, CALLS = 9, 20
BULK = "/ofrep/v1/evaluate/flags"
BODIES = {name: body for name, body in BAD.items() if len(body) > 10_000} | {"10 MB": b"x" * 10_000_000}
Ask = Callable[[], tuple[int, Any, Any]]


def measured(app: Flask, key: Mapping[str, str], asks: Mapping[str, Ask]) -> str:
    """`asks`: the same bodies asked without a network."""
    over_http = in_a_worker(app, key)
    rows = []
    for name, ask in asks.items():
        status, taken_s = ask()[0], []
        for _ in range(ROUNDS):
            began_s = time.thread_time()
            for _ in range(CALLS):
                ask()
            taken_s.append((time.thread_time() - began_s) / CALLS)
        alone = f"{statistics.median(taken_s) * 1000:.2f} ms"
        rows.append((name, f"{len(BODIES[name]):,}", str(status), alone, *over_http[name]))
    return table(("body", "bytes", "status", "no network", "a worker", "until the answer"), rows)


def in_a_worker(app: Flask, key: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Body → CPU time of the worker for a request, and what the client waits once it sent the head."""
    with tempfile.TemporaryDirectory() as folder:
        web = Web(app, Path(folder), PILOTHOUSE_WEB_PROCESSES="1")
        web.start()
        try:
            (pid,) = web.workers()
            return {name: _asked(web, pid, key, body) for name, body in BODIES.items()}
        finally:
            web.stop()


def _asked(web: Web, pid: int, key: Mapping[str, str], body: bytes) -> tuple[str, str]:
    connection = web.connection()
    cpu, waited = [], []
    for _ in range(ROUNDS):
        began_us, waited_s = cpu_us(pid), 0.0
        for _ in range(CALLS):
            waited_s += _waited_s(connection, key, body)
        cpu.append((cpu_us(pid) - began_us) / CALLS)
        waited.append(waited_s / CALLS)
    connection.close()
    return f"{statistics.median(cpu) / 1000:.2f} ms", f"{statistics.median(waited) * 1000:.2f} ms"


def _waited_s(connection: http.client.HTTPConnection, key: Mapping[str, str], body: bytes) -> float:
    """What is too large is answered before it is sent: then what is left of it follows."""
    connection.putrequest("POST", BULK)
    for name, value in {**key, "Content-Length": str(len(body))}.items():
        connection.putheader(name, value)
    began_s = time.perf_counter()
    connection.endheaders(None if len(body) > 1_000_000 else body)
    answer = connection.getresponse()
    answer.read()
    waited_s = time.perf_counter() - began_s
    assert answer.status in {400, 413}, answer.status  # noqa: S101 - a benchmark of refusals
    if len(body) > 1_000_000:
        connection.send(body)
        connection.request("POST", BULK, b"{}", dict(key))  # answered when all of it was dropped
        connection.getresponse().read()
    return waited_s
