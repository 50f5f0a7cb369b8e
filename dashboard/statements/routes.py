"""The queries pages: what took the time of a target in a window, two windows beside each other, one family in depth."""

from datetime import UTC, datetime

from flask import Blueprint, Response

from dashboard.changes.queries import marks
from dashboard.errors import Invalid
from dashboard.lists import WINDOWS, ListPage, ListQuery, ListSpec, parse_list, respond
from dashboard.rollup import minutes_kept
from dashboard.security.guards import requires
from dashboard.statements import comparing, queries, readings, touching, windows
from dashboard.statements.collect import PROBE
from dashboard.statements.comparison import base_span
from dashboard.statements.latency import interval_means
from dashboard.statements.models import StatementReading
from dashboard.statements.windows import Evidence
from dashboard.targets.queries import probe_state, target_by_slug

blueprint = Blueprint("statements", __name__)
BASES = {"base": ("before", "day", "week"), "base_from": None, "base_to": None}
INTERVALS = ListSpec(sorts=("at",), default_sort="at", default_dir="asc", default_window="6h", filters=BASES)


@blueprint.get("/t/<slug>/queries")
@requires("viewer", key="read")
def statement_list(slug: str) -> Response:
    target = target_by_slug(slug)
    query = parse_list(queries.SPEC)
    last = readings.last_reading(target.id)
    since, until = query.span(readings.newest_end(last, datetime.now(UTC)))
    known = readings.evidence(target.id, until - since, until, last)
    return respond(
        "statements/list.html",
        queries.statements_of_window(target.id, known, query),
        target=target,
        section="queries",
        known=known,
        last=last,
        state=probe_state(target.id, PROBE),
    )


@blueprint.get("/t/<slug>/queries/compare")
@requires("viewer", key="read")
def compare(slug: str) -> Response:
    target = target_by_slug(slug)
    query = parse_list(comparing.SPEC)
    last = readings.last_reading(target.id)
    before, after = _windows(target.id, query, readings.newest_end(last, datetime.now(UTC)), last)
    return respond(
        "statements/compare.html",
        comparing.compared_families(target.id, before, after, query),
        target=target,
        section="queries",
        before=before,
        after=after,
        lane=marks(target.id, before.start, after.end),
        state=probe_state(target.id, PROBE),
    )


@blueprint.get("/t/<slug>/queries/<int(max=9223372036854775807):family_id>")
@requires("viewer", key="read")
def statement(slug: str, family_id: int) -> Response:
    """As JSON or CSV: the intervals that its charts draw."""
    target = target_by_slug(slug)
    query = parse_list(INTERVALS)
    family = queries.family_of(target.id, family_id)
    before, known = _windows(target.id, query, datetime.now(UTC))
    span, reach = known.end - known.start, datetime.now(UTC) - known.start
    step = windows.bucket(span, minutes_kept(), reach)
    intervals = readings.intervals_of(target.id, family_id, known, step)
    return respond(
        "statements/statement.html",
        ListPage(intervals, len(intervals), query, as_of=known.until),
        target=target,
        section="queries",
        family=family,
        last_seen=queries.last_seen(family),
        known=known,
        before=before,
        identities=queries.known_as(target.id, family_id),
        tables=touching.tables_of(family_id),
        told=queries.statement_in_window(target.id, family_id, known),
        compared=comparing.compared_family(target.id, family, before, known),
        means=interval_means([(one.calls, one.total_ms) for one in intervals]),
        step=step,
        charts_of=windows.charts(intervals),
        gaps=windows.gaps(known, intervals, step),
        losses=windows.losses(intervals, step),
        marks=marks(target.id, known.start, known.end),
        windows=WINDOWS,
        state=probe_state(target.id, PROBE),
    )


def _windows(
    target_id: int, query: ListQuery, now: datetime, last: StatementReading | None = None
) -> tuple[Evidence, Evidence]:
    """The evidence of the window to compare with, and of the window that was asked for. Raises Invalid."""
    span = query.span(now)
    base, problems = base_span(span, query.filters.get("base", "before"), query.filters)
    if problems:
        raise Invalid(problems)
    before, after = (readings.evidence(target_id, until - since, until, last) for since, until in (base, span))
    return before, after
