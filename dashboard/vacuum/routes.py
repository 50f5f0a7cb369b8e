"""The vacuum pages: tables that are due, running vacuums, the age of ids with their limits, sequences."""

from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response

from dashboard.changes.queries import marks
from dashboard.charts import spans
from dashboard.lists import ListPage, ListSpec, parse_list, respond
from dashboard.rollup import hours_kept, minutes_kept
from dashboard.security.guards import requires
from dashboard.tables.queries import schema_names
from dashboard.targets.queries import probe_state, target_by_slug
from dashboard.vacuum import queries, rules, sequence_queries
from dashboard.vacuum.live import RunningVacuum, running_vacuums
from dashboard.web import is_partial, wants_json

blueprint = Blueprint("vacuum", __name__)
TABLES = ListSpec(
    sorts=queries.SORTS, default_sort="due_share", filters={"schema": None, "state": tuple(queries.STATES)}
)
SEQUENCES = ListSpec(
    sorts=sequence_queries.SORTS,
    default_sort="used_share",
    filters={"schema": None, "state": tuple(sequence_queries.STATES)},
)
RUNNING = ListSpec(sorts=("started_at",), default_sort="started_at", default_dir="asc")
LIMITS = ListSpec(sorts=("limit_age",), default_sort="limit_age", default_dir="asc", default_window="7d")


@blueprint.get("/t/<slug>/vacuum")
@requires("viewer", key="read")
def tables(slug: str) -> Response:
    target = target_by_slug(slug)
    state = probe_state(target.id, "vacuum")
    as_of = state.as_of if state else None
    found = queries.vacuum_page(target.id, parse_list(TABLES), as_of)
    return respond(
        "vacuum/list.html",
        found,
        target=target,
        section="vacuum",
        counts=queries.counts(target.id, as_of),
        ids=queries.vacuum_state(target.id),
        schemas=schema_names(target.id, as_of, "table_vacuum"),
        stop_age=rules.STOP_AGE,
        state=state,
    )


@blueprint.get("/t/<slug>/vacuum/running")
@requires("viewer", key="read")
def running(slug: str) -> Response:
    target, query = target_by_slug(slug), parse_list(RUNNING)
    seen = running_vacuums(target)
    if seen.problem and wants_json():
        raise seen.problem
    found = ListPage[RunningVacuum](seen.vacuums, len(seen.vacuums), query, datetime.now(UTC))
    template = "vacuum/_running.html" if is_partial() else "vacuum/running.html"
    return respond(template, found, target=target, section="vacuum", seen=seen)


@blueprint.get("/t/<slug>/vacuum/limits")
@requires("viewer", key="read")
def limits(slug: str) -> Response:
    target, query, now = target_by_slug(slug), parse_list(LIMITS), datetime.now(UTC)
    since, until = query.span(now)
    ids, state = queries.vacuum_state(target.id), probe_state(target.id, "vacuum")
    points = queries.counter_points(target.id, since, until)
    seen_at = (since, *(one.slot for one in points), until)
    rows = queries.limit_rows(target.id, now)
    return respond(
        "vacuum/limits.html",
        ListPage(rows, len(rows), query, state.as_of if state else None),
        target=target,
        section="vacuum",
        ids=ids,
        xid_rates=rules.rates([(one.slot, one.next_xid) for one in points]),
        multixact_rates=rules.rates([(one.slot, one.next_multixact) for one in points]),
        marks=marks(target.id, since, until),
        since=since,
        until=until,
        gaps=spans([(at, 0) for at in seen_at], _longest(until - since, now - since)),
        state=state,
    )


def _longest(window: timedelta, reach: timedelta) -> timedelta:
    """How far two points may be apart: two collections, or two of what is kept of as long ago."""
    usual = timedelta(hours=1) if reach > minutes_kept() else timedelta(minutes=15)
    usual = timedelta(days=1) if reach > hours_kept() else usual
    return 2 * max(usual, window / queries.MOST_POINTS) + timedelta(minutes=10)


@blueprint.get("/t/<slug>/vacuum/sequences")
@requires("viewer", key="read")
def sequences(slug: str) -> Response:
    target = target_by_slug(slug)
    return respond(
        "vacuum/sequences.html",
        sequence_queries.sequence_page(target.id, parse_list(SEQUENCES)),
        target=target,
        section="vacuum",
        schemas=sequence_queries.schema_names(target.id),
        state=probe_state(target.id, "sequences"),
    )
