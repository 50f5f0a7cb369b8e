"""OFREP, the OpenFeature remote evaluation protocol 0.3, and the flags of an environment as a flagd document.

Evaluations that are in order are answered before Flask, by the short way; these views answer the same, and the rest.
"""

import contextlib
import logging
from functools import partial
from typing import IO

from flask import Blueprint, Response, current_app, request
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from dashboard.errors import Denied, PilothouseError, Unavailable
from dashboard.flags.flagset import FlagSet
from dashboard.ofrep import answers
from dashboard.ofrep.answers import NO_ENVIRONMENT, Answer
from dashboard.ofrep.rules import LARGEST_BODY
from dashboard.ofrep.sharing import PREFLIGHT, VARY_BY, shared_with
from dashboard.security.guards import requires_key
from dashboard.security.principals import Principal, principal
from dashboard.web import SENTENCES

log = logging.getLogger(__name__)
blueprint = Blueprint("ofrep", __name__)
DRAINED = 16_000_000


@blueprint.post("/ofrep/v1/evaluate/flags/<path:key>")
@requires_key("flags", browser=True)
def evaluate_flag(key: str) -> Response:
    asked_by, flags = _asked()
    return _response(answers.of(current_app).one(asked_by, flags, key, _body()))


@blueprint.post("/ofrep/v1/evaluate/flags")
@requires_key("flags", browser=True)
def evaluate_flags() -> Response:
    asked_by, flags = _asked()
    if_none_match = request.headers.get("If-None-Match", "")
    return _response(answers.of(current_app).every(asked_by, flags, _body(), if_none_match))


@blueprint.get("/flags/v1/<environment>/flags.json")
@requires_key("flags")
def document(environment: str) -> Response:
    asked_by, flags = _asked()
    if flags.environment != environment:
        raise Denied("This API key belongs to another environment.")
    response = _response(answers.of(current_app).document(asked_by, flags))
    response.make_conditional(request)
    return response


@blueprint.errorhandler(PilothouseError)
def refused(error: PilothouseError) -> Response:
    """In OFREP's words; 401 and 403 have no schema there, clients stop at the status."""
    response = _failure(error.status, error.sentence, (request.view_args or {}).get("key"))
    if isinstance(error, Unavailable):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


@blueprint.errorhandler(RequestEntityTooLarge)
def too_large(_error: RequestEntityTooLarge) -> Response:
    """Answered before the body is read and dropped: a connection closed in its middle loses the answer too."""
    response = _failure(413, f"A request has at most {LARGEST_BODY:,} bytes.", (request.view_args or {}).get("key"))
    response.call_on_close(partial(_drop, request.environ["wsgi.input"], request.content_length))
    return response


@blueprint.errorhandler(DBAPIError)
@blueprint.errorhandler(PoolExhausted)
def unreachable(error: DBAPIError | PoolExhausted) -> Response:
    """The store was asked for a key that this process does not know."""
    log.warning("the store failed: %s", type(error).__name__)
    return refused(Unavailable(SENTENCES[503]))


@blueprint.errorhandler(Exception)
def failed(error: Exception) -> Response:
    """OFREP has words for these as well."""
    status = (error.code or 500) if isinstance(error, HTTPException) else 500
    if status >= 500:
        log.error("an evaluation failed", exc_info=error)
    return _failure(status, SENTENCES.get(status, SENTENCES[400]), (request.view_args or {}).get("key"))


@blueprint.after_request
def share(response: Response) -> Response:
    """A preflight carries no key, so it learns the methods whoever asks."""
    origin = request.headers.get("Origin")
    if request.method == "OPTIONS" and origin:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers.update(PREFLIGHT)
    else:
        response.headers.update(shared_with(origin, principal()))
    response.vary.update(VARY_BY)
    return response


def _asked() -> tuple[Principal, FlagSet]:
    """Who asks, and for which flags."""
    asked_by = principal()
    if asked_by is None:
        raise Denied(NO_ENVIRONMENT)
    return asked_by, answers.of(current_app).flags_of(asked_by)


def _body() -> bytes:
    """Empty, so no JSON either, where gunicorn cannot read it: chunks without an end or of no size.

    Of a body whose size was not told werkzeug gives as much as it may have.
    """
    request.max_content_length = LARGEST_BODY + 1
    try:
        body = request.get_data(cache=False)
    except (OSError, ParseException):
        return b""
    if len(body) > LARGEST_BODY:
        raise RequestEntityTooLarge
    return body


def _drop(body: IO[bytes], size: int | None) -> None:
    left = DRAINED if size is None else min(size, DRAINED)
    with contextlib.suppress(OSError, ParseException):
        while left > 0 and (piece := body.read(min(left, 65_536))):
            left -= len(piece)


def _failure(status: int, sentence: str, key: str | None = None) -> Response:
    return _response(answers.of(current_app).failure(status, "GENERAL", sentence, key))


def _response(answer: Answer) -> Response:
    response = Response(answer.body, answer.status, mimetype="application/json")
    response.headers.update(answer.headers)
    return response
