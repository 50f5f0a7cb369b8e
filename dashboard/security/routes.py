"""HTTP of sign-in, one's own account and sessions, and the audit log."""

import logging
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, redirect, request, url_for

from dashboard import web
from dashboard.errors import Invalid, PilothouseError
from dashboard.lists import ListSpec, parse_list, respond
from dashboard.security import edits, queries
from dashboard.security.audit import record as audit
from dashboard.security.guards import public, requires
from dashboard.security.keys_routes import blueprint as keys
from dashboard.security.people_routes import blueprint as people
from dashboard.security.principals import Principal, principal
from dashboard.security.role_routes import blueprint as roles
from dashboard.security.rules import same_site_path
from dashboard.security.sessions import end, this_session
from dashboard.security.throttle import TooMany
from dashboard.store import db

log = logging.getLogger(__name__)
blueprint = Blueprint("security", __name__)
blueprint.register_blueprint(people)
blueprint.register_blueprint(keys)
blueprint.register_blueprint(roles)

SESSIONS = ListSpec(sorts=("seen_at", "created_at", "address", "user_agent"), default_sort="seen_at")
AUDIT = ListSpec(
    sorts=("seq", "at", "author", "action", "subject"),
    default_sort="seq",
    filters={"author": None, "action": None},
)


@blueprint.get("/login")
@public
def login() -> Response:
    onward = same_site_path(request.args.get("next"))
    if principal():
        return web.moved(onward)
    return web.page("security/login.html", onward=onward, email="", sentence=None, store_failed=this_session().failed)


@blueprint.post("/login")
@public
def sign_in() -> Response:
    email, onward = request.form.get("email", ""), same_site_path(request.form.get("next"))
    try:
        edits.sign_in(email, request.form.get("password", ""), request.remote_addr or "")
    except (edits.WrongSignIn, TooMany) as refused:
        return _refused(refused, email, onward)
    db.session.commit()
    return web.moved(onward)


@blueprint.post("/logout")
@requires("viewer")
def logout() -> Response:
    audit("account.sign_out", _me().email)
    end()
    db.session.commit()
    response = web.moved(url_for("security.login"))
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@blueprint.get("/settings/")
@requires("viewer")
def settings() -> Response:
    return make_response(redirect(url_for("security.account"), 303))


@blueprint.get("/settings/account")
@requires("viewer")
def account() -> Response:
    return web.page("security/account.html", section="sessions", errors={})


@blueprint.post("/settings/account/password")
@requires("viewer")
def change_password() -> Response:
    form = request.form
    try:
        edits.change_password(
            _me().id,
            form.get("current", ""),
            form.get("new", ""),
            form.get("again", ""),
            request.remote_addr or "",
        )
    except Invalid as refused:
        if web.wants_json():
            raise
        return web.page("security/account.html", status=422, section="sessions", errors=refused.fields)
    db.session.commit()
    return web.moved(f"{url_for('security.account')}?{urlencode({'changed': 'password'})}")


@blueprint.get("/settings/sessions")
@requires("viewer")
def sessions() -> Response:
    this = this_session().found
    found = queries.sessions_of(_me().id, parse_list(SESSIONS), this.id if this else 0)
    return respond("security/sessions.html", found, section="sessions")


@blueprint.post("/settings/sessions/<int:session_id>/end")
@requires("viewer")
def end_session(session_id: int) -> Response:
    edits.end_session(_me().id, session_id)
    db.session.commit()
    return web.moved(url_for("security.sessions"))


@blueprint.post("/settings/sessions/end-others")
@requires("viewer")
def end_other_sessions() -> Response:
    this = this_session().found
    edits.end_other_sessions(_me().id, this.id if this else 0)
    db.session.commit()
    return web.moved(url_for("security.sessions"))


@blueprint.get("/audit")
@requires("viewer", key="read")
def audit_log() -> Response:
    found = queries.audit_entries(parse_list(AUDIT))
    return respond(
        "security/audit.html",
        found,
        section="audit",
        authors=queries.audit_words("author"),
        actions=queries.audit_words("action"),
    )


def _refused(refused: PilothouseError, email: str, onward: str) -> Response:
    log.warning("a sign-in was refused with %d, from %s", refused.status, request.remote_addr)
    if web.wants_json():
        raise refused
    response = web.page(
        "security/login.html",
        status=refused.status,
        onward=onward,
        email=email[:254],
        sentence=refused.sentence,
        store_failed=False,
    )
    if isinstance(refused, TooMany):
        response.headers["Retry-After"] = str(refused.retry_after_s)
    return response


def _me() -> Principal:
    asked_by = principal()
    assert asked_by is not None  # noqa: S101 - the guard admits no view of these without one
    return asked_by
