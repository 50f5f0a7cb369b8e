"""HTTP of the migration history: the list with its graph, and a revision with its source."""

from flask import Blueprint, Response

from dashboard import lists, web
from dashboard.history import lanes, queries
from dashboard.history.models import STATES, HeadMove
from dashboard.history.source import tokens
from dashboard.lists import ListQuery, ListSpec, parse_list
from dashboard.security.guards import requires
from dashboard.targets.queries import probe_state, target_by_slug

blueprint = Blueprint("history", __name__)
MIGRATIONS = ListSpec(sorts=queries.SORTS, default_sort="position", filters={"state": STATES})
MOVES_SHOWN = 10


@blueprint.get("/t/<slug>/migrations")
@requires("viewer", key="read")
def migrations(slug: str) -> Response:
    target = target_by_slug(slug)
    query = parse_list(MIGRATIONS)
    found = queries.revision_page(target.id, query)
    moves = queries.newest_moves(target.id, MOVES_SHOWN)
    drawing = _drawing(target.id, query)
    return lists.respond(
        "history/list.html",
        found,
        target=target,
        section="migrations",
        states=[(state, state.replace("_", " ")) for state in STATES],
        probe=probe_state(target.id, "history"),
        reading=queries.last_reading(target.id),
        counts=queries.state_counts(target.id),
        moves=moves,
        known={row.revision for row in queries.named(target.id, _heads(moves))},
        drawing=drawing,
        drawing_width=lanes.width(list(drawing.values())),
        most_lanes=lanes.MOST_LANES,
    )


@blueprint.get("/t/<slug>/migrations/<path:revision>")
@requires("viewer", key="read")
def migration(slug: str, revision: str) -> Response:
    target = target_by_slug(slug)
    found = queries.revision(target.id, revision)
    reading = queries.last_reading(target.id)
    findings = [] if reading is None else [*reading.findings, *reading.folder_findings]
    return web.page(
        "history/revision.html",
        target=target,
        section="migrations",
        row=found,
        reading=reading,
        probe=probe_state(target.id, "history"),
        parents=queries.named(target.id, [*found.down_revisions, *found.depends_on]),
        children=queries.children(target.id, found.revision),
        findings=[finding for finding in findings if finding["subject"] in {found.revision, found.path}],
        source_tokens=tokens(found.source) if found.source else None,
    )


def _drawing(target_id: int, query: ListQuery) -> dict[str, lanes.LaneRow]:
    """The graph stands beside the list only in the order in which it can be followed."""
    if query.q or query.filters or query.sort != "position" or not query.descending:
        return {}
    return lanes.draw(queries.drawn_order(target_id))


def _heads(moves: list[HeadMove]) -> list[str]:
    return sorted({head for move in moves for head in (*move.heads, *(move.heads_before or ()))})
