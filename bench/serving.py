"""Real processes: how soon each of them sees a change, and a thousand open streams beside pages that go on."""

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
                connection.request("POST", FLAG, b"{}", headers)
                answer = connection.getresponse().read()
        taken.append((time.perf_counter() - began_s) * 1000)
    for connection in connections:
        connection.close()
    return sorted(taken)


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
        toggle(app, enabled=False)  # the changes before ended with on
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
            taken = visibility(app, web, key)
            p50, p99 = taken[len(taken) // 2], taken[int(len(taken) * 0.99) - 1]
            print(
                table(
                    ("changes", "p50", "p99", "longest"),
                    [(CHANGES, f"{p50:.0f} ms", f"{p99:.0f} ms", f"{taken[-1]:.0f} ms")],
                )
            )
            print()
            print(table(("open streams", "held", "page of flags", "all told of a change"), streams(app, web, folder)))
        finally:
            web.stop()
            close(app)
