"""Page or fragment; answers to writes; exceptions → page, fragment, notice or JSON."""

import logging
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from flask import Flask, Response, g, jsonify, make_response, redirect, render_template, request
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from werkzeug.exceptions import HTTPException

from dashboard.errors import Conflict, Invalid, NotFound, PilothouseError, Unavailable
from dashboard.store import db

log = logging.getLogger(__name__)

SENTENCES = {
    400: "The request could not be understood. Reload the page and try again.",
    401: "Sign in first.",
    403: "Your account may not do this.",
    404: "There is nothing at this address.",
    405: "This address cannot be asked in this way.",
    413: "That is more than this page takes.",
    415: "This address takes another kind of content.",
    429: "Too many attempts. Wait a moment and try again.",
    500: "Something went wrong on our side. It was logged under the request id below.",
    503: "The dashboard's own database does not answer. The page tries again when you reload it.",
}
MOST_KEPT = 2_048
READ_ONLY = "The store accepts no writes at the moment; nothing was changed. Try again later."


def init_app(app: Flask) -> None:
    app.json.sort_keys = False  # type: ignore[attr-defined] # the order of keys is part of a flag's value
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["kept"] = kept
    app.context_processor(_layout)
    app.before_request(_refuse_nul)
    app.after_request(_vary)
    app.register_error_handler(PilothouseError, _expected)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(ParseException, _unreadable)
    app.register_error_handler(DBAPIError, _database)
    app.register_error_handler(PoolExhausted, _database)
    app.register_error_handler(Exception, _unexpected)


def is_partial() -> bool:
    """htmx asks for a part of a page; Back, boosted links and plain browsers get the whole one."""
    return request.headers.get("HX-Request-Type") == "partial"


def wants_json() -> bool:
    """A list asked as JSON or CSV, a machine's key, or a path that only machines use."""
    if request.args.get("format") in {"json", "csv"} or request.headers.get("Authorization"):
        return True
    return request.path.startswith(("/ofrep/", "/flags/v1/", "/healthz", "/readyz", "/metrics")) or (
        request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"
    )


def page(template: str, *, status: int = 200, **context: Any) -> Response:
    """Render a page; as a fragment when htmx asked for a part (the template extends the variable `layout`)."""
    return make_response(render_template(template, **context), status)


def written(template: str, location: str, **context: Any) -> Response:
    """Answer to a write: the changed part for htmx, a redirect (303) to where it shows otherwise."""
    if is_partial():
        return make_response(render_template(template, **context))
    return make_response(redirect(location, 303))


def moved(location: str) -> Response:
    """After a write that leaves the page: a redirect that htmx follows as a navigation too."""
    if is_partial():
        return Response(status=204, headers={"HX-Redirect": location})
    return make_response(redirect(location, 303))


def kept(macro: Callable[..., str]) -> Callable[..., str]:
    """A macro whose markup depends on nothing but its arguments, remembered for the newest of them.

    Arguments of another type are others (1 and 1.0, a text and markup), so nothing is shown as safe that was not.
    """
    return lru_cache(maxsize=MOST_KEPT, typed=True)(macro)


def request_id() -> str:
    return str(g.get("request_id", "-"))


def _refuse_nul() -> None:
    """PostgreSQL keeps no NUL in a text, so nothing of ours has one in its address."""
    if any("\x00" in str(value) for value in (request.view_args or {}).values()):
        raise NotFound(SENTENCES[404])


def _layout() -> dict[str, Any]:
    return {"layout": "fragment.html" if is_partial() else "page.html"}


def _vary(response: Response) -> Response:
    response.vary.add("HX-Request-Type")
    return response


def _expected(error: PilothouseError) -> Response:
    response = _answer(error.status, error.sentence, error)
    if retry_after_s := getattr(error, "retry_after_s", None):
        response.headers["Retry-After"] = str(retry_after_s)
    return response


def _http(error: HTTPException) -> Response:
    if error.response is not None and error.code is None:
        return make_response(error.response)
    status = error.code or 500
    if status < 400:
        return make_response(error.get_response())
    answer = _answer(status, SENTENCES.get(status, SENTENCES[400]), None)
    if allowed := getattr(error, "valid_methods", None):
        answer.headers["Allow"] = ", ".join(sorted(allowed))
    return answer


def _unreadable(_error: ParseException) -> Response:
    """gunicorn met chunks of no size or without an end while somebody read the body."""
    return _answer(400, SENTENCES[400], None)


def _database(error: DBAPIError | PoolExhausted) -> Response:
    """The store failed: lost or busy is 503, a read-only or full store says so, the rest is our fault."""
    log.warning("the store failed: %s", type(getattr(error, "orig", None) or error).__name__, exc_info=error)
    cause = getattr(error, "orig", None)
    if isinstance(cause, pg.ReadOnlySqlTransaction | pg.DiskFull):
        return _expected(Unavailable(READ_ONLY, 30))
    if isinstance(error, OperationalError | InterfaceError | PoolExhausted):
        return _expected(Unavailable(SENTENCES[503]))
    return _answer(500, SENTENCES[500], None)


def _unexpected(error: Exception) -> Response:
    log.error("unexpected error", exc_info=error)
    return _answer(500, SENTENCES[500], None)


def _answer(status: int, sentence: str, error: PilothouseError | None) -> Response:
    _forget_transaction()
    fields = error.fields if isinstance(error, Invalid) else {}
    difference = error.difference if isinstance(error, Conflict) else {}
    if wants_json():
        body: dict[str, Any] = {"error": {"status": status, "message": sentence, "request_id": request_id()}}
        if fields:
            body["error"]["fields"] = fields
        return make_response(jsonify(body), status)
    context = {"status": status, "sentence": sentence, "fields": fields, "difference": difference}
    if is_partial():
        response = make_response(render_template("_notice.html", **context), status)
        response.headers["HX-Retarget"] = "#notices"
        response.headers["HX-Reswap"] = "innerHTML"
        return response
    return make_response(render_template("error.html", **context), status)


def _forget_transaction() -> None:
    """Whatever failed, nothing half-written stays in the session."""
    db.session.rollback()
