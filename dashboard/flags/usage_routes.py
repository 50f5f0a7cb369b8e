"""The list of keys that applications asked for in vain."""

from flask import Blueprint, Response

from dashboard.flags import usage_queries
from dashboard.lists import ListSpec, parse_list, respond
from dashboard.security.guards import requires

blueprint = Blueprint("flag_usage", __name__)
SPEC = ListSpec(sorts=("seen_at", "key", "count"), default_sort="seen_at", default_dir="desc")


@blueprint.get("/flags/unknown")
@requires("viewer", key="read")
def unknown() -> Response:
    return respond("flags/unknown.html", usage_queries.unknown_flags(parse_list(SPEC)), section="flags")
