"""/alerts: what is wrong now, and what was."""

from datetime import UTC, datetime

from flask import Blueprint, Response

from dashboard.alerts.queries import alert_page
from dashboard.lists import ListSpec, choices, parse_list, respond
from dashboard.security.guards import requires

blueprint = Blueprint("alerts", __name__)
STATES, LEVELS = ("firing", "resolved"), ("warning", "critical")
SPEC = ListSpec(
    sorts=("began_at", "level", "title", "state"),
    default_sort="state",
    default_dir="asc",
    filters={"state": STATES, "level": LEVELS},
)


@blueprint.get("/alerts")
@requires("viewer", key="read")
def alert_list() -> Response:
    found = alert_page(parse_list(SPEC), datetime.now(UTC))
    return respond("alerts/list.html", found, section="alerts", states=choices(STATES), levels=choices(LEVELS))
