"""HTTP of feature flags: the matrix, a flag, and what may be done to it."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask.blueprints import BlueprintSetupState

from dashboard import web
from dashboard.errors import Invalid
from dashboard.flags import (
    conflicts,
    edits,
    everywhere,
    forms,
    holding,
    list_filters,
    live,
    matrix,
    past,
    rules,
    shared,
    shared_edits,
    usage_queries,
)  # fmt: skip
from dashboard.flags.asking import asking
from dashboard.flags.bucketing_routes import blueprint as bucketing_blueprint
from dashboard.flags.conditions import OPERATORS
from dashboard.flags.configuration_routes import blueprint as configuration_blueprint
from dashboard.flags.confirming import confirmed_everywhere
from dashboard.flags.import_routes import blueprint as imports_blueprint
from dashboard.flags.ledger import definition_of, shared_of
from dashboard.flags.models import KINDS, TYPES, Flag
from dashboard.flags.past_routes import blueprint as past_blueprint
from dashboard.flags.playground import blueprint as playground
from dashboard.flags.promote_routes import blueprint as promote_blueprint
from dashboard.flags.queries import flag_by_key, row_of
from dashboard.flags.rule_forms import Allowed
from dashboard.flags.saving import Stale
from dashboard.flags.schedule_routes import blueprint as schedules_blueprint
from dashboard.flags.segment_routes import blueprint as segments_blueprint
from dashboard.flags.setting_routes import blueprint as setting
from dashboard.flags.standing import dependants_of
from dashboard.lists import ListSpec, parse_list, respond
from dashboard.security.access import check_role
from dashboard.security.guards import requires
from dashboard.store import db
from dashboard.targets.queries import all_environments, environment_by_slug

blueprint = Blueprint("flags", __name__)
blueprint.register_blueprint(setting)
blueprint.register_blueprint(segments_blueprint)
blueprint.register_blueprint(schedules_blueprint)
blueprint.register_blueprint(bucketing_blueprint)
blueprint.register_blueprint(playground)
blueprint.register_blueprint(past_blueprint)
blueprint.register_blueprint(promote_blueprint)
blueprint.register_blueprint(imports_blueprint)
blueprint.register_blueprint(configuration_blueprint)
SHOWN_VERSIONS = 20
FLAGS_SHOWN = 25
SPEC = ListSpec(
    sorts=list_filters.SORTS,
    default_sort="key",
    default_dir="asc",
    filters={
        "state": list_filters.STATES,
        "environment": None,
        "kind": KINDS,
        "type": TYPES,
        "owner": None,
        "tag": None,
        "stale": list_filters.STALE,
        "archived": ("0", "1"),
    },
    page_size=FLAGS_SHOWN,
)


@blueprint.record_once
def _start(state: BlueprintSetupState) -> None:
    live.init_app(state.app)


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    return {"new_operation": lambda: secrets.token_urlsafe(16), "FLAG_KINDS": KINDS, "FLAG_TYPES": TYPES}


@blueprint.get("/flags")
@requires("viewer", key="read")
def index() -> Response:
    places = all_environments()
    now = datetime.now(UTC)
    found = matrix.matrix(parse_list(SPEC), places, now)
    owners, tags = matrix.owners_and_tags(found.as_of, now)
    changed = request.args.get("changed", "")
    return respond(
        "flags/list.html", found, environments=places, owners=owners, tags=tags, changed=changed,
        section="flags",
    )  # fmt: skip


@blueprint.get("/flags/new")
@requires("operator")
def new() -> Response:
    type_ = request.args.get("type", "boolean")
    form = forms.blank(type_ if type_ in TYPES else "boolean")
    return _new_page(form, {"type": type_ if type_ in TYPES else "boolean"}, {})


@blueprint.post("/flags")
@requires("operator")
@asking
def create() -> Response:
    fields = request.form.to_dict(flat=False)
    form, typed = forms.sent(fields), request.form.to_dict()
    if action := request.form.get("action"):
        return _acted(form, typed, action)
    try:
        flag = _created(form, typed, request.form.getlist("environments"))
    except Invalid as refused:
        db.session.rollback()
        if web.wants_json():
            raise
        return _new_page(form, typed, refused.fields, 422)
    db.session.commit()
    return web.moved(url_for("flags.show", key=flag.key))


@blueprint.get("/flags/<key>")
@requires("viewer", key="read")
def show(key: str) -> Response:
    flag = flag_by_key(key)
    return web.page("flags/show.html", **_page_of(flag))


@blueprint.post("/flags/<key>/shared")
@requires("operator")
def edit_shared(key: str) -> Response:
    flag, typed = flag_by_key(key), request.form.to_dict()
    version = forms.version_of(request.form.to_dict(flat=False))
    try:
        wanted = shared.sent(typed, shared_of(flag))
        saved = shared_edits.edit_shared(flag, wanted, version=version, operation_id=typed.get("operation_id"))
    except Stale as stale:
        return conflicts.answer(stale, None, flag_by_key(key).version)
    except Invalid as refused:
        db.session.rollback()
        if web.wants_json():
            raise
        shown = _page_of(flag_by_key(key)) | {"errors": refused.fields, "typed": typed}
        return web.page("flags/show.html", status=422, **shown)
    db.session.commit()
    return web.moved(url_for("flags.show", key=key, merged=past.merged(past.SHARED, version, saved.version)))


@blueprint.post("/flags/<key>/archive")
@requires("operator")
@asking
def archive(key: str) -> Response:
    return _changed_everywhere(key, edits.archive)


@blueprint.post("/flags/<key>/restore")
@requires("operator")
@asking
def restore(key: str) -> Response:
    return _changed_everywhere(key, edits.restore)


def _changed_everywhere(key: str, change: Callable[..., Flag]) -> Response:
    """Archived or restored, once somebody said why. Raises Invalid, NeedsApproval."""
    flag = flag_by_key(key)
    for place in everywhere.places_of(flag):
        check_role("operator", place.slug)
    reason = confirmed_everywhere(key, everywhere.waits_in(flag))
    version, operation_id = forms.version_of(request.form.to_dict(flat=False)), request.form.get("operation_id")
    try:
        change(flag, version=version, operation_id=operation_id, reason=reason)
    except Stale as stale:
        return conflicts.answer(stale, None, flag_by_key(key).version)
    db.session.commit()
    return web.moved(url_for("flags.show", key=key))


def _acted(form: forms.DefinitionForm, typed: dict[str, str], action: str) -> Response:
    try:
        form = forms.acted(form, action, Allowed((), seed=typed.get("key", "")))
    except Invalid as refused:
        return _new_page(form, typed, refused.fields, 422)
    return _new_page(form, typed, {})


def _created(form: forms.DefinitionForm, typed: dict[str, str], slugs: list[str]) -> Flag:
    """The flag, off in every environment that was ticked. Raises NeedsApproval for those where it has to wait."""
    type_ = typed.get("type", "")
    problem = rules.key_problem(typed.get("key", ""))
    _refuse({"key": problem} if problem else {})
    _refuse({} if type_ in TYPES else {"type": "Choose a type."})
    sent = forms.definition_of(form, type_, Allowed((), seed=typed["key"]))
    definition = rules.switched(sent, enabled=False)
    for slug in slugs:
        check_role("operator", slug)
    places, operation_id = [environment_by_slug(slug) for slug in slugs], typed.get("operation_id")
    flag = edits.create_flag(typed["key"], type_, shared.sent(typed), operation_id=operation_id, places=places)
    holding.each(partial(edits.set_in_environment, flag, place, definition, version=0) for place in places)
    return flag


def _page_of(flag: Flag) -> dict[str, Any]:
    row = row_of(flag)
    return {
        "flag": flag,
        "row": row,
        "listed": matrix.row_of(flag.id),
        "versions_now": {cell.environment.id: cell.version for cell in row.cells},
        "history": past.newest_of(flag, SHOWN_VERSIONS),
        "dependants": dependants_of(flag.key),
        "waits_in": everywhere.waits_in(flag),
        "meanwhile": past.told(flag, request.args.get("merged", "")),
        "lives": shared.choices(flag.expected_life_d),
        "schema_text": shared.schema_text(flag.json_schema),
        "definition_of": definition_of,
        "use": usage_queries.use_of(flag.key, [place.id for place in all_environments()], datetime.now(UTC)),
        "section": "flags",
        "errors": {},
        "typed": {},
    }


def _new_page(form: forms.DefinitionForm, typed: dict[str, str], errors: dict[str, str], status: int = 200) -> Response:
    places = all_environments()
    ticked = request.form.getlist("environments") if request.form else [place.slug for place in places]
    context = {"form_shown": form, "typed": typed, "errors": errors, "environments": places, "ticked": ticked}
    context |= {"lives": shared.choices(None)}
    context |= {"allowed": Allowed((), seed=typed.get("key", "")), "OPERATORS": OPERATORS}
    return web.page("flags/new.html", status=status, section="flags", **context)


def _refuse(problems: dict[str, str]) -> None:
    if problems:
        raise Invalid(problems)
