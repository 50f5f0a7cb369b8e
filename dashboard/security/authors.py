"""Who is written down for a change, and from where."""

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from flask import current_app, g, has_request_context, request

from dashboard.security.principals import principal

AUTHOR = "AUTHOR"
_wanted_by: ContextVar[str | None] = ContextVar("wanted_by", default=None)


def current_author() -> str:
    """The e-mail in a browser, `key:<name>` for a key, `worker` in jobs (app.config AUTHOR), else `cli:<user>`."""
    if author := _wanted_by.get():
        return author
    if has_request_context():
        asked_by = principal()
        return asked_by.author if asked_by else "anonymous"
    return str(current_app.config.get(AUTHOR) or f"cli:{_system_user()}")


@contextmanager
def on_behalf_of(author: str) -> Iterator[None]:
    """Who wanted a change is its author, also where somebody else's approval lets it happen."""
    token = _wanted_by.set(author)
    try:
        yield
    finally:
        _wanted_by.reset(token)


def current_address() -> str:
    return (request.remote_addr or "") if has_request_context() else "local"


def current_request_id() -> str:
    return str(g.get("request_id", "-")) if has_request_context() else "-"


def _system_user() -> str:
    """By the process, not by LOGNAME, which anybody may set."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
