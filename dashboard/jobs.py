"""The task queue and the timetable of periodic jobs."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Connect the queue with the app."""
