"""HTTP of this feature."""

from flask import Blueprint

blueprint = Blueprint("tables", __name__)
