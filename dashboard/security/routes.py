"""HTTP of this feature."""

from flask import Blueprint

blueprint = Blueprint("security", __name__)
