"""How an environment's percentages are drawn: the pinned version, and who would move to the other one."""

from typing import Any

from flask import Blueprint, Response, request, url_for

from dashboard import web
from dashboard.errors import Conflict, Invalid
from dashboard.flags import forms, parts, parts_past, rules
from dashboard.flags.asking import asking
from dashboard.flags.models import FlagRevision
from dashboard.flags.pinning import VERSIONS, pin
from dashboard.flags.queries import drawing_in
from dashboard.flags.rebucketing import moved_shares
from dashboard.lists import ListSpec, parse_list, respond
from dashboard.security.guards import requires
from dashboard.store import db
from dashboard.targets.models import Environment
from dashboard.targets.queries import environment_by_slug

blueprint = Blueprint("bucketing", __name__, url_prefix="/flags/bucketing/<slug>")
SPEC = ListSpec(sorts=("at",), default_sort="at")
SHOWN_VERSIONS = 20


@blueprint.get("")
@requires("viewer")
def show(slug: str) -> Response:
    return _page(environment_by_slug(slug), {})


@blueprint.post("")
@requires("admin", within="slug")
@asking
def save(slug: str) -> Response:
    environment, wanted = environment_by_slug(slug), request.form.get("bucketing", "")
    seen = forms.version_of(request.form.to_dict(flat=False))
    typed_key, reason = request.form.get("typed_key", ""), request.form.get("reason", "")
    waits = environment.approvals_needed > 0
    problems = rules.confirmation_problems(
        needed=not waits, key=environment.slug, typed_key=typed_key, reason=reason, reason_needed=True
    )
    if wanted not in VERSIONS:
        problems["bucketing"] = "Choose a version."
    if problems:
        if web.wants_json():
            raise Invalid(problems)
        return _page(environment, problems, 422)
    try:
        pin(environment, wanted, seen=seen, reason=reason.strip())
    except Conflict as changed:
        db.session.rollback()
        if web.wants_json():
            raise
        return _page(environment, {"change": changed.sentence}, 409)
    db.session.commit()
    return web.moved(url_for("flags.bucketing.show", slug=slug))


@blueprint.get("/history")
@requires("viewer", key="read")
def history(slug: str) -> Response:
    environment = environment_by_slug(slug)
    found = parts_past.versions_of(environment, None, parse_list(SPEC))
    now = parts.newest(environment, None)
    return respond(
        "flags/bucketing_history.html", found, environment=environment, history=found.rows, version_now=now,
        section="flags",
    )  # fmt: skip


def _page(environment: Environment, errors: dict[str, str], status: int = 200) -> Response:
    held = db.session.get(FlagRevision, environment.id)
    pinned: Any = held.bucketing if held else "v2"
    other = next(version for version in VERSIONS if version != pinned)
    return web.page(
        "flags/bucketing.html", status=status, environment=environment, pinned=pinned, other=other, errors=errors,
        moves=moved_shares(drawing_in(environment), pinned, other), revision=held.revision if held else 0,
        history=parts_past.newest_of(environment, None, SHOWN_VERSIONS), version_now=parts.newest(environment, None),
        typed=request.form.to_dict(), section="flags",
    )  # fmt: skip
