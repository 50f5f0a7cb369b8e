"""The server behind a target: what it does, who follows it, and how it is set."""

from datetime import UTC, datetime

from flask import Blueprint, Response

from dashboard.changes.queries import marks
from dashboard.lists import ListSpec, choices, parse_list, respond
from dashboard.security.guards import requires
from dashboard.server import page_queries, replication_queries, setting_queries
from dashboard.server.measures import measures, rates_of
from dashboard.server.queries import course, newest_counters
from dashboard.targets.queries import probe_states, target_by_slug
from dashboard.web import page

blueprint = Blueprint("server", __name__)
SPEC = ListSpec(sorts=page_queries.IO_SORTS, default_sort="read_bytes", default_window="1h")
REPLICATION = ListSpec(sorts=replication_queries.SORTS, default_sort="kind", default_dir="asc", default_window="6h")
SETTINGS = ListSpec(
    sorts=tuple(setting_queries.SORTS),
    default_sort="name",
    default_dir="asc",
    filters={"which": tuple(setting_queries.WHICH), "category": None},
)
WHICH = [
    ("", "All"),
    ("changed", "Differs from default"),
    ("pending", "Waits for a restart"),
    ("noticed", "Changed while watched"),
]


@blueprint.get("/t/<slug>/server")
@requires("viewer", key="read")
def show(slug: str) -> Response:
    """As JSON or CSV: what was read and written in the window, by who, of what and how."""
    target, query, now = target_by_slug(slug), parse_list(SPEC), datetime.now(UTC)
    since, until = query.span(now)
    window = page_queries.window_of(target.id, since, until, now)
    return respond(
        "server/show.html",
        page_queries.io_page(target.id, query, since, until),
        target=target,
        section="server",
        state=newest_counters(target.id),
        measured=measures(window.samples, window.step),
        rates=rates_of(window.samples, window.step),
        gaps=window.gaps,
        connections=page_queries.connections_of(target.id, since, until, window.step),
        io=page_queries.io_window(target.id, since, until),
        probes={probe.probe: probe for probe in probe_states(target.id)},
        marks=marks(target.id, since, until),
        since=since,
        until=until,
    )


@blueprint.get("/t/<slug>/server/replication")
@requires("viewer", key="read")
def replication(slug: str) -> Response:
    """As JSON or CSV: followers, slots and subscriptions, with the reason that a slot holds WAL."""
    target, query, now = target_by_slug(slug), parse_list(REPLICATION), datetime.now(UTC)
    since, until = query.span(now)
    state, read = newest_counters(target.id), replication_queries.replication_of(target.id)
    return respond(
        "server/replication.html",
        replication_queries.part_page(read, query),
        target=target,
        section="server",
        state=state,
        read=read,
        own=replication_queries.own_standing(read),
        standbys=replication_queries.watched_standbys(target),
        primaries=replication_queries.primaries_of(state),
        course=replication_queries.lag_course(target.id, since, until, now),
        gaps=course(target.id, since, until).gaps,
        probes={probe.probe: probe for probe in probe_states(target.id)},
        marks=marks(target.id, since, until),
        since=since,
        until=until,
    )


@blueprint.get("/t/<slug>/server/settings")
@requires("viewer", key="read")
def setting_list(slug: str) -> Response:
    target, query = target_by_slug(slug), parse_list(SETTINGS)
    return respond(
        "server/settings.html",
        setting_queries.setting_page(target.id, query),
        target=target,
        section="server",
        counted=setting_queries.counted(target.id),
        which=WHICH,
        categories=choices(setting_queries.categories(target.id)),
        probes={probe.probe: probe for probe in probe_states(target.id)},
    )


@blueprint.get("/t/<slug>/server/settings/<name>")
@requires("viewer", key="read")
def setting(slug: str, name: str) -> Response:
    target = target_by_slug(slug)
    return page(
        "server/setting.html",
        target=target,
        section="server",
        setting=setting_queries.setting_named(target.id, name),
        changes=setting_queries.setting_changes(target.id, name),
        probes={probe.probe: probe for probe in probe_states(target.id)},
    )
