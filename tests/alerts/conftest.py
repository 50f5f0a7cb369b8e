"""Somebody to tell: a mail server and an HTTP server of our own, on loopback."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from flask import Flask

from dashboard.settings import load_settings


@dataclass
class Mailbox:
    mails: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802 - its name there
        self.mails.append(BytesParser(policy=default).parsebytes(envelope.content))  # type: ignore[arg-type]
        return "250 taken"


@pytest.fixture
def mailbox(app: Flask) -> Iterator[Mailbox]:
    """What a mail server got that the app's settings name."""
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    before = app.extensions["pilothouse_settings"]
    app.extensions["pilothouse_settings"] = load_settings(
        {
            "PILOTHOUSE_SMTP_URL": f"smtp://127.0.0.1:{port}",
            "PILOTHOUSE_MAIL_FROM": "pilothouse@example.com",
            "PILOTHOUSE_URL": "https://pilothouse.example.org",
        }
    )
    yield box
    app.extensions["pilothouse_settings"] = before
    server.stop()


@dataclass
class Listener:
    """An HTTP server that answers with `status` and remembers what it was sent: path, headers, body."""

    port: int
    status: int = 200
    posts: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
def listener() -> Iterator[Listener]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            heard.posts.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(heard.status)
            self.send_header("Location", heard.url("/elsewhere"))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_words: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    heard = Listener(server.server_port)
    Thread(target=server.serve_forever, daemon=True).start()
    yield heard
    server.shutdown()
    server.server_close()
