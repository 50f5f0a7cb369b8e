"""The advice pages: indexes that the workload of the last day asks for, and why the other families got none."""

from flask import Blueprint, Response

from dashboard.advice import queries, words
from dashboard.advice.collect import CADENCE, PROBE
from dashboard.advice.selectivity import span_text
from dashboard.formats import count_text, ms_text, percent_text
from dashboard.lists import parse_list, respond
from dashboard.security.guards import requires
from dashboard.targets.queries import probe_state, target_by_slug
from dashboard.targets.timetable import EVERY

blueprint = Blueprint("advice", __name__)


@blueprint.get("/t/<slug>/advice")
@requires("viewer", key="read")
def advice(slug: str) -> Response:
    target = target_by_slug(slug)
    found = queries.advice_page(target.id, parse_list(queries.SPEC))
    return respond(
        "advice/list.html",
        found,
        target=target,
        section="indexes",
        run=queries.last_run(target.id),
        texts=queries.texts_of(target.id, {family["id"] for row in found.rows for family in row.families}),
        reasons=queries.reason_counts(target.id),
        reason_words=words.REASONS,
        span=span_text,
        tell={"ms": ms_text, "percent": percent_text, "count": count_text},
        state=probe_state(target.id, PROBE),
        source=probe_state(target.id, "statements"),
        every=EVERY[CADENCE],
    )


@blueprint.get("/t/<slug>/advice/reasons")
@requires("viewer", key="read")
def reasons(slug: str) -> Response:
    target = target_by_slug(slug)
    return respond(
        "advice/reasons.html",
        queries.reason_page(target.id, parse_list(queries.REASONS)),
        target=target,
        section="indexes",
        run=queries.last_run(target.id),
        reasons=queries.reason_counts(target.id),
        reason_words=words.REASONS,
        state=probe_state(target.id, PROBE),
        source=probe_state(target.id, "statements"),
        every=EVERY[CADENCE],
    )
