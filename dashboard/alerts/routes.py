"""HTTP of this feature."""

from flask import Blueprint

blueprint = Blueprint("alerts", __name__)
