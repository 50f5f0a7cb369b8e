"""Accounts, sessions, guards, keys, audit, headers."""

from flask import Flask

from dashboard.settings import Settings


def init_app(app: Flask, settings: Settings) -> None:
    """Sessions, sign-in, guards, headers."""
