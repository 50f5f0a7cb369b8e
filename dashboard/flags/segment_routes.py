"""HTTP of segments: the list with where each is used, and one of them."""

from collections.abc import Mapping

from flask import Blueprint, Response, request, url_for

from dashboard import web
from dashboard.errors import Invalid
from dashboard.flags import forms, segment_forms, segments
from dashboard.flags.asking import asking
from dashboard.flags.conditions import OPERATORS
from dashboard.flags.confirming import confirmed_as
from dashboard.flags.segment_forms import SegmentForm
from dashboard.flags.segment_models import FlagSegment
from dashboard.security.guards import requires
from dashboard.store import db
from dashboard.targets.models import Environment
from dashboard.targets.queries import all_environments, environment_by_slug

blueprint = Blueprint("segments", __name__, url_prefix="/flags/segments")


@blueprint.get("")
@requires("viewer", key="read")
def index() -> Response:
    places = [(place, segments.segments_of(place), segments.used_by(place)) for place in all_environments()]
    return web.page("flags/segments.html", places=places, bucketings=segments.bucketings(), section="flags")


@blueprint.get("/<slug>/new")
@requires("operator", within="slug")
def new(slug: str) -> Response:
    return _page(environment_by_slug(slug), None, segment_forms.blank(), {})


@blueprint.post("/<slug>")
@requires("operator", within="slug")
@asking
def create(slug: str) -> Response:
    return _saved(environment_by_slug(slug), None)


@blueprint.get("/<slug>/<name>")
@requires("operator", within="slug")
def edit(slug: str, name: str) -> Response:
    environment = environment_by_slug(slug)
    segment = segments.segment_of(environment, name)
    return _page(environment, segment, segment_forms.shown(segment.name, segment.description, segment.rule), {})


@blueprint.post("/<slug>/<name>")
@requires("operator", within="slug")
@asking
def save(slug: str, name: str) -> Response:
    environment = environment_by_slug(slug)
    return _saved(environment, segments.segment_of(environment, name))


@blueprint.post("/<slug>/<name>/remove")
@requires("operator", within="slug")
@asking
def remove(slug: str, name: str) -> Response:
    environment = environment_by_slug(slug)
    reason = confirmed_as(name, environment)
    version = forms.version_of(request.form.to_dict(flat=False))
    operation_id = request.form.get("operation_id")
    segments.remove(environment, name, version=version, operation_id=operation_id, reason=reason)
    db.session.commit()
    return web.moved(url_for("flags.segments.index"))


def _saved(environment: Environment, segment: FlagSegment | None) -> Response:
    fields = request.form.to_dict(flat=False)
    form = segment_forms.sent(fields)
    if segment:
        form = segment_forms.named(form, segment.name)
    try:
        if action := request.form.get("action"):
            return _page(environment, segment, segment_forms.acted(form, action), {})
        rule = segment_forms.rule_of(form)
        reason = confirmed_as(form.name, environment)
        version = forms.version_of(fields) if segment else 0
        operation_id = request.form.get("operation_id")
        segments.save(
            environment, form.name, form.description, rule, version=version, operation_id=operation_id, reason=reason
        )
    except Invalid as refused:
        db.session.rollback()
        if web.wants_json():
            raise
        return _page(environment, segment, form, refused.fields, 422)
    db.session.commit()
    return web.moved(url_for("flags.segments.index"))


def _page(
    environment: Environment, segment: FlagSegment | None, form: SegmentForm, errors: Mapping[str, str],
    status: int = 200,
) -> Response:  # fmt: skip
    users = segments.used_by(environment).get(segment.name, []) if segment else []
    return web.page(
        "flags/segment.html", status=status, environment=environment, segment=segment, form_shown=form, errors=errors,
        users=users, OPERATORS=OPERATORS, typed=request.form.to_dict(), section="flags",
    )  # fmt: skip
