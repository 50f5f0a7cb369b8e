"""HTTP of this feature."""

from flask import Blueprint

blueprint = Blueprint("targets", __name__)
