"""Evaluations before Flask: most of what a server asks needs neither its sessions nor its routing.

Only what is in order goes this way: a POST with a body of known size and a key that this process knows, to a host name
of ours. Everything else, and whatever fails, takes the long way and is answered there as if this way did not exist.
"""

import io
import logging
import re
import secrets
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask

from dashboard import logs, metrics
from dashboard.errors import PilothouseError
from dashboard.flags.rules import KEY
from dashboard.ofrep import answers
from dashboard.ofrep.answers import Answer
from dashboard.ofrep.rules import LARGEST_BODY
from dashboard.ofrep.sharing import VARY, shared_with
from dashboard.security import tokens
from dashboard.security.access import HOSTS, is_trusted, key_may
from dashboard.security.guards import right_of
from dashboard.security.headers import protecting
from dashboard.security.principals import Principal

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)
ADDRESS = "/ofrep/v1/evaluate/flags"
PLAIN_HOST = re.compile(r"[A-Za-z0-9.\-\[\]:]+")
STATUSES = {
    200: "200 OK",
    304: "304 NOT MODIFIED",
    400: "400 BAD REQUEST",
    404: "404 NOT FOUND",
    429: "429 TOO MANY REQUESTS",
}
EVERY, ONE = "ofrep.evaluate_flags", "ofrep.evaluate_flag"
Head = tuple[str, list[tuple[str, str]]]


class ShortWay:
    def __init__(self, app: Flask, long_way: "WSGIApplication") -> None:
        self._app, self._long_way = app, long_way
        self._behind_proxy = app.extensions["pilothouse_settings"].proxies > 0

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(ADDRESS) and environ["REQUEST_METHOD"] == "POST":
            try:
                answered = self._answered(environ)
            except Exception:
                # What translates failures is on the long way: there it fails again, in our words, or is answered.
                log.exception("an evaluation failed before Flask")
                answered = None
            if answered:
                (status, headers), body = answered
                start_response(status, headers)
                return [body]
        return self._long_way(environ, start_response)

    def _answered(self, environ: "WSGIEnvironment") -> tuple[Head, bytes] | None:
        began_s, path = time.monotonic(), environ["PATH_INFO"]
        endpoint, key = (EVERY, "") if path == ADDRESS else (ONE, path[len(ADDRESS) + 1 :])
        asked_by = self._admitted(environ, endpoint)
        in_order = endpoint == EVERY or (path[len(ADDRESS)] == "/" and KEY.match(key))
        answer = self._answer(environ, asked_by, key) if asked_by and in_order else None
        if not answer or not asked_by:
            return None
        told = self._noted(environ, endpoint, answer, began_s)
        return (STATUSES[answer.status], _headers(environ, answer, asked_by, told)), answer.body

    def _admitted(self, environ: "WSGIEnvironment", endpoint: str) -> Principal | None:
        """Who asks, by the rules that the guard goes by; None: the guard shall decide."""
        host = environ.get("HTTP_HOST", "")
        if not PLAIN_HOST.fullmatch(host) or not is_trusted(host, self._app.extensions[HOSTS]):
            return None
        right = right_of(self._app.view_functions[endpoint])
        found = tokens.of(self._app).known(_key(environ))
        if right is None or found is None or not key_may(found, right, "POST", environ.get("HTTP_ORIGIN")):
            return None
        return found

    def _answer(self, environ: "WSGIEnvironment", asked_by: Principal, key: str) -> Answer | None:
        size = environ.get("CONTENT_LENGTH", "")
        if not (size.isascii() and size.isdigit()) or int(size) > LARGEST_BODY or "HTTP_TRANSFER_ENCODING" in environ:
            return None
        evaluations = answers.of(self._app)
        try:
            flags = evaluations.flags_of(asked_by)
        except PilothouseError:
            return None
        try:
            body = environ["wsgi.input"].read(int(size))
        except OSError:  # who asked is gone
            body = b""
        environ["wsgi.input"] = io.BytesIO(body)
        if len(body) != int(size):
            return None
        if key:
            return evaluations.one(asked_by, flags, key, body)
        return evaluations.every(asked_by, flags, body, environ.get("HTTP_IF_NONE_MATCH", ""))

    def _noted(self, environ: "WSGIEnvironment", endpoint: str, answer: Answer, began_s: float) -> str:
        """In the log and the metrics, as every request is; its id."""
        told = logs.request_id_of(environ.get("HTTP_X_REQUEST_ID", ""), behind_proxy=self._behind_proxy)
        seconds = time.monotonic() - began_s
        address = environ.get("REMOTE_ADDR")
        logs.note("POST", environ["PATH_INFO"], answer.status, seconds, address, request_id=told)
        metrics.observe(endpoint, answer.status, seconds)
        return told


def init_app(app: Flask) -> None:
    """Inside of what reads a proxy's headers, so before that is put around."""
    app.wsgi_app = ShortWay(app, app.wsgi_app)  # type: ignore[method-assign]


def _key(environ: "WSGIEnvironment") -> str:
    """As the guard finds it; empty where that is not plain."""
    sent = environ.get("HTTP_AUTHORIZATION")
    if sent is None:
        return str(environ.get("HTTP_X_API_KEY", ""))
    scheme, _, credentials = sent.partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else ""


def _headers(environ: "WSGIEnvironment", answer: Answer, asked_by: Principal, request_id: str) -> list[tuple[str, str]]:
    headers = answer.headers
    if answer.status != 304:
        headers += [("Content-Type", "application/json"), ("Content-Length", str(len(answer.body)))]
    headers += shared_with(environ.get("HTTP_ORIGIN"), asked_by)
    headers += protecting(secrets.token_urlsafe(18), secure=environ["wsgi.url_scheme"] == "https")
    headers += [("Vary", VARY), ("X-Request-ID", request_id)]
    return headers
