"""OFREP, the OpenFeature remote evaluation protocol 0.3, and the flags of an environment as a flagd document."""

import json
import time
from typing import Any

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import RequestEntityTooLarge

from dashboard import web
from dashboard.errors import Denied, PilothouseError, Unavailable
from dashboard.flags import live, usage
from dashboard.flags.flagset import FlagSet, digest, etag_matches
from dashboard.flags.streams import stream_token
from dashboard.ofrep.kept import Kept, KeptAnswers
from dashboard.ofrep.rules import LARGEST_BODY, BadContext, context_of
from dashboard.security.guards import requires_key
from dashboard.security.principals import principal

blueprint = Blueprint("ofrep", __name__)
kept = KeptAnswers()
INACTIVITY_S = 120
DRAINED = 16_000_000
PREFLIGHT_S = "600"
ALLOWED_HEADERS = "authorization, x-api-key, content-type, if-none-match"


@blueprint.post("/ofrep/v1/evaluate/flags/<path:key>")
@requires_key("flags", browser=True)
def evaluate_flag(key: str) -> Response:
    flags = _asked_set()
    try:
        sent = context_of(_body())
    except BadContext as bad:
        return _failure(400, bad.code, bad.sentence, key)
    flag = flags.flags.get(key)
    if flag is None:
        usage.of(current_app).unknown(_asker(), key)
        return _failure(404, "FLAG_NOT_FOUND", f"There is no flag {key} in {flags.environment}.", key)
    resolution = flag.resolve(flags.context(sent, int(time.time())))
    usage.of(current_app).single(_asker(), resolution.text)
    return _answer(resolution.text, 400 if resolution.error_code else 200)


@blueprint.post("/ofrep/v1/evaluate/flags")
@requires_key("flags", browser=True)
def evaluate_flags() -> Response:
    flags = _asked_set()
    try:
        sent = context_of(_body())
    except BadContext as bad:
        return _failure(400, bad.code, bad.sentence)
    closing = _closing(flags)
    etag = flags.etag(sent, closing)
    if etag and etag_matches(request.headers.get("If-None-Match", ""), etag):
        return _unchanged(etag)
    found = (kept.find(etag) if etag else None) or _evaluated(flags, sent, closing)
    if etag is None:
        etag = digest(found.body.decode())
        if etag_matches(request.headers.get("If-None-Match", ""), etag):
            return _unchanged(etag)
    else:
        kept.keep(etag, found)
    usage.of(current_app).bulk(_asker(), found.answers)
    response = _answer(found.body, 200)
    response.set_etag(etag)
    return response


def _evaluated(flags: FlagSet, sent: dict[str, Any], closing: str) -> Kept:
    answers = flags.answers(flags.context(sent, int(time.time())))
    return Kept(f'{{"flags":[{",".join(answers)}]{closing}}}'.encode(), answers)


@blueprint.get("/flags/v1/<environment>/flags.json")
@requires_key("flags")
def document(environment: str) -> Response:
    flags = _asked_set()
    if flags.environment != environment:
        raise Denied("This API key belongs to another environment.")
    usage.of(current_app).downloaded(_asker())
    response = _answer(flags.document, 200)
    response.set_etag(flags.document_etag)
    response.make_conditional(request)
    return response


@blueprint.errorhandler(PilothouseError)
def refused(error: PilothouseError) -> Response:
    """In OFREP's words; 401 and 403 have no schema there, clients stop at the status."""
    response = _failure(error.status, "GENERAL", error.sentence, (request.view_args or {}).get("key"))
    if isinstance(error, Unavailable):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


@blueprint.errorhandler(RequestEntityTooLarge)
def too_large(_error: RequestEntityTooLarge) -> Response:
    """The rest is read and dropped: a connection closed in the middle of a body loses the answer too."""
    left = min(request.content_length or 0, DRAINED)
    while left > 0 and (piece := request.environ["wsgi.input"].read(min(left, 65_536))):
        left -= len(piece)
    return _failure(413, "GENERAL", f"A context has at most {LARGEST_BODY:,} bytes.")


@blueprint.after_request
def share(response: Response) -> Response:
    """CORS: a preflight carries no key, so it learns the methods; answers only show to the origins of a browser key."""
    origin = request.headers.get("Origin")
    asked_by = principal()
    if request.method == "OPTIONS" and origin:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Methods"] = "POST"
        response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
        response.headers["Access-Control-Max-Age"] = PREFLIGHT_S
    elif origin and asked_by and asked_by.browser and origin in asked_by.origins:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = "ETag, Retry-After"
    response.vary.update(("Authorization", "X-API-Key", "Origin"))
    return response


def _asked_set() -> FlagSet:
    asked_by = principal()
    if asked_by is None or asked_by.environment_id is None:
        raise Denied(web.SENTENCES[403])
    return live.flags_of(asked_by.environment_id)


def _asker() -> usage.Asker:
    asked_by = principal()
    return (asked_by.environment_id or 0, asked_by.id) if asked_by else (0, 0)


def _body() -> bytes:
    request.max_content_length = LARGEST_BODY
    return request.get_data(cache=False)


def _closing(flags: FlagSet) -> str:
    """What follows the flags of a bulk answer: the set's metadata, and where changes are announced."""
    metadata = f',"metadata":{json.dumps(flags.metadata)}' if flags.metadata else ""
    asked_by = principal()
    address = current_app.extensions["pilothouse_settings"].events_url
    if not address or asked_by is None or asked_by.environment_id is None:
        return metadata
    token = stream_token(str(current_app.config["SECRET_KEY"]), asked_by.environment_id, time.time())
    stream = {"type": "sse", "url": f"{address.rstrip('/')}/events/{token}", "inactivityDelaySec": INACTIVITY_S}
    return f'{metadata},"eventStreams":[{json.dumps(stream)}]'


def _answer(body: str | bytes, status: int) -> Response:
    response = Response(body, status, mimetype="application/json")
    response.headers["Cache-Control"] = "private, no-cache"
    state = live.state()
    if state.status != "fresh":
        response.headers["Pilothouse-Flags"] = f"{state.status}; age={int(state.age_s or 0)}"
    return response


def _unchanged(etag: str) -> Response:
    response = _answer("", 304)
    response.set_etag(etag)
    return response


def _failure(status: int, code: str, details: str, key: str | None = None) -> Response:
    named = {"key": key} if key is not None else {}
    return _answer(json.dumps(named | {"errorCode": code, "errorDetails": details}), status)
