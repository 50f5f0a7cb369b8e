"""Structured logs: one JSON object a line, with the request's id and without secrets."""

import json
import logging
import re
import secrets
import sys
import time
from datetime import UTC, datetime

from flask import Flask, Response, g, has_request_context, request
from sqlalchemy.engine import make_url

from dashboard.settings import Settings

log = logging.getLogger("dashboard.requests")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
QUIET = ("/static/", "/healthz", "/readyz", "/metrics", "/ofrep/", "/flags/v1/")
STANDARD = logging.LogRecord("", 0, "", 0, "", (), None).__dict__.keys() | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """`secrets` are replaced wherever they turn up; JSON escapes line breaks, so a value cannot forge a line."""

    def __init__(self, secrets: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        if has_request_context() and "request_id" in g:
            line["request_id"] = g.request_id
        line |= {name: value for name, value in record.__dict__.items() if name not in STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        text = json.dumps(line, default=str, ensure_ascii=False)
        for secret in self.secrets:
            text = text.replace(secret, "•••")
        return text


def set_up(settings: Settings, level: int = logging.INFO) -> None:
    """Everything that is logged in this process goes to stderr as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(secrets_of(settings)))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("alembic", "procrastinate", "werkzeug"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))


def secrets_of(settings: Settings) -> tuple[str, ...]:
    values = [
        secret.get_secret_value()
        for secret in (settings.database_url, settings.secret_key, settings.admin_password)
        if secret is not None
    ]
    if settings.database_url is not None:
        values.append(str(make_url(settings.database_url.get_secret_value()).password or ""))
    return tuple(json.dumps(value, ensure_ascii=False)[1:-1] for value in values if value)


def init_app(app: Flask, settings: Settings) -> None:
    app.before_request(lambda: _begin(behind_proxy=settings.proxies > 0))
    app.after_request(_end)


def request_id_of(sent: str, *, behind_proxy: bool) -> str:
    """An id that came with the request counts only when it comes from the proxy in front."""
    return sent if behind_proxy and REQUEST_ID.fullmatch(sent) else secrets.token_hex(16)


def note(method: str, path: str, status: int, seconds: float, address: str | None, **more: str) -> None:
    """One line about a request that was answered; what is asked often and went well shows to those who debug."""
    level = logging.DEBUG if path.startswith(QUIET) and status < 400 else logging.INFO
    if log.isEnabledFor(level):
        told = {"method": method, "path": path, "status": status, "duration_ms": round(seconds * 1000, 1)}
        log.log(level, "request", extra=told | {"address": address} | more)


def _begin(*, behind_proxy: bool) -> None:
    g.request_id = request_id_of(request.headers.get("X-Request-ID", ""), behind_proxy=behind_proxy)
    g.began_s = time.monotonic()


def _end(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.get("request_id", "-")
    seconds = time.monotonic() - g.get("began_s", time.monotonic())
    note(request.method, request.path, response.status_code, seconds, request.remote_addr)
    return response
