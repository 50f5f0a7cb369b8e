"""The tables pages: sizes and growth of all tables, one table in depth, indexes with their use."""

from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response

from dashboard.changes.queries import marks
from dashboard.lists import WINDOWS, ListPage, ListSpec, choices, parse_list, respond
from dashboard.names import decode
from dashboard.security.guards import requires
from dashboard.tables import bloat_queries, growth, history_queries, index_queries, queries, verdict_queries
from dashboard.tables.bloat_routes import blueprint as bloat
from dashboard.tables.collect import PROBE
from dashboard.tables.rows import KIND_WORDS, KINDS
from dashboard.tables.use import use_words
from dashboard.targets.queries import probe_state, target_by_slug

blueprint = Blueprint("tables", __name__)
blueprint.register_blueprint(bloat)
WEEK = timedelta(days=7)
TABLES = ListSpec(
    sorts=queries.SORTS,
    default_sort="total_bytes",
    filters={"schema": None, "kind": tuple(KINDS), "partitions": ("shown",)},
)
INDEXES = ListSpec(
    sorts=index_queries.SORTS,
    default_sort="size_bytes",
    filters={
        "schema": None,
        "state": tuple(index_queries.STATES),
        "verdict": index_queries.JUDGEMENTS,
        "partitions": ("shown",),
    },
)
SIZES = ListSpec(sorts=("at",), default_sort="at", default_dir="asc", default_window="7d")
MOST_PARTITIONS = 500


@blueprint.get("/t/<slug>/tables")
@requires("viewer", key="read")
def tables(slug: str) -> Response:
    target = target_by_slug(slug)
    found = queries.table_page(target.id, parse_list(TABLES))
    return respond(
        "tables/list.html",
        found,
        target=target,
        section="tables",
        schemas=queries.schema_names(target.id),
        kinds=KINDS,
        kind_words=KIND_WORDS,
        lines=history_queries.sparklines(target.id, [row.oid for row in found.rows], datetime.now(UTC)),
        state=probe_state(target.id, PROBE),
    )


@blueprint.get("/t/<slug>/tables/<address>")
@requires("viewer", key="read")
def table(slug: str, address: str) -> Response:
    """As JSON or CSV: the sizes that its chart draws."""
    target, now = target_by_slug(slug), datetime.now(UTC)
    query = parse_list(SIZES)
    found = queries.table_named(target.id, *decode(address))
    since = now - (query.window or WEEK)
    sizes = history_queries.sizes_over(found, since, now)
    state = probe_state(target.id, PROBE)
    return respond(
        "tables/table.html",
        ListPage(sizes, len(sizes), query, state.as_of if state else None),
        target=target,
        section="tables",
        table=found,
        kind_words=KIND_WORDS,
        parent=queries.table_by_oid(target.id, found.parent_oid),
        partitions=queries.partitions_of(found, MOST_PARTITIONS),
        indexes=queries.indexes_of(found),
        use=use_words,
        lines=growth.size_lines(sizes, since, now),
        marks=marks(target.id, since, now),
        since=since,
        until=now,
        windows=WINDOWS,
        state=state,
        verdicts=verdict_queries.verdicts_of(target.id, found.oid),
        **bloat_queries.shown(target.id, found),
    )


@blueprint.get("/t/<slug>/indexes")
@requires("viewer", key="read")
def indexes(slug: str) -> Response:
    target = target_by_slug(slug)
    return respond(
        "tables/indexes.html",
        index_queries.index_page(target.id, parse_list(INDEXES)),
        target=target,
        section="indexes",
        schemas=index_queries.index_schema_names(target.id),
        verdict_choices=choices(index_queries.JUDGEMENTS),
        use=use_words,
        state=probe_state(target.id, PROBE),
    )
