"""HTTP of the demo: one click takes it away."""

from flask import Blueprint, Response, current_app

from dashboard import demo, web
from dashboard.security.guards import requires

blueprint = Blueprint("demo", __name__)


@blueprint.post("/settings/targets/demo/remove")
@requires("admin")
def remove() -> Response:
    demo.remove(current_app.extensions["pilothouse_server"])
    return web.moved("/settings/targets")
