"""The server pages."""

from flask import Blueprint

blueprint = Blueprint("server", __name__)
