"""The guard: before every view, who asks is compared with the right that stands on the view."""

import logging
import re
from ipaddress import ip_address
from urllib.parse import urlencode

from flask import Flask, Response, current_app, g, jsonify, request, url_for
from werkzeug.middleware.proxy_fix import ProxyFix

from dashboard import web
from dashboard.errors import Denied, NotFound, Unavailable
from dashboard.security import csrf
from dashboard.security.guards import PUBLIC, Right, right_of
from dashboard.security.models import Role
from dashboard.security.principals import Principal, principal
from dashboard.security.sessions import this_session
from dashboard.security.tokens import principal_of_key
from dashboard.settings import Settings

log = logging.getLogger(__name__)
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
HOSTS = "pilothouse_hosts"
LARGEST_BODY = 2 * 1024 * 1024
NEEDS_KEY = "Send an API key that is valid here as “Authorization: Bearer”."
UNKNOWN_HOST = "Pilothouse does not answer to this host name. Add it to PILOTHOUSE_TRUSTED_HOSTS to allow it.\n"


def init_app(app: Flask, settings: Settings) -> None:
    app.extensions[HOSTS] = frozenset({*LOOPBACK_NAMES, *(name.lower() for name in _named(settings))})
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.config["MAX_FORM_MEMORY_SIZE"] = LARGEST_BODY
    if count := settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    app.before_request(_admit)


def _admit() -> Response | None:
    """None lets the view answer; addresses without a view are left to the translator (404, 405)."""
    if not is_trusted(request.host, current_app.extensions[HOSTS]):
        return Response(UNKNOWN_HOST, 400, mimetype="text/plain")
    if "//" in request.environ["PATH_INFO"]:
        raise NotFound(web.SENTENCES[404])
    if request.endpoint is None or _only_asks_for_methods():
        return None
    right = _right(request.endpoint)
    if right.public:
        _admit_anybody()
        return None
    if key := _sent_key(right):
        return _admit_key(key, right)
    if right.loopback and _is_loopback():
        return None
    return _admit_account(right)


def _named(settings: Settings) -> tuple[str, ...]:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return tuple(_without_port(name) for name in (host, *settings.trusted_hosts))


def is_trusted(host: str, hosts: frozenset[str]) -> bool:
    """Werkzeug's TRUSTED_HOSTS cannot hold IPv6 addresses; a name with a dot in front stands for all below it."""
    name = _without_port(host.lower())
    return name in hosts or any(one.startswith(".") and name.endswith(one) for one in hosts)


def _without_port(host: str) -> str:
    return re.sub(r":\d*\Z", "", host)


def _right(endpoint: str) -> Right:
    right = PUBLIC if endpoint == "static" else right_of(current_app.view_functions[endpoint])
    if right is None:
        log.error("the view %s declares no right", endpoint)
        raise Denied(web.SENTENCES[403])
    return right


def _admit_anybody() -> None:
    if request.method in csrf.SAFE:
        return
    session = this_session()
    session.load()
    if session.failed:
        raise Unavailable(web.SENTENCES[503])
    csrf.check()


def _admit_key(key: str, right: Right) -> Response | None:
    asked_by = g.principal = principal_of_key(key)
    if asked_by is None:
        return _unauthorized("This API key is unknown, expired or revoked.")
    if not key_may(asked_by, right, request.method, request.headers.get("Origin")):
        log.warning("key %s was refused at %s", asked_by.id, request.endpoint)
        raise Denied("This API key may not ask this address.")
    return None


def key_may(asked_by: Principal, right: Right, method: str, origin: str | None) -> bool:
    if right.key is None or asked_by.key_kind != right.key:
        return False
    if asked_by.browser:
        return right.browser and origin in asked_by.origins
    return right.role is None or (asked_by.can(right.role) and method in csrf.SAFE)


def _admit_account(right: Right) -> Response | None:
    asked_by = principal()
    if asked_by is None and this_session().failed:
        raise Unavailable(web.SENTENCES[503])
    if right.role is None:
        return _unauthorized(NEEDS_KEY)
    if asked_by is None:
        return _sign_in_first()
    csrf.check()
    check_role(right.role, _place(right))
    return None


def check_role(role: Role, place: str | None) -> None:
    """Raises Denied. Also for views that touch several environments at once."""
    asked_by = principal()
    if asked_by is None:
        raise Denied(web.SENTENCES[403])
    if asked_by.can(role, place):
        return
    log.warning("account %s was refused at %s", asked_by.id, request.endpoint)
    where, there = (f" in {place}", " there") if place in asked_by.grants else ("", "")
    held = asked_by.role_in(place)
    raise Denied(f"This takes the role “{role}”{where}; yours is “{held}”{there}. An admin can change it.")


def _place(right: Right) -> str | None:
    """The environment whose role counts: read where the view reads it."""
    parameters = request.view_args or {}
    if right.within is None or callable(right.within):
        return right.within(parameters) if right.within else None
    return parameters.get(right.within) or request.values.get(right.within)


def _sign_in_first() -> Response:
    if web.wants_json():
        return _unauthorized(web.SENTENCES[401])
    back = request.full_path.rstrip("?") if request.method == "GET" else "/"
    if web.is_partial():
        shown = request.headers.get("HX-Current-URL", "").removeprefix(request.host_url.rstrip("/"))
        location = f"{url_for('security.login')}?{urlencode({'next': shown or back})}"
        return Response(status=401, headers={"HX-Redirect": location})
    location = url_for("security.login") + (f"?{urlencode({'next': back})}" if back != "/" else "")
    return Response(status=303, headers={"Location": location})


def _unauthorized(sentence: str) -> Response:
    response = jsonify(error={"status": 401, "message": sentence, "request_id": web.request_id()})
    response.status_code = 401
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _sent_key(right: Right) -> str | None:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip() or "-"
    return request.headers.get("X-API-Key") if right.key == "flags" else None


def _is_loopback() -> bool:
    """Asked from this machine itself, not through a proxy on it."""
    if "Forwarded" in request.headers or "X-Forwarded-For" in request.headers:
        return False
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


def _only_asks_for_methods() -> bool:
    """Flask's own answer to OPTIONS names the methods and nothing else; a browser's preflight carries no key."""
    return request.method == "OPTIONS" and bool(getattr(request.url_rule, "provide_automatic_options", False))
