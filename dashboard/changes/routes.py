"""HTTP of this feature."""

from flask import Blueprint

blueprint = Blueprint("changes", __name__)
