"""The vacuum pages."""

from flask import Blueprint

from dashboard.vacuum import models  # noqa: F401 - the store's schema is known where the blueprint is

blueprint = Blueprint("vacuum", __name__)
