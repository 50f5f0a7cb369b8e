"""HTTP of this feature."""

from flask import Blueprint

blueprint = Blueprint("statements", __name__)
