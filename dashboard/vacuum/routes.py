"""The vacuum pages."""

from flask import Blueprint

blueprint = Blueprint("vacuum", __name__)
