"""Health, readiness and metrics, for load balancers and Prometheus; no writes while the schema does not fit."""

import time
from dataclasses import asdict

from flask import Blueprint, Response, current_app, g, jsonify, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from dashboard.errors import Unavailable
from dashboard.flags import live
from dashboard.metrics import exposition, observe
from dashboard.security.guards import public, requires
from dashboard.store import db, schema_problem

blueprint = Blueprint("health", __name__)
CHECK_AGAIN_S = 5.0
SAFE = {"GET", "HEAD", "OPTIONS"}
NO_ANSWER = "The store does not answer."


@blueprint.get("/healthz")
@public
def healthz() -> Response:
    return jsonify(status="ok")


@blueprint.get("/readyz")
@public
def readyz() -> tuple[Response, int]:
    try:
        problem = schema_problem()
    except (DBAPIError, PoolExhausted):
        db.session.rollback()
        problem = NO_ANSWER
    return (jsonify(status="unavailable", reason=problem), 503) if problem else (jsonify(status="ready"), 200)


@blueprint.get("/readyz/flags")
@public
def flags_readyz() -> tuple[Response, int]:
    """Ready while flags can be evaluated, also from the last known set."""
    state = live.state()
    return jsonify(asdict(state)), 503 if state.status == "failed" else 200


@blueprint.get("/metrics")
@requires("viewer", key="read", loopback=True)
def metrics() -> Response:
    text, content_type = exposition()
    return Response(text, content_type=content_type)


@blueprint.before_app_request
def refuse_writes_on_another_schema() -> None:
    """Evaluating flags is a POST but writes nothing, and goes on from the last known set."""
    if request.method in SAFE or request.blueprint == "ofrep" or request.endpoint is None:
        return
    fitting = current_app.extensions.get("pilothouse_schema_fits_until", 0.0)
    if time.monotonic() < fitting:
        return
    if problem := schema_problem():
        raise Unavailable(f"Nothing was changed. {problem}", 30)
    current_app.extensions["pilothouse_schema_fits_until"] = time.monotonic() + CHECK_AGAIN_S


@blueprint.after_app_request
def count(response: Response) -> Response:
    if request.endpoint != "static":
        observe(request.endpoint or "none", response.status_code, time.monotonic() - g.get("began_s", time.monotonic()))
    return response
