"""HTTP of promotion: what differs between two environments, and what is chosen goes from one to the other."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request, url_for

from dashboard import web
from dashboard.errors import Invalid
from dashboard.flags import conflicts, forms, promotion
from dashboard.flags.asking import asking
from dashboard.flags.confirming import confirmed, confirmed_as
from dashboard.flags.queries import cell_of, flag_by_key
from dashboard.flags.saving import Stale
from dashboard.flags.schedule_queries import changing_in
from dashboard.lists import ListSpec, parse_list, respond
from dashboard.security.guards import requires
from dashboard.store import db
from dashboard.targets.models import Environment
from dashboard.targets.queries import all_environments, environment_by_slug

blueprint = Blueprint("promote", __name__)
SPEC = ListSpec(sorts=("key",), default_sort="key", default_dir="asc", filters={"from": None, "to": None})


@blueprint.get("/flags/<key>/promote")
@requires("operator", within="to")
def one(key: str) -> Response:
    return _one_page(key, {})


@blueprint.post("/flags/<key>/promote")
@requires("operator", within="to")
@asking
def promote_one(key: str) -> Response:
    flag, (source, target) = flag_by_key(key), _places()
    try:
        reason = confirmed(flag, target)
        seen = (_number("source_version"), _number("version"))
        operation_id = request.form.get("operation_id")
        promotion.promote({key: seen}, source, target, operation_id=operation_id, reason=reason)
    except Stale as stale:
        return _stale(stale, source, target)
    except Invalid as refused:
        db.session.rollback()
        if web.wants_json():
            raise
        return _one_page(key, refused.fields, 422)
    db.session.commit()
    return web.moved(url_for("flags.show", key=key))


@blueprint.get("/flags/compare")
@requires("viewer", key="read")
def compare() -> Response:
    query = parse_list(SPEC)
    source, target = _places()
    found = promotion.differing(source, target, query)
    return respond("flags/compare.html", found, **_compare_context(source, target, {}))


@blueprint.post("/flags/compare")
@requires("operator", within="to")
@asking
def promote_many() -> Response:
    source, target = _places()
    try:
        reason = _confirmed_for_many(target)
        versions = dict(_chosen(text) for text in request.form.getlist("flags"))
        operation_id = request.form.get("operation_id")
        promotion.promote(versions, source, target, operation_id=operation_id, reason=reason)
    except Stale as stale:
        return _stale(stale, source, target)
    except Invalid as refused:
        db.session.rollback()
        if web.wants_json():
            raise
        query = parse_list(SPEC)
        found = promotion.differing(source, target, query)
        context = _compare_context(source, target, refused.fields)
        return web.page("flags/compare.html", status=422, found=found, query=query, **context)
    db.session.commit()
    places: dict[str, Any] = {"from": source.slug, "to": target.slug}
    return web.moved(url_for("flags.promote.compare", **places))


def _places() -> tuple[Environment, Environment]:
    """From where to where; unless asked otherwise from the first environment to the last. Raises Invalid, NotFound."""
    if request.method == "POST" and not request.values.get("to"):
        raise Invalid({"to": "Choose the environment to promote to."})
    every = [place.slug for place in all_environments()]
    first, last = (every[0], every[-1]) if every else ("", "")
    source, target = request.values.get("from") or first, request.values.get("to") or last
    return environment_by_slug(source), environment_by_slug(target)


def _number(name: str) -> int:
    return forms.version_of({"version": [request.form.get(name, "")]})


def _chosen(text: str) -> tuple[str, tuple[int, int]]:
    """`key:version in the source:version in the target`, as the page wrote it."""
    key, _, rest = text.partition(":")
    source, _, target = rest.partition(":")
    return key, (forms.version_of({"version": [source]}), forms.version_of({"version": [target]}))


def _confirmed_for_many(target: Environment) -> str:
    """Like a change of one flag, with the name of the environment typed instead of a key. Raises Invalid."""
    return confirmed_as(target.slug, target)


def _stale(stale: Stale, source: Environment, target: Environment) -> Response:
    """Apply yours anyway sends the one flag that changed, as it is in the source now."""
    db.session.rollback()
    flag = flag_by_key(stale.key)
    fields = {"from": source.slug, "to": target.slug, "source_version": str(cell_of(flag, source).version)}
    action = url_for("flags.promote.promote_one", key=flag.key)
    version = cell_of(flag, target).version
    return conflicts.answer(stale, target, version, whole=True, action=action, fields=fields)


def _one_page(key: str, errors: Mapping[str, str], status: int = 200) -> Response:
    flag, (source, target) = flag_by_key(key), _places()
    pair = promotion.pair_of(flag, source, target)
    return web.page(
        "flags/promote.html", status=status, flag=flag, pair=pair, source=source, environment=target, errors=errors,
        differences=pair.differences, typed=request.form.to_dict(), section="flags",
        version=request.form.get("version", pair.version),
        source_version=request.form.get("source_version", pair.source.version),
    )  # fmt: skip


def _compare_context(source: Environment, target: Environment, errors: Mapping[str, str]) -> dict[str, Any]:
    return {
        "source": source,
        "environment": target,
        "environments": all_environments(),
        "changing": changing_in(target),
        "errors": errors,
        "typed": request.form.to_dict(),
        "chosen": request.form.getlist("flags"),
        "section": "flags",
    }
