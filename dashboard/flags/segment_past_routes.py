"""HTTP of what a segment was: every version, also of one that was removed, and the way back to any of them."""

from collections.abc import Mapping

from flask import Blueprint, Response, request, url_for

from dashboard import web
from dashboard.errors import Invalid
from dashboard.flags import conflicts, forms, parts, parts_past, segment_words, segments
from dashboard.flags.asking import asking
from dashboard.flags.confirming import confirmed_as
from dashboard.flags.past_routes import number
from dashboard.flags.saving import Stale
from dashboard.lists import ListSpec, parse_list, respond
from dashboard.security.guards import requires
from dashboard.store import db
from dashboard.targets.models import Environment
from dashboard.targets.queries import environment_by_slug

blueprint = Blueprint("past", __name__, url_prefix="/<slug>/<name>")
SPEC = ListSpec(sorts=("at",), default_sort="at")


@blueprint.get("/history")
@requires("viewer", key="read")
def history(slug: str, name: str) -> Response:
    environment = environment_by_slug(slug)
    segment = segments.segment_of(environment, name)
    found = parts_past.versions_of(environment, name, parse_list(SPEC))
    return respond(
        "flags/segment_history.html", found, environment=environment, segment=segment, name=name, history=found.rows,
        version_now=parts.newest(environment, name), users=segments.used_by(environment).get(name, []),
        meanwhile=parts_past.told(environment, name, request.args.get("merged", "")), section="flags",
    )  # fmt: skip


@blueprint.get("/revert")
@requires("operator", within="slug")
def revert(slug: str, name: str) -> Response:
    return _revert_page(environment_by_slug(slug), name, number(request.args.get("to", "")), {})


@blueprint.post("/revert")
@requires("operator", within="slug")
@asking
def do_revert(slug: str, name: str) -> Response:
    environment, to = environment_by_slug(slug), number(request.form.get("to", ""))
    try:
        reason = confirmed_as(name, environment)
        version = forms.version_of(request.form.to_dict(flat=False))
        operation_id = request.form.get("operation_id")
        segments.revert(environment, name, to, version=version, operation_id=operation_id, reason=reason)
    except Stale as stale:
        return stale_answer(stale, environment, whole=True, fields={"to": str(to)})
    except Invalid as refused:
        db.session.rollback()
        if web.wants_json():
            raise
        return _revert_page(environment, name, to, refused.fields, 422)
    db.session.commit()
    return web.moved(url_for("flags.segments.past.history", slug=slug, name=name))


def stale_answer(
    stale: Stale, environment: Environment, *, fields: Mapping[str, str], whole: bool = False, action: str = ""
) -> Response:
    """409 with all three, in words where words say what differs."""
    back = url_for("flags.segments.past.history", slug=environment.slug, name=stale.key)
    return conflicts.answer(
        stale, environment, parts.newest(environment, stale.key), whole=whole, fields=fields, action=action, back=back,
        differences=segment_words.three_way(stale.base, stale.theirs, stale.yours),
    )  # fmt: skip


def _revert_page(
    environment: Environment, name: str, to: int, errors: Mapping[str, str], status: int = 200
) -> Response:
    then, newest = parts_past.version_of(environment, name, to), parts.newest(environment, name)
    now = parts.kept(environment, name, newest)
    if not then.document:
        raise Invalid({"to": "It was removed then. Choose a version in which it was there."})
    return web.page(
        "flags/revert.html", status=status, key=name, environment=environment, then=then, errors=errors,
        differences=segment_words.differences(now, then.document), typed=request.form.to_dict(), version_now=newest,
        version=request.form.get("version", newest), users=segments.used_by(environment).get(name, []),
        action=url_for("flags.segments.past.do_revert", slug=environment.slug, name=name),
        back=url_for("flags.segments.past.history", slug=environment.slug, name=name), section="flags",
    )  # fmt: skip
