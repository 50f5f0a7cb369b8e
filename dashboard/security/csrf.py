"""Writes come from our own pages only: a token in the form, and the headers that say where a request comes from."""

from flask import Flask, request
from flask_wtf.csrf import CSRFError, CSRFProtect

from dashboard.errors import PilothouseError
from dashboard.security.rules import own_request

SAFE = {"GET", "HEAD", "OPTIONS"}
protection = CSRFProtect()


class Forged(PilothouseError):  # noqa: N818 - reads as what happened
    status = 400


def init_app(app: Flask) -> None:
    """The token lives as long as its session; the guard checks it, because requests with a key carry none."""
    app.config |= {"WTF_CSRF_CHECK_DEFAULT": False, "WTF_CSRF_TIME_LIMIT": None, "WTF_CSRF_SSL_STRICT": False}
    protection.init_app(app)


def check() -> None:
    """Raises Forged for an unsafe request that does not come from a page of this session."""
    if request.method in SAFE:
        return
    headers = request.headers
    if not own_request(headers.get("Sec-Fetch-Site"), headers.get("Origin"), request.host_url.rstrip("/")):
        raise Forged("This request came from another site; nothing was changed.")
    try:
        protection.protect()
    except CSRFError:
        raise Forged("This page was opened in another session; nothing was changed. Reload it and try again.") from None
