"""HTTP of files: what an import would change, the import of exactly that, and an environment as a flagd file."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, request, url_for

from dashboard import web
from dashboard.errors import Conflict, Invalid, NotFound
from dashboard.flags import import_sent, imports
from dashboard.flags.asking import asking
from dashboard.flags.confirming import confirmed_as
from dashboard.flags.exact import MAX_FILE, Refused
from dashboard.flags.import_plan import Part, Plan, digest_of, flags_of, plans_of
from dashboard.flags.import_reading import EACH, Import, chosen, read_import
from dashboard.flags.import_sent import LARGEST_FORM, Sent, packed
from dashboard.flags.ledger import claim
from dashboard.flags.queries import document_of
from dashboard.flags.wire import Document
from dashboard.security.access import check_role
from dashboard.security.guards import requires
from dashboard.security.principals import principal
from dashboard.store import db
from dashboard.targets.models import Environment
from dashboard.targets.queries import all_environments, environment_by_slug

blueprint = Blueprint("imports", __name__)
SHOWN = 200
Fields = Mapping[str, str]


@blueprint.url_value_preprocessor
def _take_files(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Here forms may carry whole files; they are read when it is known who sends them."""
    request.max_content_length = request.max_form_memory_size = LARGEST_FORM


@blueprint.get("/flags/import")
@requires("viewer")
def show() -> Response:
    return _form({"environment": request.args.get("environment", "")}, {})


@blueprint.post("/flags/import/preview")
@requires("operator", within="environment")
def preview() -> Response:
    try:
        given, found, parts = _sent()
    except (Refused, Invalid, NotFound) as refused:
        return _refused(refused)
    return _preview(given, found, parts, {})


@blueprint.post("/flags/import")
@requires("operator", within="environment")
@asking
def carry_out() -> Response:
    try:
        given, found, parts = _sent()
    except (Refused, Invalid, NotFound) as refused:
        return _refused(refused)
    try:
        _carry_out(parts, found)
    except (Conflict, Invalid) as refused:
        db.session.rollback()
        if web.wants_json():
            raise
        fields = refused.fields if isinstance(refused, Invalid) else {"preview": refused.sentence}
        return _preview(given, found, parts, fields, refused.status)
    db.session.commit()
    return web.moved(url_for("flags.index", sort="updated_at", dir="desc", changed=f":{given.environment}"))


@blueprint.get("/flags/export")
@requires("viewer", key="read", within="environment")
def export() -> Response:
    environment = environment_by_slug(request.args.get("environment", ""))
    response = Response(document_of(environment), mimetype="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="flags-{environment.slug}.json"'
    return response


def _sent() -> tuple[Sent, Import, list[Part]]:
    """Raises Refused, Invalid, NotFound, Denied."""
    file = request.files.get("file")
    content = file.stream.read(MAX_FILE + 1) if file else b""
    given = import_sent.sent(request.form.to_dict(), content, "The file")
    if not given.environment:
        raise Invalid({"environment": "Choose an environment."})
    found = read_import(given.text, given.format)
    parts = chosen(found, given.environment, given.source)
    for slug, _ in parts:
        check_role("operator", slug)
    _refuse_new(parts)
    return given, found, [(_environment(slug), document) for slug, document in parts]


def _refuse_new(parts: Sequence[tuple[str, Document]]) -> None:
    """Whoever is an operator in some environments only adds no flags, not by a file either. Raises Invalid."""
    asked_by, keys = principal(), {entry.key for _, document in parts for entry in document.flags}
    if asked_by and asked_by.can("operator"):
        return
    if new := sorted(keys - flags_of(keys).keys()):
        named = f"{new[0]} is new" if len(new) == 1 else f"{len(new):,} flags are new, {new[0]} among them"
        raise Invalid({"file": f"{named}: adding flags takes the role operator everywhere."})


def _environment(slug: str) -> Environment:
    try:
        return environment_by_slug(slug)
    except NotFound:
        sentence = f"There is no environment {slug[:60]} here. Add it first, or choose another one."
        raise Invalid({"environment": sentence}) from None


def _carry_out(parts: Sequence[Part], found: Import) -> None:
    """Raises Invalid, Outdated, Conflict, Waits."""
    place = strictest([environment for environment, _ in parts])
    reason = confirmed_as(place.slug, place)
    if not claim(request.form.get("operation_id")):
        return
    leave_out = found.format == "unleash" and "leave_out" in request.form
    seen = request.form.get("seen", "")
    imports.import_parts(parts, imports.Consent(seen=seen, leave_out=leave_out, reason=reason))


def strictest(places: Sequence[Environment]) -> Environment:
    """What the strictest of them asks for confirms the import into all of them."""
    return max(places, key=lambda place: (place.is_production and not place.approvals_needed, place.approvals_needed))


def _refused(refused: Refused | Invalid | NotFound) -> Response:
    """Back to the form, with what was typed."""
    db.session.rollback()
    if isinstance(refused, Refused):
        refused = Invalid({"file": f"Line {refused.line}: {refused.sentence}"})
    if web.wants_json():
        raise refused
    fields = refused.fields if isinstance(refused, Invalid) else {"environment": refused.sentence}
    return _form(request.form.to_dict(), fields, 422)


def _form(typed: Fields, errors: Fields, status: int = 200) -> Response:
    asked_by = principal()
    places = [place for place in all_environments() if asked_by and asked_by.can("operator", place.slug)]
    kept = {name: value for name, value in typed.items() if name != "kept"}
    return web.page(
        "flags/import.html", status=status, places=places, may_all=bool(asked_by and asked_by.can("operator")),
        typed=kept, errors=errors, EACH=EACH, everywhere=all_environments(), section="flags",
    )  # fmt: skip


def _preview(given: Sent, found: Import, parts: Sequence[Part], errors: Fields, status: int = 200) -> Response:
    plans = plans_of(parts)
    return web.page("flags/import_preview.html", status=status, **_shown(given, found, plans, errors))


def _shown(given: Sent, found: Import, plans: Sequence[Plan], errors: Fields) -> dict[str, Any]:
    return {
        "plans": plans,
        "environment": strictest([plan.environment for plan in plans]),
        "count": sum(len(plan.changes) for plan in plans),
        "refused": sum(len(plan.refused) for plan in plans),
        "describes": any(plan.metadata for plan in plans),
        "found": found,
        "given": given,
        "kept": packed(given.text),
        "seen": digest_of(plans),
        "typed": request.form.to_dict(),
        "errors": errors,
        "SHOWN": SHOWN,
        "section": "flags",
    }
