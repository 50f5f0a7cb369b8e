"""HTTP of the people who may sign in."""

from flask import Blueprint, Response, request, url_for

from dashboard import web
from dashboard.errors import Invalid
from dashboard.lists import ListSpec, parse_list, respond
from dashboard.security import edits, queries
from dashboard.security.guards import requires
from dashboard.security.models import ROLES
from dashboard.security.rules import number
from dashboard.store import db

blueprint = Blueprint("people", __name__)
PEOPLE = ListSpec(
    sorts=("email", "name", "role", "active", "sessions", "signed_in_at", "created_at"),
    default_sort="email",
    default_dir="asc",
    filters={"role": ROLES},
)


@blueprint.get("/settings/people")
@requires("admin")
def people() -> Response:
    return _people()


@blueprint.post("/settings/people")
@requires("admin")
def add() -> Response:
    form = request.form
    try:
        edits.create_account(
            email=form.get("email", ""),
            name=form.get("name", ""),
            role=form.get("role", ""),
            password=form.get("password", ""),
        )
    except Invalid as refused:
        if web.wants_json():
            raise
        response = _people(errors=refused.fields)
        response.status_code = 422
        return response
    db.session.commit()
    return web.moved(url_for("security.people.people"))


@blueprint.post("/settings/people/<int:account_id>/role")
@requires("admin")
def change_role(account_id: int) -> Response:
    edits.change_role(account_id, request.form.get("role", ""), _version())
    db.session.commit()
    return _person(account_id)


@blueprint.post("/settings/people/<int:account_id>/disable")
@requires("admin")
def disable(account_id: int) -> Response:
    edits.set_active(account_id, False, _version())
    db.session.commit()
    return _person(account_id)


@blueprint.post("/settings/people/<int:account_id>/enable")
@requires("admin")
def enable(account_id: int) -> Response:
    edits.set_active(account_id, True, _version())
    db.session.commit()
    return _person(account_id)


@blueprint.post("/settings/people/<int:account_id>/reset-password")
@requires("admin")
def reset_password(account_id: int) -> Response:
    """The new password is on this answer and nowhere else."""
    password = edits.reset_password(account_id, _version())
    db.session.commit()
    person = queries.person(account_id)
    return web.page("security/new_password.html", person=person, password=password, section="people")


def _people(errors: dict[str, str] | None = None) -> Response:
    found = queries.people(parse_list(PEOPLE))
    return respond(
        "security/people.html", found, roles=ROLES, errors=errors or {}, values=request.form, section="people"
    )


def _person(account_id: int) -> Response:
    person = queries.person(account_id)
    return web.written("security/_person.html", url_for("security.people.people"), person=person, roles=ROLES)


def _version() -> int:
    return number("version", request.form.get("version", ""))
