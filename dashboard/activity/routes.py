"""The activity page: what the sessions of a target do now, who waits for whom, and how busy it has been."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response

from dashboard.activity import queries, rules, tree
from dashboard.activity.history_routes import blueprint as history
from dashboard.activity.live import sessions_of
from dashboard.activity.session_routes import blueprint as sessions
from dashboard.changes.queries import marks
from dashboard.charts import spans
from dashboard.lists import WINDOWS, ListPage, ListQuery, ListSpec, parse_list, respond
from dashboard.rollup import minutes_kept
from dashboard.security.guards import requires
from dashboard.targets.queries import target_by_slug
from dashboard.web import wants_json

blueprint = Blueprint("activity", __name__)
blueprint.register_blueprint(sessions)
blueprint.register_blueprint(history)
SHOWN, LOCKS_SHOWN = 200, 10
LATE = timedelta(minutes=3)
STATES = ("active", "transaction", "blocked", "idle")
SPEC = ListSpec(
    sorts=tuple(rules.SORTS),
    default_sort="transaction_ms",
    default_window="6h",
    filters={"state": STATES, "locks": ("all",)},
)


@blueprint.get("/t/<slug>/activity")
@requires("viewer", key="read")
def session_list(slug: str) -> Response:
    target = target_by_slug(slug)
    query = parse_list(SPEC)
    now = datetime.now(UTC)
    seen = sessions_of(target, now)
    if seen.problem and wants_json():
        raise seen.problem
    # To the minute, so that the page stays as it is while nothing happens: it is asked for every two seconds.
    since, until = query.span(now.replace(second=0, microsecond=0))
    step = queries.step_of(until - since, minutes_kept(), now - since)
    busy = queries.busy_sessions(target.id, since, until, step)
    return respond(
        "activity/list.html",
        _page(query, seen.sessions, seen.as_of),
        target=target,
        section="activity",
        seen=seen,
        locks_shown=200 if query.filters.get("locks") else LOCKS_SHOWN,
        long=rules.long_transactions(seen.sessions),
        idle=rules.idle_transactions(seen.sessions),
        tree=tree.blocking_tree(seen.sessions),
        busy=busy,
        windows=WINDOWS,
        marks=marks(target.id, since, until),
        gaps=spans([(at, 0) for at in (since, *(one.at for one in busy), until)], max(2 * step, LATE)),
        since=since,
        until=until,
    )


def _page(query: ListQuery, sessions: list[rules.Session], as_of: datetime | None) -> ListPage[rules.Session]:
    """Two hundred sessions at once: what somebody looks for in an incident is on the first page."""
    query = replace(query, size=max(SHOWN, query.size))
    found = rules.matching(sessions, query.q, query.filters.get("state"))
    found = rules.ordered(found, query.sort, descending=query.descending)
    return ListPage(found[query.offset : query.offset + query.limit], len(found), query, as_of=as_of)
