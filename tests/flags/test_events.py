"""Change streams over a raw socket: opened by a token, told of changes, resumed, and cheap."""

import asyncio
import socket
import threading
import time

import pytest

from dashboard.flags import edits, events
from dashboard.flags.queries import flag_by_key
from dashboard.flags.streams import SLOT_S, environment_of, stream_token
from dashboard.store import db
from dashboard.targets.queries import environment_by_slug
from tests.conftest import SECRET_KEY
from tests.flags.conftest import make_flag


class Process:
    """The streams' process as a thread with a loop of its own."""

    def __init__(self, database_url):
        self.url, self.port, self.started = database_url, 0, threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self.serve()))
        self.thread.start()
        self.started.wait(5)

    async def serve(self):
        self.loop = asyncio.get_running_loop()
        ready = self.loop.create_future()
        self.task = asyncio.create_task(events.run("127.0.0.1", 0, self.url, SECRET_KEY, ready))
        self.port = await ready
        self.started.set()
        with pytest.raises(asyncio.CancelledError):
            await self.task

    def stop(self):
        self.loop.call_soon_threadsafe(self.task.cancel)
        self.thread.join(5)

    def open(self, path, headers=""):
        stream = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        stream.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
        return stream


def read_until(stream, wanted):
    text = ""
    while wanted not in text:
        piece = stream.recv(4096)
        assert piece, text
        text += piece.decode()
    return text


@pytest.fixture
def process(cloned_store):
    with cloned_store.app_context():
        make_flag()
    process = Process(cloned_store.config["SQLALCHEMY_DATABASE_URI"])
    yield process
    process.stop()


@pytest.fixture
def token(cloned_store):
    with cloned_store.app_context():
        return stream_token(SECRET_KEY, environment_by_slug("staging").id, time.time())


def toggle(app, slug):
    with app.app_context():
        edits.toggle(flag_by_key("checkout"), environment_by_slug(slug), enabled=True, version=None)
        db.session.commit()


def test_a_change_is_told_to_its_environments_streams_only(cloned_store, process, token):
    with process.open(f"/events/{token}") as stream:
        assert "text/event-stream" in read_until(stream, "}\n\n")
        toggle(cloned_store, "production")
        toggle(cloned_store, "staging")
        told = read_until(stream, "}\n\n")
        assert "event: message\n" in told
        assert '"type": "refetchEvaluation"' in told
        assert told.count("data:") == 1


@pytest.mark.parametrize(("ago_s", "known"), [(5, 6), (events.JUST_NOW_S + 1, 7)])
def test_a_change_between_the_answer_and_its_stream_is_told(ago_s, known):
    changes = events.Changes("postgresql://x/y")
    changes.revisions = {1: (7, 1_000_000)}
    assert changes.known_to_all(1, 1_000_000 + ago_s) == known
    assert changes.known_to_all(2, 1_000_000) == 0


def test_who_comes_back_hears_what_was_missed(cloned_store, process, token):
    with process.open(f"/events/{token}", "Last-Event-ID: 0\r\n") as stream:
        assert "id: 1\n" in read_until(stream, "}\n\n")


def test_a_stream_on_which_nothing_happens_beats(process, token, monkeypatch):
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.2)
    with process.open(f"/events/{token}", "Last-Event-ID: 1\r\n") as stream:
        head = read_until(stream, ": still here\n\n: still here\n\n")
        assert "Cache-Control: no-store" in head
        assert "retry: 3000\n" in head
        assert "data:" not in head


@pytest.mark.parametrize("path", ["/events/", "/events/1.2.x", "/events/" + "9" * 50, "/", "/events/1.1.1.1"])
def test_a_forged_token_opens_nothing(process, path):
    with process.open(path) as stream:
        assert read_until(stream, "\r\n").startswith("HTTP/1.1 401")


def test_a_token_holds_until_the_end_of_the_next_hour():
    token = stream_token("key", 7, SLOT_S * 100.5)
    assert environment_of(token, "key", SLOT_S * 101.9) == 7
    assert environment_of(token, "key", SLOT_S * 102) is None
    assert environment_of(token, "other", SLOT_S * 100.5) is None
    assert environment_of(token.replace("7.", "8."), "key", SLOT_S * 100.5) is None


def test_many_streams_are_open_at_once(cloned_store, process, token):
    streams = [process.open(f"/events/{token}") for _ in range(200)]
    for stream in streams:
        read_until(stream, ": open")
    time.sleep(0.7)
    toggle(cloned_store, "staging")
    for stream in streams:
        read_until(stream, "refetchEvaluation")
        stream.close()
