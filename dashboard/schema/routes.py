"""HTTP of this feature."""

from flask import Blueprint

blueprint = Blueprint("schema", __name__)
