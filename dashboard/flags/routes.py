"""HTTP of this feature."""

from flask import Blueprint

blueprint = Blueprint("flags", __name__)
