"""The findings pages."""

from flask import Blueprint

from dashboard.findings import models  # noqa: F401 - the store's schema is known where the blueprint is

blueprint = Blueprint("findings", __name__)
