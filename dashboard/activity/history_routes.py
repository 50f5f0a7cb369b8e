"""/t/<target>/activity/history: what a database was doing at a time, and how it is looked at."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, request, url_for

from dashboard import web
from dashboard.activity import edits, history_queries, shares
from dashboard.activity.sampled import INTERVALS_S, sampling_of
from dashboard.activity.shares import FamilyRow
from dashboard.activity.stacks import stack
from dashboard.changes.queries import marks
from dashboard.errors import Invalid
from dashboard.lists import WINDOWS, ListPage, ListQuery, ListSpec, parse_list, respond
from dashboard.rollup import hours_kept, minutes_kept
from dashboard.security.guards import requires
from dashboard.store import db
from dashboard.targets.forms import version_of
from dashboard.targets.queries import target_by_slug

blueprint = Blueprint("history", __name__)
SPEC = ListSpec(sorts=tuple(shares.SORTS), default_sort="active", default_window="1h", filters={"at": None})
LAYERS = (*shares.CLASSES, shares.REST)
SHOWN = 8


@blueprint.get("/t/<slug>/activity/history")
@requires("viewer", key="read")
def show(slug: str) -> Response:
    target = target_by_slug(slug)
    query, now = parse_list(SPEC), datetime.now(UTC)
    since, until = query.span(now)
    step = shares.step_of(until - since, minutes_kept(), hours_kept(), now - since)
    picked = _picked(query, step)
    span = picked or (since, until)
    known = history_queries.looked(target.id, *span)
    kinds = history_queries.kinds(target.id, *span)
    families = history_queries.families(target.id, [one.queryid for one in kinds if one.queryid is not None])
    rows = shares.by_family(kinds, known.looks, families)
    context: dict[str, Any] = {}
    if request.args.get("format", "html") == "html":
        changes = marks(target.id, since, until)
        found = history_queries.buckets(target.id, since, until, step)
        context = {
            "buckets": found,
            "layers": LAYERS,
            "stack": stack(found, LAYERS, step, (since, until), marks=[change["at"] for change in changes]),
            "marks": changes,
            "parts": [
                ("Waits", shares.by_wait(kinds, known.looks)[:SHOWN]),
                ("Applications", shares.by_application(kinds, known.looks)[:SHOWN]),
                ("Roles", shares.by_user(kinds, known.looks)[:SHOWN]),
            ],
            "blockers": history_queries.blockers(target.id, *span),
            "sampling": sampling_of(target.id),
        }
    return respond(
        "activity/history.html", _listed(query, rows, known.until), target=target, section="activity",
        known=known, span=span, picked=picked, step=step, windows=WINDOWS, intervals=INTERVALS_S, **context,
    )  # fmt: skip


@blueprint.post("/t/<slug>/activity/sampling")
@requires("operator")
def sampling(slug: str) -> Response:
    target = target_by_slug(slug)
    edits.change_sampling(target, request.form.get("mode", ""), version=version_of(request.form))
    db.session.commit()
    return web.moved(url_for("activity.history.show", slug=slug))


def _picked(query: ListQuery, step: timedelta) -> tuple[datetime, datetime] | None:
    """The bar that was clicked."""
    text = query.filters.get("at")
    if not text:
        return None
    at = shares.minute_of(text)
    if at is None:
        raise Invalid({"at": "A time is written like 2026-11-21T14:32:00Z."})
    return at, at + step


def _listed(query: ListQuery, rows: list[FamilyRow], as_of: datetime | None) -> ListPage[FamilyRow]:
    words = query.q.casefold()
    found = [one for one in rows if words in one.text.casefold()]
    found.sort(key=shares.SORTS[query.sort], reverse=query.descending)
    return ListPage(found[query.offset : query.offset + query.limit], len(found), query, as_of=as_of)
