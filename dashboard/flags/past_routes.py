"""HTTP of what a flag was: every version, and the way back to any of them."""

from collections.abc import Mapping

from flask import Blueprint, Response, request, url_for

from dashboard import web
from dashboard.errors import Invalid
from dashboard.flags import compare, conflicts, edits, forms, past, shared_edits
from dashboard.flags.asking import asking
from dashboard.flags.confirming import confirmed, reason_given
from dashboard.flags.ledger import document_of, shared_document
from dashboard.flags.queries import cell_of, flag_by_key
from dashboard.flags.saving import Stale
from dashboard.lists import ListSpec, parse_list, respond
from dashboard.security.guards import requires
from dashboard.store import db
from dashboard.targets.queries import all_environments, environment_by_slug

blueprint = Blueprint("past", __name__, url_prefix="/flags/<key>")
SPEC = ListSpec(sorts=("at",), default_sort="at", filters={"environment": None})


@blueprint.get("/history")
@requires("viewer", key="read")
def history(key: str) -> Response:
    flag, query = flag_by_key(key), parse_list(SPEC)
    slug = query.filters.get("environment", past.EVERYWHERE)
    if slug != past.EVERYWHERE:
        environment_by_slug(slug)
    found = past.versions_of(flag, query)
    now = {place.id: cell_of(flag, place).version for place in all_environments()}
    context = {"flag": flag, "history": found.rows, "versions_now": now, "environments": all_environments()}
    return respond("flags/history.html", found, section="flags", **context)


@blueprint.get("/in/<slug>/revert")
@requires("operator", within="slug")
def revert(key: str, slug: str) -> Response:
    return _revert_page(key, slug, number(request.args.get("to", "")), {})


@blueprint.post("/in/<slug>/revert")
@requires("operator", within="slug")
@asking
def do_revert(key: str, slug: str) -> Response:
    flag, environment = flag_by_key(key), environment_by_slug(slug)
    to = number(request.form.get("to", ""))
    try:
        reason = confirmed(flag, environment)
        version = forms.version_of(request.form.to_dict(flat=False))
        operation_id = request.form.get("operation_id")
        edits.revert(flag, environment, to, version=version, operation_id=operation_id, reason=reason)
    except Stale as stale:
        return conflicts.answer(stale, environment, cell_of(flag, environment).version, whole=True)
    except Invalid as refused:
        db.session.rollback()
        if web.wants_json():
            raise
        return _revert_page(key, slug, to, refused.fields, 422)
    db.session.commit()
    return web.moved(url_for("flags.show", key=key))


@blueprint.get("/shared/revert")
@requires("operator")
def revert_shared(key: str) -> Response:
    return _shared_page(key, number(request.args.get("to", "")), {})


@blueprint.post("/shared/revert")
@requires("operator")
def do_revert_shared(key: str) -> Response:
    flag, to = flag_by_key(key), number(request.form.get("to", ""))
    version, operation_id = forms.version_of(request.form.to_dict(flat=False)), request.form.get("operation_id")
    try:
        reason = reason_given()
        shared_edits.revert_shared(flag, to, version=version, operation_id=operation_id, reason=reason)
    except Stale as stale:
        return conflicts.answer(stale, None, flag_by_key(key).version, whole=True, fields={"to": str(to)})
    except Invalid as refused:
        db.session.rollback()
        if web.wants_json():
            raise
        return _shared_page(key, to, refused.fields, 422)
    db.session.commit()
    return web.moved(url_for("flags.show", key=key))


def number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid({"to": "Choose a version to go back to."})
    return int(text)


def _revert_page(key: str, slug: str, to: int, errors: Mapping[str, str], status: int = 200) -> Response:
    flag, environment = flag_by_key(key), environment_by_slug(slug)
    cell, then = cell_of(flag, environment), past.version_of(flag, environment, to)
    now = document_of(cell.setting) if cell.setting else {}
    return web.page(
        "flags/revert.html", status=status, key=key, flag=flag, environment=environment, then=then, errors=errors,
        differences=compare.differences(now, then.document), typed=request.form.to_dict(), version_now=cell.version,
        version=request.form.get("version", cell.version), section="flags",
        action=url_for("flags.past.do_revert", key=key, slug=slug), back=url_for("flags.show", key=key),
    )  # fmt: skip


def _shared_page(key: str, to: int, errors: Mapping[str, str], status: int = 200) -> Response:
    flag = flag_by_key(key)
    differences = compare.differences(shared_document(flag), shared_edits.shared_then(flag, to))
    return web.page(
        "flags/revert.html", status=status, key=key, environment=None, then=past.version_of(flag, None, to),
        differences=differences, errors=errors, typed=request.form.to_dict(), version_now=flag.version,
        version=request.form.get("version", flag.version), section="flags",
        action=url_for("flags.past.do_revert_shared", key=key), back=url_for("flags.show", key=key),
    )  # fmt: skip
