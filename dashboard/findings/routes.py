"""The findings pages."""

from flask import Blueprint

blueprint = Blueprint("findings", __name__)
