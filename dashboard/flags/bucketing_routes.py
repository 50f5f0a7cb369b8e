"""How an environment's percentages are drawn: the pinned version, and who would move to the other one."""

from typing import Any, get_args

from flask import Blueprint, Response, request, url_for
from sqlalchemy import select

from dashboard import web
from dashboard.changes import record as changes
from dashboard.errors import Conflict, Invalid
from dashboard.flags import forms, rules, serving
from dashboard.flags.bucketing import Bucketing
from dashboard.flags.holding import Proposal, review
from dashboard.flags.ledger import announce
from dashboard.flags.models import FlagRevision
from dashboard.flags.queries import document_of
from dashboard.flags.rebucketing import moved_shares
from dashboard.flags.wire import read_document
from dashboard.security.audit import record as audit
from dashboard.security.authors import current_author
from dashboard.security.guards import requires
from dashboard.store import db
from dashboard.targets.models import Environment
from dashboard.targets.queries import environment_by_slug

blueprint = Blueprint("bucketing", __name__, url_prefix="/flags/bucketing/<slug>")
VERSIONS: tuple[Bucketing, ...] = get_args(Bucketing)


@blueprint.get("")
@requires("viewer")
def show(slug: str) -> Response:
    return _page(environment_by_slug(slug), {})


@blueprint.post("")
@requires("admin", within="slug")
def pin(slug: str) -> Response:
    environment, wanted = environment_by_slug(slug), request.form.get("bucketing", "")
    seen = forms.version_of(request.form.to_dict(flat=False))
    typed_key, reason = request.form.get("typed_key", ""), request.form.get("reason", "")
    problems = rules.confirmation_problems(needed=True, key=environment.slug, typed_key=typed_key, reason=reason)
    if wanted not in VERSIONS:
        problems["bucketing"] = "Choose a version."
    if problems:
        if web.wants_json():
            raise Invalid(problems)
        return _page(environment, problems, 422)
    _pin(environment, wanted, seen, reason.strip())
    db.session.commit()
    return web.moved(url_for("flags.bucketing.show", slug=slug))


def _pin(environment: Environment, wanted: str, seen: int, reason: str) -> None:
    """Raises Conflict when a flag changed since the page showed who would move; Invalid when one cannot draw so."""
    serving.hold(environment)
    held = db.session.get(FlagRevision, environment.id, with_for_update=True, populate_existing=True)
    before, revision = (held.bucketing, held.revision) if held else ("v2", 0)
    if before == wanted:
        return
    if revision != seen:
        raise Conflict("Flags changed since this page was shown. Reload it to see who would move now.")
    announce([environment.id])
    now = db.session.scalars(select(FlagRevision).where(FlagRevision.environment_id == environment.id)).one()
    now.bucketing = wanted
    serving.refresh(environment, whole=True)
    title, author = f"Bucketing of {environment.slug} pinned to {wanted}", current_author()
    detail = {"reason": reason}
    changes.record("flag", title, subject=environment.slug, environment_id=environment.id, author=author, detail=detail)
    old, new = {"bucketing": before}, {"bucketing": wanted}
    audit("flag.bucketing", environment.slug, before=old, after=new, reason=reason)
    review(Proposal(environment.slug, None, environment, "flag.bucketing", title, old, new, 0, reason))


def _page(environment: Environment, errors: dict[str, str], status: int = 200) -> Response:
    held = db.session.get(FlagRevision, environment.id)
    pinned: Any = held.bucketing if held else "v2"
    other = next(version for version in VERSIONS if version != pinned)
    targetings = {entry.key: entry.definition.targeting for entry in read_document(document_of(environment)).flags}
    return web.page(
        "flags/bucketing.html", status=status, environment=environment, pinned=pinned, other=other, errors=errors,
        moves=moved_shares(targetings, pinned, other), revision=held.revision if held else 0,
        typed=request.form.to_dict(), section="flags",
    )  # fmt: skip
