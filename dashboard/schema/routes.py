"""The schema pages: everything in the database, one relation in depth, and the diagram."""

from typing import Any

from flask import Blueprint, Response, request, url_for

from dashboard import web
from dashboard.errors import Invalid
from dashboard.lists import ListPage, ListSpec, parse_list, respond
from dashboard.names import decode, encode
from dashboard.schema import neighbourhood, queries
from dashboard.schema.collect import PROBE
from dashboard.schema.diagram import overview
from dashboard.schema.rules import KIND_WORDS, KINDS
from dashboard.security.guards import requires
from dashboard.tables.queries import size_named
from dashboard.targets.queries import probe_state, target_by_slug

blueprint = Blueprint("schema", __name__)
RELATIONS = ListSpec(
    sorts=queries.SORTS,
    default_sort="name",
    default_dir="asc",
    filters={"schema": None, "kind": tuple(KINDS), "partitions": ("shown",)},
)
COLUMNS = ListSpec(sorts=("position",), default_sort="position", default_dir="asc")
MOST_PARTITIONS = 200


@blueprint.get("/t/<slug>/schema")
@requires("viewer", key="read")
def relations(slug: str) -> Response:
    target = target_by_slug(slug)
    query = parse_list(RELATIONS)
    return respond(
        "schema/list.html",
        queries.relation_page(target.id, query),
        target=target,
        section="schema",
        counts=queries.schema_counts(target.id),
        kinds=KINDS,
        kind_words=KIND_WORDS,
        state=probe_state(target.id, PROBE),
    )


@blueprint.get("/t/<slug>/schema/<address>")
@requires("viewer", key="read")
def relation(slug: str, address: str) -> Response:
    """As JSON or CSV: its columns."""
    target = target_by_slug(slug)
    found = queries.relation_named(target.id, *decode(address))
    columns = found.detail.get("columns", [])
    around = neighbourhood.neighbourhood(target.id, (found.schema, found.name), hops=1, columns="keys")
    return respond(
        "schema/relation.html",
        ListPage(columns, len(columns), parse_list(COLUMNS), queries.seen_until(target.id)),
        target=target,
        section="schema",
        relation=found,
        kind_words=KIND_WORDS,
        referenced_by=queries.references_to(target.id, found.schema, found.name),
        partitions=queries.partitions_of(target.id, found.schema, found.name, MOST_PARTITIONS),
        users=queries.users_of_enum(target.id, found.schema, found.name, MOST_PARTITIONS) if found.kind == "e" else [],
        size=size_named(target.id, found.schema, found.name),
        around=around,
        focus_url=_focus_url(slug, hops=1, columns="keys"),
        state=probe_state(target.id, PROBE),
    )


@blueprint.get("/t/<slug>/schema/diagram")
@requires("viewer", key="read")
def diagram(slug: str) -> Response:
    target = target_by_slug(slug)
    hops, columns = _choice("hops", ("1", "2")), _choice("columns", ("keys", "all", "none"))
    context: dict[str, Any] = {"target": target, "section": "schema", "state": probe_state(target.id, PROBE)}
    if not (address := request.args.get("focus")):
        counts = queries.schema_counts(target.id)
        drawn = overview(counts, queries.references_between_schemas(target.id))
        starts = neighbourhood.starting_points(target.id)
        return web.page("schema/overview.html", picture=drawn, counts=counts, starts=starts, **context)
    found = queries.relation_named(target.id, *decode(address))
    around = neighbourhood.neighbourhood(target.id, (found.schema, found.name), hops=int(hops), columns=columns)
    return web.page(
        "schema/diagram.html",
        relation=found,
        around=around,
        hops=hops,
        columns=columns,
        kind_words=KIND_WORDS,
        focus_url=_focus_url(slug, hops=int(hops), columns=columns),
        **context,
    )


@blueprint.app_template_filter("relation_address")
def relation_address(key: tuple[str, str]) -> str:
    """(schema, name) as the address of its page."""
    return encode(*key)


def _focus_url(slug: str, *, hops: int, columns: str) -> Any:
    return lambda key: url_for("schema.diagram", slug=slug, focus=encode(*key), hops=hops, columns=columns)


def _choice(name: str, allowed: tuple[str, ...]) -> str:
    value = request.args.get(name, allowed[0])
    if value not in allowed:
        raise Invalid({name: f"“{name}” is one of: {', '.join(allowed)}."})
    return value
