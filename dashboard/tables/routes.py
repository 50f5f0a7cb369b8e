"""The tables pages: sizes and growth of all tables, one table in depth, indexes with their use."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

from flask import Blueprint, Response

from dashboard.changes.part_queries import indexes_added
from dashboard.changes.queries import marks
from dashboard.lists import ListPage, ListSpec, choices, parse_list, respond
from dashboard.names import decode
from dashboard.rollup import hours_kept, minutes_kept
from dashboard.security.guards import requires
from dashboard.tables import bloat_queries, growth, history_queries, index_queries, queries, steps, verdict_queries
from dashboard.tables.bloat_routes import blueprint as bloat
from dashboard.tables.collect import PROBE
from dashboard.tables.forecast import HORIZONS, forecast, together, why_not
from dashboard.tables.models import TableState
from dashboard.tables.rows import KIND_WORDS, KINDS, SizeAt
from dashboard.tables.use import use_words
from dashboard.targets.queries import probe_state, target_by_slug

blueprint = Blueprint("tables", __name__)
blueprint.register_blueprint(bloat)
TABLES = ListSpec(
    sorts=queries.SORTS,
    default_sort="total_bytes",
    filters={
        "schema": None,
        "kind": tuple(KINDS),
        "partitions": ("shown",),
        "growth": tuple(growth.SPANS),
        "view": ("map",),
    },
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
    target, now, query = target_by_slug(slug), datetime.now(UTC), parse_list(TABLES)
    state, is_map = probe_state(target.id, PROBE), query.filters.get("view") == "map"
    as_of = state.as_of if state else None
    found = queries.table_page(target.id, query, as_of)
    return respond(
        "tables/list.html",
        found,
        target=target,
        section="tables",
        schemas=queries.schema_names(target.id, as_of),
        kinds=KINDS,
        kind_words=KIND_WORDS,
        span=query.filters.get("growth", "24h"),
        spans=tuple(growth.SPANS),
        unknown=partial(growth.unknown_growth, now=now),
        boxes=queries.map_of(target.id, query) if is_map else (),
        lines=history_queries.sparklines(target.id, [] if is_map else [row.oid for row in found.rows], now, as_of),
        state=state,
    )


@blueprint.get("/t/<slug>/tables/<address>")
@requires("viewer", key="read")
def table(slug: str, address: str) -> Response:
    """As JSON or CSV: the sizes that its chart draws."""
    target, now = target_by_slug(slug), datetime.now(UTC)
    query = parse_list(SIZES)
    found = queries.table_named(target.id, *decode(address))
    since, until = query.span(now)
    sizes = history_queries.sizes_over(found, since, until)
    state, indexes = probe_state(target.id, PROBE), queries.indexes_of(found)
    return respond(
        "tables/table.html",
        ListPage(sizes, len(sizes), query, state.as_of if state else None),
        target=target,
        section="tables",
        table=found,
        kind_words=KIND_WORDS,
        parent=queries.table_by_oid(target.id, found.parent_oid),
        partitions=queries.partitions_of(found, MOST_PARTITIONS),
        indexes=indexes,
        index_lines=history_queries.index_sparklines(target.id, [index.oid for index in indexes], now),
        use=use_words,
        added=indexes_added(target.id, [index.name for index in indexes]) if indexes else {},
        spans=tuple(growth.SPANS),
        unknown=partial(growth.unknown_growth, now=now),
        state=state,
        verdicts=verdict_queries.verdicts_of(target.id, found.oid),
        **_history(target.id, found, sizes, (since, until), now),
        **_forecasts(target.id, found, now),
        **bloat_queries.shown(target.id, found),
    )


def _history(
    target_id: int, table: TableState, sizes: list[SizeAt], span: tuple[datetime, datetime], now: datetime
) -> dict[str, Any]:
    """The chart of a table: its lines, what changed around it, and the jumps that a change explains."""
    since, until = span
    readings = history_queries.readings_over(target_id, since, until)
    changes, longest = marks(target_id, since, until), growth.pause(now - since, minutes_kept(), hours_kept())
    names = (f"{table.schema}.{table.name}", table.name)
    return {
        "lines": growth.size_lines(sizes, since, until),
        "gaps": growth.gaps(readings, since, until, longest),
        "marks": changes,
        "steps": steps.explained(steps.steps(sizes, readings), changes, names),
        "since": since,
        "until": until,
    }


def _forecasts(target_id: int, table: TableState, now: datetime) -> dict[str, Any]:
    parts = {
        name: forecast(days) for name, days in history_queries.days_of(target_id, [table.oid], now)[table.oid].items()
    }
    return {
        "forecasts": parts,
        "ahead": {days: together(list(parts.values()), days) for days in HORIZONS},
        "why_not": why_not(parts),
    }


@blueprint.get("/t/<slug>/indexes")
@requires("viewer", key="read")
def indexes(slug: str) -> Response:
    target = target_by_slug(slug)
    state = probe_state(target.id, PROBE)
    as_of = state.as_of if state else None
    return respond(
        "tables/indexes.html",
        index_queries.index_page(target.id, parse_list(INDEXES), as_of),
        target=target,
        section="indexes",
        schemas=queries.schema_names(target.id, as_of, "index_state"),
        verdict_choices=choices(index_queries.JUDGEMENTS),
        use=use_words,
        state=state,
    )
