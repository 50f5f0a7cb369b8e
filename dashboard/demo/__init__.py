"""A shop to look at on a first run: a database with a history, flags that steer its load, and the load."""

from dashboard.demo.edits import install, remove
from dashboard.demo.queries import is_installed

__all__ = ["install", "is_installed", "remove"]
