"""/settings/environments: names, colours and order of the environments."""

from flask import Blueprint, Response, request, url_for

from dashboard import web
from dashboard.errors import Invalid
from dashboard.lists import ListSpec, parse_list, respond
from dashboard.security.guards import requires
from dashboard.security.role_queries import who_may
from dashboard.store import db
from dashboard.targets import environment_edits, queries
from dashboard.targets.forms import COLORS, version_of

blueprint = Blueprint("environments", __name__)
SPEC = ListSpec(
    sorts=("position", "name", "color", "is_production", "approvals_needed"), default_sort="position", default_dir="asc"
)


@blueprint.get("/settings/environments")
@requires("viewer", key="read")
def environment_list() -> Response:
    return _list({})


@blueprint.post("/settings/environments")
@requires("admin")
def add() -> Response:
    try:
        environment_edits.add_environment(request.form)
    except Invalid as refused:
        if web.wants_json():
            raise
        return _list(refused.fields)
    db.session.commit()
    return web.moved(url_for("targets.environments.environment_list"))


@blueprint.get("/settings/environments/<slug>/edit")
@requires("admin")
def edit(slug: str) -> Response:
    return _form(slug, {})


@blueprint.post("/settings/environments/<slug>")
@requires("admin")
def change(slug: str) -> Response:
    environment = queries.environment_by_slug(slug)
    version = version_of(request.form)
    try:
        environment_edits.change_environment(environment, request.form, version=version)
    except Invalid as refused:
        if web.wants_json():
            raise
        return _form(slug, refused.fields)
    db.session.commit()
    return web.moved(url_for("targets.environments.environment_list"))


@blueprint.post("/settings/environments/<slug>/remove")
@requires("admin")
def remove(slug: str) -> Response:
    environment_edits.remove_environment(queries.environment_by_slug(slug))
    db.session.commit()
    return web.moved(url_for("targets.environments.environment_list"))


def _list(errors: dict[str, str]) -> Response:
    response = respond(
        "targets/environments.html",
        queries.environment_page(parse_list(SPEC)),
        colors=COLORS,
        errors=errors,
        values=request.form,
        section="environments",
    )
    if errors:
        response.status_code = 422
    return response


def _form(slug: str, errors: dict[str, str]) -> Response:
    """As it was sent, else as it is."""
    one, approvers = queries.environment_row(slug), len(who_may("operator", queries.environment_by_slug(slug).id))
    kept = {name: value for name, value in vars(one).items() if value}
    return web.page(
        "targets/environment.html",
        approvers=approvers,
        status=422 if errors else 200,
        one=one,
        values=request.form if request.method == "POST" else kept,
        colors=COLORS,
        errors=errors,
        section="environments",
    )
