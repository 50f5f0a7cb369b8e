"""Watched databases: registering, connecting, what their role may see."""

from flask import Flask

from dashboard.settings import Settings


def init_app(app: Flask, settings: Settings) -> None:
    """Pools of the targets; nothing connects before it is asked."""
    from dashboard.targets.pools import Pools

    app.extensions["pilothouse_target_pools"] = Pools(settings.target_networks)
