"""Watched databases: registering, connecting, what their role may see."""

from flask import Flask

from dashboard.settings import Settings


def init_app(app: Flask, settings: Settings) -> None:
    """Pools and commands of the targets."""
