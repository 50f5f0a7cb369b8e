"""What templates may use: formats as filters, icons, charts, the theme."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Filters and globals of the templates."""
