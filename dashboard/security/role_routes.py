"""HTTP of roles per environment: a matrix of people and environments."""

from flask import Blueprint, Response, request, url_for

from dashboard import web
from dashboard.lists import ListSpec, parse_list, respond
from dashboard.security import role_edits, role_queries
from dashboard.security.guards import requires
from dashboard.security.models import ROLES
from dashboard.security.rules import number
from dashboard.store import db
from dashboard.targets.queries import all_environments

blueprint = Blueprint("roles", __name__)
SPEC = ListSpec(sorts=("email", "name", "role"), default_sort="email", default_dir="asc", filters={"environment": None})
FIELD = "role."


@blueprint.get("/settings/people/roles")
@requires("admin")
def roles() -> Response:
    found = role_queries.people_roles(parse_list(SPEC))
    return respond("security/roles.html", found, environments=all_environments(), roles=ROLES, section="people")


@blueprint.post("/settings/people/<int:account_id>/roles")
@requires("admin")
def grant(account_id: int) -> Response:
    wanted = {name.removeprefix(FIELD): role for name, role in request.form.items() if name.startswith(FIELD)}
    role_edits.grant(account_id, wanted, number("version", request.form.get("version", "")))
    db.session.commit()
    person = role_queries.person_roles(account_id)
    return web.written(
        "security/_roles.html", url_for("security.roles.roles"), person=person, environments=all_environments(),
        roles=ROLES, done=True,
    )  # fmt: skip
