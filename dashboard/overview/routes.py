"""`/`: every target at a glance; `/t/<target>/`: one of them."""

from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response, request

from dashboard import web
from dashboard.alerts.queries import firing_alerts
from dashboard.changes.queries import latest_changes, marks, target_changes
from dashboard.findings.queries import open_counts
from dashboard.history.queries import pending_counts
from dashboard.lists import ListSpec, choices, parse_list, parse_window, respond
from dashboard.overview.queries import SORTS, target_page
from dashboard.security.guards import requires
from dashboard.server.queries import course, newest_counters, size_sparks
from dashboard.statements.queries import slowest_families
from dashboard.statements.slowest import slowest_of_hour
from dashboard.tables.queries import largest_tables
from dashboard.targets.queries import all_environments, probe_states, target_by_slug

blueprint = Blueprint("overview", __name__)
SPEC = ListSpec(sorts=tuple(SORTS), default_sort="environment", default_dir="desc", filters={"environment": None})
HOUR = timedelta(hours=1)
WINDOWS = ("1h", "6h", "24h", "7d")


@blueprint.get("/")
@requires("viewer", key="read")
def index() -> Response:
    found = target_page(parse_list(SPEC))
    now = datetime.now(UTC)
    ids = [row.id for row in found.rows]
    return respond(
        "overview/index.html",
        found,
        section="overview",
        environments=choices(environment.slug for environment in all_environments()),
        sparks=size_sparks(ids, now - timedelta(hours=24)),
        slowest=slowest_families(now - HOUR, limit=8),
        slugs={row.id: row.slug for row in found.rows},
        pending=pending_counts(ids),
        findings=open_counts(ids, now),
        alerts=firing_alerts(5),
        changes=latest_changes(8),
    )


@blueprint.get("/t/<slug>/")
@requires("viewer", key="read")
def summary(slug: str) -> Response:
    target = target_by_slug(slug)
    window = request.args.get("window", "1h")
    now = datetime.now(UTC)
    since = now - parse_window(window)
    drawn = course(target.id, since, now)
    return web.page(
        "overview/summary.html",
        target=target,
        section="summary",
        window=window,
        windows=WINDOWS,
        state=newest_counters(target.id),
        series=drawn.series,
        gaps=drawn.gaps,
        since=since,
        until=now,
        marks=marks(target.id, since, now),
        slowest=slowest_of_hour(target.id, now, limit=5),
        slugs={target.id: target.slug},
        largest=largest_tables(target.id, limit=5),
        pending=pending_counts([target.id]).get(target.id, 0),
        findings=open_counts([target.id], now).get(target.id, {}),
        alerts=[alert for alert in firing_alerts(50) if alert.target == target.slug],
        changes=target_changes(target, 8),
        probes=probe_states(target.id),
    )
