"""/changes: the change lane as a list; /changes/<id>: what happened."""

from datetime import UTC, datetime

from flask import Blueprint, Response

from dashboard import web
from dashboard.changes.models import KINDS
from dashboard.changes.queries import change_by_id, change_page, neighbours
from dashboard.lists import ListSpec, choices, parse_list, respond
from dashboard.security.guards import requires
from dashboard.targets.queries import all_environments, all_targets

blueprint = Blueprint("changes", __name__)
SPEC = ListSpec(
    sorts=("at", "kind", "title", "author"),
    default_sort="at",
    default_window="7d",
    filters={"kind": KINDS, "target": None, "environment": None},
)


@blueprint.get("/changes")
@requires("viewer", key="read")
def change_list() -> Response:
    query = parse_list(SPEC)
    now = datetime.now(UTC)
    found = change_page(query, now)
    return respond(
        "changes/list.html",
        found,
        section="changes",
        kinds=choices(KINDS),
        targets=choices(target.slug for target in all_targets()),
        environments=choices(environment.slug for environment in all_environments()),
    )


@blueprint.get("/changes/<int:change_id>")
@requires("viewer", key="read")
def change(change_id: int) -> Response:
    found = change_by_id(change_id)
    return web.page("changes/change.html", section="changes", change=found, near=neighbours(found))
