"""`pilothouse web` as its own processes on the store of an app, asked over real HTTP."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from flask import Flask

from tests.ofrep.conftest import until
from tests.people import SECRET_KEY, Browser

ROOT = Path(__file__).parent.parent.parent


def asked(port: int, path: str, key: str = "", body: bytes | None = None) -> tuple[int, Any, dict[str, str]]:
    """Status, JSON and headers; status 0 when nobody answers."""
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - our own address
            return answer.status, json.load(answer), dict(answer.headers)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return 0, {}, {}


class Web:
    def __init__(self, app: Flask, folder: Path, **more: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        url = app.config["SQLALCHEMY_DATABASE_URI"]
        given = {"DATABASE_URL": url, "SECRET_KEY": SECRET_KEY, "PORT": str(self.port)}
        self._environment = os.environ | given | {"PILOTHOUSE_DATA_DIR": str(folder)} | more
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> int:
        """Its port, once it answers."""
        command = [sys.executable, "-m", "dashboard", "web"]
        self._process = subprocess.Popen(command, cwd=ROOT, env=self._environment, stderr=subprocess.DEVNULL)
        until(lambda: asked(self.port, "/healthz")[0] == 200, within_s=30)
        return self.port

    def stop(self) -> None:
        if self._process:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(20)
            self._process = None

    def workers(self) -> list[int]:
        """The processes that answer, oldest first."""
        assert self._process
        found = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return sorted(map(int, found.split()))

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)


class Toggler(threading.Thread):
    """Turns one flag on and off as our page does: each turn is sent again until somebody acknowledges it."""

    def __init__(self, web: Web, browser: Browser, address: str, turns: int) -> None:
        super().__init__()
        self.web, self.address, self.turns, self.again = web, address, turns, 0
        cookie = browser.get_cookie("pilothouse")
        assert cookie
        self.headers = {"Cookie": f"pilothouse={cookie.value}", "X-CSRFToken": browser.csrf_token}
        self.headers |= {"Content-Type": "application/x-www-form-urlencoded", "HX-Request-Type": "partial"}
        self.acknowledged: list[int] = []

    def run(self) -> None:
        connection = self.web.connection()
        for turn in range(self.turns):
            operation = uuid.uuid4().hex
            body = f"enabled={'on' if turn % 2 else 'off'}&version={turn + 1}&operation_id={operation}&view=row"
            status, until_s = 0, time.monotonic() + 120
            while status in {0, 502, 503} and time.monotonic() < until_s:
                try:
                    connection.request("POST", self.address, body, self.headers)
                    answer = connection.getresponse()
                    status = answer.status
                    answer.read()
                except (OSError, http.client.HTTPException):
                    connection.close()
                    status, self.again = 0, self.again + 1
                    time.sleep(0.02)
            self.acknowledged.append(status)
        connection.close()


@contextlib.contextmanager
def kills(web: Web, acknowledged: Callable[[], int], every: int) -> Iterator[list[int]]:
    """Meanwhile the oldest process that answers is killed after each `every` acknowledged writes."""
    killed: list[int] = []
    ended = threading.Event()

    def kill() -> None:
        due = every
        while not ended.wait(0.02):
            if acknowledged() >= due and len(found := web.workers()) > 1:
                os.kill(found[0], signal.SIGKILL)
                killed.append(found[0])
                due = acknowledged() + every

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        ended.set()
        thread.join()


class Asker(threading.Thread):
    """An application that evaluates all the time; keeps every status and what was said of the store."""

    def __init__(self, web: Web, key: str, path: str, goes_on: Callable[[], bool], pause_s: float = 0.01) -> None:
        super().__init__()
        self.connection, self.path, self.goes_on, self.pause_s = web.connection(), path, goes_on, pause_s
        self.headers = {"X-API-Key": key, "Content-Type": "application/json"}
        self.statuses: dict[int, int] = {}
        self.told: set[str] = set()

    def run(self) -> None:
        while self.goes_on():
            self.connection.request("POST", self.path, b'{"context": {"targetingKey": "u3"}}', self.headers)
            answer = self.connection.getresponse()
            answer.read()
            self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
            self.told.add(answer.headers.get("Pilothouse-Flags", "fresh").partition(";")[0])
            time.sleep(self.pause_s)
        self.connection.close()
