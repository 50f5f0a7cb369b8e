"""HTTP of this feature."""

from flask import Blueprint

blueprint = Blueprint("activity", __name__)
