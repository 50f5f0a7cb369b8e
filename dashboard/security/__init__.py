"""Accounts, sessions, guards, keys, audit, headers."""

from flask import Flask

from dashboard.security import access, csrf, headers, principals, sessions, tokens
from dashboard.settings import Settings


def init_app(app: Flask, settings: Settings) -> None:
    """Sessions, sign-in, guards, headers."""
    sessions.init_app(app)
    principals.init_app(app)
    tokens.init_app(app)
    csrf.init_app(app)
    headers.init_app(app)
    access.init_app(app, settings)
