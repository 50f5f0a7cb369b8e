"""The queries page: what took the time of a target in a window, and one family in depth."""

from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response

from dashboard.changes.queries import marks
from dashboard.lists import WINDOWS, ListPage, ListSpec, parse_list, respond
from dashboard.rollup import minutes_kept
from dashboard.security.guards import requires
from dashboard.statements import queries, readings, windows
from dashboard.statements.collect import PROBE
from dashboard.targets.queries import probe_state, target_by_slug

blueprint = Blueprint("statements", __name__)
HOUR = timedelta(hours=1)
LONGEST_LAID_OUT = 4_000  # laying out takes time that grows with the text: a second for 10,000 characters
INTERVALS = ListSpec(sorts=("at",), default_sort="at", default_dir="asc", default_window="6h")


@blueprint.get("/t/<slug>/queries")
@requires("viewer", key="read")
def statement_list(slug: str) -> Response:
    target = target_by_slug(slug)
    query = parse_list(queries.SPEC)
    known = readings.evidence(target.id, query.window or HOUR, datetime.now(UTC))
    return respond(
        "statements/list.html",
        queries.statements_of_window(target.id, known, query),
        target=target,
        section="queries",
        known=known,
        last=readings.last_reading(target.id),
        state=probe_state(target.id, PROBE),
    )


@blueprint.get("/t/<slug>/queries/<int(max=9223372036854775807):family_id>")
@requires("viewer", key="read")
def statement(slug: str, family_id: int) -> Response:
    """As JSON or CSV: the intervals that its charts draw."""
    target = target_by_slug(slug)
    query = parse_list(INTERVALS)
    family = queries.family_of(target.id, family_id)
    window = query.window or HOUR
    known = readings.evidence(target.id, window, datetime.now(UTC))
    step = windows.bucket(window, minutes_kept())
    intervals = readings.intervals_of(target.id, family_id, known, step)
    return respond(
        "statements/statement.html",
        ListPage(intervals, len(intervals), query, as_of=known.until),
        target=target,
        section="queries",
        family=family,
        is_laid_out=len(family.text) <= LONGEST_LAID_OUT,
        known=known,
        entries=queries.known_as(target.id, family_id),
        told=queries.statement_in_window(target.id, family_id, known),
        charts_of=windows.charts(intervals),
        gaps=windows.gaps(intervals, step),
        marks=marks(target.id, known.start, known.end),
        windows=WINDOWS,
        state=probe_state(target.id, PROBE),
    )
