"""Health, readiness and metrics, for load balancers and Prometheus."""

from flask import Blueprint, Response, jsonify

from dashboard.security.guards import public

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public
def healthz() -> Response:
    return jsonify(status="ok")
