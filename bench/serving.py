"""Real processes: how soon each of them sees a change, and a thousand open streams beside pages that go on."""

import http.client
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from flask_migrate import upgrade

from bench.flags import MANY, fill
from bench.house import server, table
from dashboard.flags import edits
from dashboard.flags.imports import ensure_environment
from dashboard.flags.queries import flag_by_key
from dashboard.flags.streams import stream_token
from dashboard.store import db
from tests.conftest import close, make_app
from tests.ofrep.conftest import add_key, imported, until
from tests.ofrep.web import ROOT, Web, asked
from tests.people import SECRET_KEY, sign_in

CHANGES, CONNECTIONS, STREAMS, PAGES = 200, 8, 1_000, 60
PAUSE_S = 0.001
FLAG = "/ofrep/v1/evaluate/flags/plain"


def toggle(app: Flask, *, enabled: bool) -> None:
    with app.app_context():
        edits.toggle(flag_by_key("plain"), ensure_environment("staging"), enabled=enabled, version=None)
        db.session.commit()


def visibility(app: Flask, web: Web, key: str) -> list[float]:
    """Milliseconds from each commit until no connection to any process gets the answer before it."""
    connections = [web.connection() for _ in range(CONNECTIONS)]
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    taken = []
    for number in range(CHANGES):
        toggle(app, enabled=bool(number % 2))
        began_s, wanted = time.perf_counter(), b"STATIC" if number % 2 else b"DISABLED"
        for connection in connections:
            answer = b""
            while wanted not in answer:
                answer = _answer(connection, headers)
        taken.append((time.perf_counter() - began_s) * 1000)
    for connection in connections:
        connection.close()
    return sorted(taken)


def _answer(connection: http.client.HTTPConnection, headers: dict[str, str]) -> bytes:
    """After a moment, so that asking is not what keeps the process from following; nothing from a closed connection."""
    time.sleep(PAUSE_S)
    try:
        connection.request("POST", FLAG, b"{}", headers)
        return connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        connection.close()
        return b""


def changes(app: Flask, web: Web, key: str) -> list[tuple[str, ...]]:
    """Of one flag in a small set, and in one of 10,000 others."""
    rows = [_row("15", visibility(app, web, key))]
    fill(app, "staging")
    until(lambda: asked(web.port, FLAG.replace("plain", "flag-00001"), key, b"{}")[0] == 200, within_s=30)
    time.sleep(10)  # until both processes have compiled them and written their copy
    return [*rows, _row(f"{MANY:,}", visibility(app, web, key))]


def _row(flags: str, taken: list[float]) -> tuple[str, ...]:
    found = taken[len(taken) // 2], taken[int(len(taken) * 0.99) - 1], taken[-1]
    return flags, str(len(taken)), *(f"{one:.0f} ms" for one in found)


@contextmanager
def events(app: Flask, folder: str) -> Iterator[tuple[int, int]]:
    """`pilothouse events`: its process and its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    given = {"DATABASE_URL": url, "SECRET_KEY": SECRET_KEY, "PILOTHOUSE_EVENTS_PORT": str(port)}
    environment = os.environ | given | {"PILOTHOUSE_DATA_DIR": folder}
    process = subprocess.Popen([sys.executable, "-m", "dashboard", "events"], cwd=ROOT, env=environment)
    try:
        until(lambda: asked(port, "/healthz")[0] == 200, within_s=30)
        yield process.pid, port
    finally:
        process.terminate()
        process.wait(20)


def held_mb(pid: int) -> float:
    """What the process holds now."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def page_ms(web: Web, cookie: str) -> float:
    """The median time of the page of flags."""
    connection, taken = web.connection(), []
    for _ in range(PAGES):
        began_s = time.perf_counter()
        connection.request("GET", "/flags", headers={"Cookie": f"pilothouse={cookie}"})
        connection.getresponse().read()
        taken.append((time.perf_counter() - began_s) * 1000)
    connection.close()
    return statistics.median(taken)


def opened(port: int, token: str) -> socket.socket:
    stream = socket.create_connection(("127.0.0.1", port), timeout=20)
    stream.sendall(f"GET /events/{token} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    hear(stream, b": open")
    return stream


def hear(stream: socket.socket, wanted: bytes) -> None:
    heard = b""
    while wanted not in heard:
        piece = stream.recv(4096)
        assert piece, heard  # noqa: S101 - nobody closed it
        heard += piece


def streams(app: Flask, web: Web, folder: str) -> list[tuple[Any, ...]]:
    browser = sign_in.__wrapped__()(app, "viewer")
    cookie = browser.get_cookie("pilothouse").value
    with app.app_context():
        token = stream_token(SECRET_KEY, ensure_environment("staging").id, time.time())
    with events(app, folder) as (pid, port):
        page_ms(web, cookie)
        alone_mb, alone_ms = held_mb(pid), page_ms(web, cookie)
        every = [opened(port, token) for _ in range(STREAMS)]
        time.sleep(1)
        open_mb, open_ms = held_mb(pid), page_ms(web, cookie)
        for stream in every:
            stream.settimeout(0.01)
            while True:
                try:
                    assert stream.recv(4096)  # noqa: S101 - nobody closed it
                except TimeoutError:
                    break
            stream.settimeout(20)
        toggle(app, enabled=False)
        began_s = time.perf_counter()
        for stream in every:
            hear(stream, b"refetchEvaluation")
        told_s = time.perf_counter() - began_s
        for stream in every:
            stream.close()
    return [
        ("none", f"{alone_mb:.0f} MB", f"{alone_ms:.1f} ms", ""),
        (f"{STREAMS:,}", f"{open_mb:.0f} MB", f"{open_ms:.1f} ms", f"{told_s:.2f} s"),
    ]


def main() -> None:
    with server() as running, tempfile.TemporaryDirectory() as folder:
        running.ensure_database("store_serving", "pilothouse")
        app = make_app(running, "store_serving")
        with app.app_context():
            upgrade()
        imported(app)
        with app.app_context():
            key = add_key("staging")
        web = Web(app, Path(folder))
        web.start()
        try:
            print(table(("open streams", "held", "page of flags", "all told of a change"), streams(app, web, folder)))
            print()
            print(table(("flags", "changes", "p50", "p99", "longest"), changes(app, web, key)))
        finally:
            web.stop()
            close(app)
