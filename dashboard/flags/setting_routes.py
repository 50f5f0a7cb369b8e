"""HTTP of a flag in one environment: edit it, turn it on or off."""

from collections.abc import Callable, Mapping, Sequence

from flask import Blueprint, Response, request, url_for

from dashboard import web
from dashboard.errors import Invalid
from dashboard.flags import (
    compare,
    conflicts,
    edits,
    forms,
    matrix,
    past,
    rules,
    schedule_forms,
    segments,
    standing,
    targeting,
)
from dashboard.flags.asking import asking
from dashboard.flags.conditions import OPERATORS
from dashboard.flags.confirming import confirmed
from dashboard.flags.ledger import definition_of, document_of
from dashboard.flags.models import Flag
from dashboard.flags.queries import Cell, cell_of, flag_by_key, row_of
from dashboard.flags.rule_forms import Allowed
from dashboard.flags.saving import Stale
from dashboard.flags.schedule_routes import plan
from dashboard.security.guards import requires
from dashboard.store import db
from dashboard.targets.models import Environment
from dashboard.targets.queries import all_environments, environment_by_slug

blueprint = Blueprint("setting", __name__, url_prefix="/flags/<key>/in/<slug>")
SWITCH = {"on": True, "off": False}


@blueprint.get("")
@requires("operator", within="slug")
def edit(key: str, slug: str) -> Response:
    flag, environment = flag_by_key(key), environment_by_slug(slug)
    cell = cell_of(flag, environment)
    return _edit_page(flag, cell, _form_of(flag, cell), {})


@blueprint.post("/set")
@requires("operator", within="slug")
@asking
def save(key: str, slug: str) -> Response:
    flag, environment = flag_by_key(key), environment_by_slug(slug)
    fields = request.form.to_dict(flat=False)
    form = forms.sent(fields)
    if action := request.form.get("action"):
        return _acted(flag, cell_of(flag, environment), form, action)
    try:
        reason = confirmed(flag, environment)
        definition = forms.definition_of(form, flag.type, _allowed(flag, environment))
        at = schedule_forms.at_of(request.form)
        if at is not None:
            title = schedule_forms.change_title(key, slug, at)
            plan(flag, environment, [(at, definition)], title=title, reason=reason)
            db.session.commit()
            return web.moved(url_for("flags.show", key=key))
        saved = edits.set_in_environment(
            flag,
            environment,
            definition,
            version=forms.version_of(fields),
            operation_id=request.form.get("operation_id"),
            reason=reason,
            merging=True,
        )
    except Stale as stale:
        return conflicts.answer(stale, environment, cell_of(flag, environment).version)
    except Invalid as refused:
        return _again(refused, lambda found, cell, errors: _edit_page(found, cell, form, errors, 422), key, slug)
    db.session.commit()
    return web.moved(url_for("flags.show", key=key, merged=past.merged(slug, forms.version_of(fields), saved.version)))


@blueprint.get("/confirm")
@requires("operator", within="slug")
def confirm(key: str, slug: str) -> Response:
    flag, environment = flag_by_key(key), environment_by_slug(slug)
    return _confirm_page(flag, cell_of(flag, environment), _switch(request.args.get("enabled")), {})


@blueprint.post("/toggle")
@requires("operator", within="slug")
@asking
def toggle(key: str, slug: str) -> Response:
    flag, environment = flag_by_key(key), environment_by_slug(slug)
    enabled = _switch(request.form.get("enabled"))
    try:
        reason = confirmed(flag, environment, at_once=not enabled)
        version = forms.version_of(request.form.to_dict(flat=False))
        operation_id = request.form.get("operation_id")
        edits.toggle(
            flag, environment, enabled, version=version, operation_id=operation_id, reason=reason, merging=True
        )
    except Stale as stale:
        return conflicts.answer(stale, environment, cell_of(flag, environment).version)
    except Invalid as refused:
        if request.form.get("view") != "confirm":
            raise
        return _again(refused, lambda found, cell, errors: _confirm_page(found, cell, enabled, errors, 422), key, slug)
    db.session.commit()
    return _toggled(flag, environment, version)


def _acted(flag: Flag, cell: Cell, form: forms.DefinitionForm, action: str) -> Response:
    """The form after one of its buttons, with who would move if it were saved."""
    allowed = _allowed(flag, cell.environment)
    try:
        form = forms.acted(form, action, allowed)
        after = forms.definition_of(form, flag.type, allowed)
    except Invalid as refused:
        is_asked = action in {"preview", "rules-json", "rules-form"}
        told = {name: words for name, words in refused.fields.items() if is_asked or name == "needs_key"}
        return _edit_page(flag, cell, form, told, 422 if is_asked else 200)
    moves = targeting.preview(definition_of(cell.setting), after) if cell.setting else None
    return _edit_page(flag, cell, form, {}, moves=moves)


def _allowed(flag: Flag, environment: Environment) -> Allowed:
    return Allowed(variants=(), segments=segments.names_of(environment), seed=flag.key)


def _toggled(flag: Flag, environment: Environment, seen: int) -> Response:
    """The part of the page that the button stands in, with a way back."""
    view, done = request.form.get("view"), cell_of(flag, environment)
    shown = url_for("flags.show", key=flag.key, merged=past.merged(environment.slug, seen, done.version))
    if view == "confirm":
        return web.moved(shown)
    if view == "card":
        dependants = standing.dependants_of(flag.key)
        return web.written("flags/_card.html", shown, cell=done, flag=flag, done=done, dependants=dependants)
    back = url_for("flags.index", changed=f"{flag.key}:{environment.slug}")
    rows = [matrix.row_of(flag.id)]
    return web.written("flags/_row.html", back, rows=rows, environments=all_environments(), done=done)


def _switch(text: str | None) -> bool:
    if text not in SWITCH:
        raise Invalid({"enabled": "A flag is turned “on” or “off”."})
    return SWITCH[text]


def _again(
    refused: Invalid, show: Callable[[Flag, Cell, Mapping[str, str]], Response], key: str, slug: str
) -> Response:
    """The same form with what was typed and what is wrong; machines get the plain refusal."""
    db.session.rollback()
    if web.wants_json():
        raise refused
    flag = flag_by_key(key)
    return show(flag, cell_of(flag, environment_by_slug(slug)), refused.fields)


def _form_of(flag: Flag, cell: Cell) -> forms.DefinitionForm:
    """What is set here; where nothing is, what another environment has, switched off."""
    if cell.setting:
        return forms.shown(definition_of(cell.setting), flag.type)
    model = next((other.setting for other in row_of(flag).cells if other.setting), None)
    if model is None:
        return forms.blank(flag.type)
    return forms.shown(rules.switched(definition_of(model), enabled=False), flag.type)


def _edit_page(
    flag: Flag,
    cell: Cell,
    form: forms.DefinitionForm,
    errors: Mapping[str, str],
    status: int = 200,
    moves: Sequence[str] | None = None,
) -> Response:
    return web.page(
        "flags/edit.html", status=status, flag=flag, cell=cell, form_shown=form, errors=errors, moves=moves,
        allowed=_allowed(flag, cell.environment), OPERATORS=OPERATORS,
        needed=standing.variants_here(cell.environment, form.needs.keys),
        needable=standing.offered(cell.environment, flag.key),
        dependants=standing.dependants_of(flag.key, cell.environment),
        environment=cell.environment, version=request.form.get("version", cell.version), typed=request.form.to_dict(),
        section="flags",
    )  # fmt: skip


def _confirm_page(flag: Flag, cell: Cell, enabled: bool, errors: Mapping[str, str], status: int = 200) -> Response:
    if cell.setting is None:
        raise Invalid({"environment": f"{flag.key} is not set in {cell.environment.slug} yet."})
    before = document_of(cell.setting)
    after = before | {"state": "ENABLED" if enabled else "DISABLED"}
    return web.page(
        "flags/confirm.html", status=status, flag=flag, cell=cell, enabled=enabled, errors=errors,
        dependants=standing.dependants_of(flag.key, cell.environment),
        differences=compare.differences(before, after), environment=cell.environment,
        version=request.form.get("version", cell.version), typed=request.form.to_dict(), section="flags",
    )  # fmt: skip
