"""HTTP of configuration: its list, its short form, one value; pages for people, JSON for scripts."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, jsonify, request, url_for

from dashboard import web
from dashboard.errors import Invalid
from dashboard.flags import configuration, configuration_queries, conflicts, forms
from dashboard.flags import configuration_edits as edits
from dashboard.flags.asking import asking
from dashboard.flags.configuration import Sent
from dashboard.flags.configuration_queries import Value, configuration_by_key
from dashboard.flags.confirming import confirmed_as
from dashboard.flags.ledger import definition_of
from dashboard.flags.matrix import owners_and_tags
from dashboard.flags.models import TYPES, Flag
from dashboard.flags.queries import Cell, cell_of
from dashboard.flags.saving import Stale
from dashboard.formats import json_value
from dashboard.lists import ListSpec, parse_list, respond
from dashboard.security.access import check_role
from dashboard.security.guards import requires
from dashboard.store import db
from dashboard.targets.queries import all_environments, environment_by_slug

blueprint = Blueprint("configuration", __name__, url_prefix="/configuration")
SPEC = ListSpec(
    sorts=configuration_queries.SORTS,
    default_sort="key",
    default_dir="asc",
    filters={"environment": None, "type": TYPES, "owner": None, "tag": None, "archived": ("0", "1")},
)


@blueprint.get("")
@requires("viewer", key="read")
def index() -> Response:
    query, places = parse_list(SPEC), all_environments()
    if web.wants_json():
        found = configuration_queries.values(query)
        csv = request.args.get("format") == "csv"
        return respond("", found) if csv else _told(found.rows, total=found.total, page=query.page, as_of=found.as_of)
    key, _, slug = request.args.get("changed", "").partition(":")
    keys = configuration_queries.keys(query, places)
    owners, tags = owners_and_tags(keys.as_of, datetime.now(UTC))
    return respond(
        "flags/configuration.html", keys, environments=places, owners=owners, tags=tags,
        changed_key=key, changed_slug=slug, section="flags",
    )  # fmt: skip


@blueprint.get("/new")
@requires("operator")
def new() -> Response:
    ticked = [place.slug for place in all_environments() if not place.is_production][:1]
    return _new_page(Sent({}, "", ticked), {})


@blueprint.post("")
@requires("operator")
@asking
def create() -> Response:
    sent = _sent()
    try:
        for slug in sent.environments:
            check_role("operator", slug)
        places = [environment_by_slug(slug) for slug in sent.environments]
        for place in places:
            confirmed_as(sent.fields.get("key", ""), place, typed=sent.fields)
        flag = edits.create(sent, places)
    except Invalid as refused:
        return _refused(refused, lambda errors: _new_page(sent, errors, 422))
    db.session.commit()
    if web.wants_json():
        return _told(configuration_queries.values_of(flag, sent.environments), status=201)
    return web.moved(url_for("flags.configuration.index", changed=f"{flag.key}:{sent.environments[0]}"))


@blueprint.get("/<key>")
@requires("viewer", key="read")
def show(key: str) -> Response:
    flag = configuration_by_key(key)
    if web.wants_json():
        return _told(configuration_queries.values_of(flag))
    return web.moved(url_for("flags.show", key=key))


@blueprint.get("/<key>/in/<slug>")
@requires("operator", within="slug")
def edit(key: str, slug: str) -> Response:
    flag, environment = configuration_by_key(key), environment_by_slug(slug)
    cell = cell_of(flag, environment)
    if cell.setting and not configuration.is_plain(definition_of(cell.setting)):
        return web.moved(url_for("flags.setting.edit", key=key, slug=slug))
    value = next(iter(cell.setting.variants.values())) if cell.setting else None
    text = configuration.text_of(value, flag.type) if cell.setting else ""
    return _edit_page(flag, cell, Sent({"version": str(cell.version)}, text, ()), {})


@blueprint.post("/<key>/in/<slug>")
@requires("operator", within="slug")
@asking
def save(key: str, slug: str) -> Response:
    flag, environment, sent = configuration_by_key(key), environment_by_slug(slug), _sent()
    try:
        confirmed_as(key, environment, typed=sent.fields)
        edits.put(flag, environment, sent, version=forms.version_of({"version": [sent.fields.get("version", "")]}))
    except Stale as stale:
        return conflicts.answer(stale, environment, cell_of(flag, environment).version)
    except Invalid as refused:
        return _refused(refused, lambda errors: _again(key, slug, sent, errors))
    db.session.commit()
    if web.wants_json():
        return _told(configuration_queries.values_of(flag, [slug]))
    return web.moved(url_for("flags.configuration.index", changed=f"{key}:{slug}"))


def _sent() -> Sent:
    if request.is_json:
        return configuration.from_json(request.get_data(as_text=True))
    return configuration.from_form(request.form.to_dict(flat=False))


def _told(rows: Sequence[Value], status: int = 200, **more: Any) -> Response:
    """Values as the list has them."""
    told = [{name: json_value(value) for name, value in row.json().items()} for row in rows]
    answer = jsonify(rows=told, **{"total": len(told)} | {name: json_value(value) for name, value in more.items()})
    answer.status_code = status
    return answer


def _refused(refused: Invalid, show: Callable[[Mapping[str, str]], Response]) -> Response:
    """The same form with what is wrong; a form of one value has no variants to name."""
    db.session.rollback()
    named = {"value" if name == "variants" else name: words for name, words in refused.fields.items()}
    if web.wants_json():
        raise Invalid(named)
    return show(named)


def _new_page(sent: Sent, errors: Mapping[str, str], status: int = 200) -> Response:
    return web.page(
        "flags/configuration_new.html", status=status, sent=sent, typed=sent.fields, errors=errors,
        environments=all_environments(), section="flags",
    )  # fmt: skip


def _again(key: str, slug: str, sent: Sent, errors: Mapping[str, str]) -> Response:
    flag = configuration_by_key(key)
    return _edit_page(flag, cell_of(flag, environment_by_slug(slug)), sent, errors, 422)


def _edit_page(flag: Flag, cell: Cell, sent: Sent, errors: Mapping[str, str], status: int = 200) -> Response:
    return web.page(
        "flags/configuration_edit.html", status=status, flag=flag, cell=cell, sent=sent, typed=sent.fields,
        errors=errors, environment=cell.environment, section="flags",
    )  # fmt: skip
