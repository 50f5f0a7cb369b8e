"""HTTP of this feature."""

from flask import Blueprint

blueprint = Blueprint("ofrep", __name__)
