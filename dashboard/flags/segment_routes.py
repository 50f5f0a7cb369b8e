"""HTTP of segments: the list with where each is used, and one of them."""

import json
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request, url_for

from dashboard import web
from dashboard.errors import Invalid
from dashboard.flags import forms, past, segment_forms, segment_words, segments
from dashboard.flags.asking import asking
from dashboard.flags.conditions import OPERATORS
from dashboard.flags.confirming import confirmed_as
from dashboard.flags.conflicts import together_of
from dashboard.flags.saving import Stale
from dashboard.flags.segment_forms import SegmentForm
from dashboard.flags.segment_models import FlagSegment
from dashboard.flags.segment_past_routes import blueprint as past_blueprint
from dashboard.flags.segment_past_routes import stale_answer
from dashboard.formats import visible
from dashboard.lists import ListPage, ListSpec, parse_list, respond
from dashboard.security.guards import requires
from dashboard.store import db
from dashboard.targets.models import Environment
from dashboard.targets.queries import all_environments, environment_by_slug

blueprint = Blueprint("segments", __name__, url_prefix="/flags/segments")
blueprint.register_blueprint(past_blueprint)
SPEC = ListSpec(sorts=("name",), default_sort="name", default_dir="asc")
TAKEN = "There is a segment of this name here already."


@blueprint.get("")
@requires("viewer", key="read")
def index() -> Response:
    query = parse_list(SPEC)
    rows = [_told(place, one) for place in all_environments() for one in segments.segments_of(place)]
    found = ListPage(rows[query.offset :][: query.limit], len(rows), query)
    places = [
        (place, _found(place), segments.used_by(place), segments.removed_from(place)) for place in all_environments()
    ]
    return respond("flags/segments.html", found, places=places, bucketings=segments.bucketings(), section="flags")


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
    if segment is None:
        return web.moved(url_for("flags.segments.past.history", slug=slug, name=name))
    return _page(environment, segment, segment_forms.shown(segment.name, segment.description, segment.rule), {})


@blueprint.post("/<slug>/<name>")
@requires("operator", within="slug")
@asking
def save(slug: str, name: str) -> Response:
    environment = environment_by_slug(slug)
    return _saved(environment, segments.segment_of(environment, name), name)


@blueprint.post("/<slug>/<name>/remove")
@requires("operator", within="slug")
@asking
def remove(slug: str, name: str) -> Response:
    environment = environment_by_slug(slug)
    reason = confirmed_as(name, environment)
    version = forms.version_of(request.form.to_dict(flat=False))
    operation_id = request.form.get("operation_id")
    try:
        segments.remove(environment, name, version=version, operation_id=operation_id, reason=reason)
    except Stale as stale:
        return stale_answer(stale, environment, fields={})
    db.session.commit()
    return web.moved(url_for("flags.segments.index"))


def _saved(environment: Environment, segment: FlagSegment | None, name: str = "") -> Response:
    """`name`: the one in the address; without it a segment is new."""
    fields = request.form.to_dict(flat=False)
    form = segment_forms.sent(fields)
    if name:
        form = segment_forms.named(form, name)
    try:
        if action := request.form.get("action"):
            return _page(environment, segment, segment_forms.acted(form, action), {})
        seen = forms.version_of(fields) if name else 0
        made = _save(environment, form, seen)
    except Stale as stale:
        if not name and not web.wants_json():
            db.session.rollback()
            return _page(environment, None, form, {"name": TAKEN}, 409)
        yours = together_of(stale)
        sent = {"description": yours["description"], "rules_view": "json", "text": json.dumps(yours["rule"])}
        return stale_answer(stale, environment, fields=sent)
    except Invalid as refused:
        db.session.rollback()
        if web.wants_json():
            raise
        return _page(environment, segment, form, refused.fields, 422)
    db.session.commit()
    told = past.merged(environment.slug, seen, made) if seen else None
    if told:
        return web.moved(url_for("flags.segments.past.history", slug=environment.slug, name=name, merged=told))
    return web.moved(url_for("flags.segments.index"))


def _save(environment: Environment, form: SegmentForm, seen: int) -> int:
    """The version that was made. Raises Invalid, Stale, NeedsApproval."""
    rule, reason = segment_forms.rule_of(form), confirmed_as(form.name, environment)
    return segments.save(
        environment, form.name, form.description, rule, version=seen, operation_id=request.form.get("operation_id"),
        reason=reason, merging=True,
    )  # fmt: skip


def _found(place: Environment) -> list[tuple[FlagSegment, str | None]]:
    """Each segment with its conditions in words, where words can say them."""
    found = [(segment, segment_words.words_of(segment.rule)) for segment in segments.segments_of(place)]
    return [(segment, visible(words) if words else None) for segment, words in found]


def _told(place: Environment, segment: FlagSegment) -> dict[str, Any]:
    names = ("name", "description", "rule", "version", "updated_by")
    told = {name: getattr(segment, name) for name in names}
    return {"environment": place.slug} | told | {"updated_at": segment.updated_at}


def _page(
    environment: Environment, segment: FlagSegment | None, form: SegmentForm, errors: Mapping[str, str],
    status: int = 200,
) -> Response:  # fmt: skip
    users = segments.used_by(environment).get(segment.name, []) if segment else []
    return web.page(
        "flags/segment.html", status=status, environment=environment, segment=segment, form_shown=form, errors=errors,
        users=users, OPERATORS=OPERATORS, typed=request.form.to_dict(), section="flags",
    )  # fmt: skip
