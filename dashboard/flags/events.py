"""Change streams for applications: Server-Sent Events in a process of their own, one coroutine for each stream."""

import asyncio
import contextlib
import json
import logging
import signal
import time
from collections.abc import AsyncIterator

import psycopg

from dashboard.flags.streams import environment_of
from dashboard.settings import Settings
from dashboard.store import libpq_url

log = logging.getLogger(__name__)
POLL_S = 0.5
HEARTBEAT_S = 15.0
LONGEST_STREAM_S = 7_200.0
REQUEST_WAIT_S = 10.0
JUST_NOW_S = 60.0
LARGEST_HEAD = 8_192
MOST_STREAMS = 5_000
CHANGES = "select environment_id, revision, extract(epoch from changed_at) from flag_revision order by environment_id"
HEAD = (
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
    "Access-Control-Allow-Origin: *\r\nX-Accel-Buffering: no\r\nX-Content-Type-Options: nosniff\r\n"
    "Connection: close\r\n\r\nretry: 3000\n\n"
)


class Changes:
    """The revision of every environment as last read; streams wait here for the next one."""

    def __init__(self, database_url: str) -> None:
        self._url = libpq_url(database_url)
        self._changed = asyncio.Condition()
        self.revisions: dict[int, tuple[int, int]] = {}
        self.loaded = False

    async def follow(self) -> None:
        while True:
            try:
                await self._poll()
            except psycopg.Error as error:
                log.warning("change streams wait for the store: %s", type(error).__name__)
            await asyncio.sleep(2 * POLL_S)

    async def _poll(self) -> None:
        async with await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, connect_timeout=3, tcp_user_timeout=5_000,
            application_name="pilothouse-events", prepare_threshold=None,
        ) as connection:  # fmt: skip
            while True:
                rows = await (await connection.execute(CHANGES)).fetchall()
                found = {environment: (revision, int(at)) for environment, revision, at in rows}
                if found != self.revisions or not self.loaded:
                    async with self._changed:
                        self.revisions, self.loaded = found, True
                        self._changed.notify_all()
                await asyncio.sleep(POLL_S)

    async def after(self, environment_id: int, seen: int | None) -> tuple[int, int] | None:
        """The revision that differs from `seen` and its time; None when a heart-beat is due first.

        A process that just started tells nobody of a change before it has read the store.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HEARTBEAT_S), self._changed:
                await self._changed.wait_for(lambda: self.loaded and self.revision(environment_id) != seen)
                return self.revisions.get(environment_id, (0, 0))
        return None

    def known_to_all(self, environment_id: int, now_s: float) -> int:
        """The revision that whoever opens a stream knows already: its flags may be older than a change just made."""
        revision, at_s = self.revisions.get(environment_id, (0, 0))
        return revision - 1 if revision and now_s - at_s < JUST_NOW_S else revision

    def revision(self, environment_id: int) -> int:
        return self.revisions.get(environment_id, (0, 0))[0]


class Streams:
    def __init__(self, changes: Changes, secret_key: str) -> None:
        self._changes, self._secret_key = changes, secret_key
        self.open = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: read the head, check the token, stream until the client or its time is gone."""
        try:
            async with asyncio.timeout(REQUEST_WAIT_S):
                head = await reader.readuntil(b"\r\n\r\n")
            await self._stream(head.decode("latin-1"), writer)
        except asyncio.LimitOverrunError:
            await _refuse(writer, "431 Request Header Fields Too Large", '{"error": "That head is too long."}')
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            log.debug("a stream ended")  # cancelled: the process ends
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _stream(self, head: str, writer: asyncio.StreamWriter) -> None:
        request, *lines = head.split("\r\n")
        method, path = [*request.split(" "), "", ""][:2]
        token = path.partition("?")[0].removeprefix("/events/")
        if path == "/healthz":
            return await _refuse(writer, "200 OK", f'{{"status": "ok", "streams": {self.open}}}')
        environment_id = environment_of(token, self._secret_key, time.time())
        if method != "GET" or environment_id is None:
            return await _refuse(
                writer, "401 Unauthorized", '{"error": "This stream is closed. Ask for a new address."}'
            )
        if self.open >= MOST_STREAMS:
            return await _refuse(writer, "503 Service Unavailable", '{"error": "Too many streams."}')
        self.open += 1
        try:
            writer.write(HEAD.encode())
            async for message in self._messages(environment_id, _last_seen(lines)):
                writer.write(message.encode())
                async with asyncio.timeout(HEARTBEAT_S):
                    await writer.drain()
        finally:
            self.open -= 1

    async def _messages(self, environment_id: int, last_seen: int | None) -> AsyncIterator[str]:
        """A message for each change since `last_seen` (since just now without it), a comment when nothing happens."""
        seen, until = last_seen, time.monotonic() + LONGEST_STREAM_S
        yield ": open\n\n"
        while time.monotonic() < until:
            if seen is None and self._changes.loaded:
                seen = self._changes.known_to_all(environment_id, time.time())
            change = await self._changes.after(environment_id, seen)
            if change is None:
                yield ": still here\n\n"
            if change is None or seen is None:
                continue
            seen, at = change
            content = {"type": "refetchEvaluation", "lastModified": at}
            yield f"id: {seen}\nevent: message\ndata: {json.dumps(content)}\n\n"


def serve(settings: Settings, database_url: str, secret_key: str) -> None:
    """`pilothouse events`: until a signal ends it."""
    asyncio.run(run(settings.host, settings.events_port, database_url, secret_key))


async def run(
    host: str, port: int, database_url: str, secret_key: str, ready: asyncio.Future[int] | None = None
) -> None:
    changes = Changes(database_url)
    streams = Streams(changes, secret_key)
    server = await asyncio.start_server(streams.answer, host, port, limit=LARGEST_HEAD, backlog=1_024)
    if ready:
        ready.set_result(server.sockets[0].getsockname()[1])
    following = asyncio.create_task(changes.follow())
    try:
        await _signal()
    finally:
        following.cancel()
        server.close()
        await server.wait_closed()


async def _signal() -> None:
    """Until this process is told to end; a loop outside the main thread hears no signals and is cancelled instead."""
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    with contextlib.suppress(RuntimeError, ValueError):
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ended.set)
    await ended.wait()


def _last_seen(lines: list[str]) -> int | None:
    """Last-Event-ID, which a client sends when it comes back."""
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip().lower() == "last-event-id":
            value = value.strip()
            return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None
    return None


async def _refuse(writer: asyncio.StreamWriter, status: str, body: str) -> None:
    writer.write(
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"Access-Control-Allow-Origin: *\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n{body}".encode()
    )
    await writer.drain()
