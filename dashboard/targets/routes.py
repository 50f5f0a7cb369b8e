"""/settings/targets: what is watched, what its role may see, and what watching costs."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, request, url_for

from dashboard import web
from dashboard.errors import Invalid
from dashboard.lists import ListSpec, choices, parse_list, respond
from dashboard.security.guards import requires
from dashboard.security.throttle import TooMany
from dashboard.store import db
from dashboard.targets import edits, queries
from dashboard.targets.collect import check
from dashboard.targets.connect import TargetRefused, TargetUnreachable, socket_dir
from dashboard.targets.environment_routes import blueprint as environments
from dashboard.targets.forms import PURPOSES, SSLMODES, version_of
from dashboard.targets.limiter import PerMinute
from dashboard.targets.models import Target

blueprint = Blueprint("targets", __name__)
blueprint.register_blueprint(environments)
SPEC = ListSpec(
    sorts=tuple(queries.SORTS), default_sort="environment", default_dir="asc", filters={"environment": None}
)
ONLY_ON_THE_MACHINE = {"sslrootcert"}
HOUR = timedelta(hours=1)
CHECKS = PerMinute(10)


@blueprint.get("/settings/targets")
@requires("viewer", key="read")
def target_list() -> Response:
    found = queries.target_page(parse_list(SPEC))
    names = choices(environment.slug for environment in queries.all_environments())
    return respond("targets/list.html", found, environments=names, section="targets")


@blueprint.get("/settings/targets/new")
@requires("admin")
def new() -> Response:
    return _form({})


@blueprint.post("/settings/targets")
@requires("admin")
def add() -> Response:
    try:
        target = edits.add_target(_sent(), origin="page")
    except Invalid as refused:
        if web.wants_json():
            raise
        return _form(refused.fields)
    slug = target.slug
    db.session.commit()
    return web.moved(url_for("targets.show", slug=slug))


@blueprint.get("/settings/targets/<slug>")
@requires("viewer", key="read")
def show(slug: str) -> Response:
    return web.page("targets/show.html", **_shown(queries.target_by_slug(slug)))


@blueprint.get("/settings/targets/<slug>/edit")
@requires("admin")
def edit(slug: str) -> Response:
    return _form({}, queries.target_by_slug(slug))


@blueprint.post("/settings/targets/<slug>")
@requires("admin")
def change(slug: str) -> Response:
    target = queries.target_by_slug(slug)
    try:
        edits.change_target(target, _sent(), version=version_of(request.form))
    except Invalid as refused:
        if web.wants_json():
            raise
        db.session.rollback()
        return _form(refused.fields, queries.target_by_slug(slug))
    db.session.commit()
    return web.moved(url_for("targets.show", slug=slug))


@blueprint.post("/settings/targets/<slug>/remove")
@requires("admin")
def remove(slug: str) -> Response:
    edits.remove_target(queries.target_by_slug(slug), version=version_of(request.form))
    db.session.commit()
    return web.moved(url_for("targets.target_list"))


@blueprint.post("/settings/targets/<slug>/check")
@requires("admin")
def check_now(slug: str) -> Response:
    """Connect and look afresh at what the role may see."""
    target = queries.target_by_slug(slug)
    if wait_s := CHECKS.wait_s():
        raise TooMany(wait_s)
    failure = None
    try:
        check(target, datetime.now(UTC))
        db.session.commit()
    except (TargetUnreachable, TargetRefused) as refused:
        db.session.rollback()
        failure = refused.sentence
    location = url_for("targets.show", slug=slug)
    if failure is not None and not web.is_partial():
        return web.page("targets/show.html", **_shown(queries.target_by_slug(slug)), failure=failure)
    return web.written("targets/_card.html", location, target=queries.target_by_slug(slug), failure=failure)


def _sent() -> dict[str, str]:
    """Files of the machine are named by commands and the TOML file only."""
    return {name: value for name, value in request.form.items() if name not in ONLY_ON_THE_MACHINE}


def _shown(target: Target) -> dict[str, Any]:
    return {
        "target": target,
        "section": "targets",
        "cost": queries.cost(target.id, datetime.now(UTC) - HOUR),
        "probes": queries.probe_states(target.id),
    }


def _form(errors: dict[str, str], target: Target | None = None) -> Response:
    """The form as it was sent; else as the target is; else empty. Passwords are never put into it."""
    values = _sent() if request.method == "POST" else _values(target)
    return web.page(
        "targets/form.html",
        status=422 if errors else 200,
        target=target,
        section="targets",
        values=values,
        errors=errors,
        environments=[(environment.slug, environment.name) for environment in queries.all_environments()],
        sslmodes=SSLMODES,
        purposes=PURPOSES,
        socket_dir=socket_dir(),
    )


def _values(target: Target | None) -> dict[str, Any]:
    if target is None:
        return {}
    values = {name: value for name, value in edits.told(target).items() if name != "roles"}
    values |= {"version": target.version}
    for login in target.logins:
        values["user" if login.purpose == "watch" else f"{login.purpose}_user"] = login.username
    return values
