"""/approvals: changes that wait for somebody else, and those that were made without and wait for a second look."""

from collections.abc import Callable, Sequence

from flask import Blueprint, Response, current_app, g, has_request_context, request, url_for
from flask.blueprints import BlueprintSetupState

from dashboard import web
from dashboard.approvals import edits, opening, queries, rules
from dashboard.approvals.models import KINDS, STATES, ChangeRequest
from dashboard.errors import Invalid
from dashboard.flags.holding import EXTENSION, Proposal
from dashboard.lists import ListSpec, choices, parse_list, respond
from dashboard.security.guards import requires
from dashboard.security.principals import principal
from dashboard.security.role_queries import who_may
from dashboard.settings import Settings
from dashboard.store import db
from dashboard.targets.models import Environment
from dashboard.targets.queries import all_environments

blueprint = Blueprint("approvals", __name__, url_prefix="/approvals")
SPEC = ListSpec(
    sorts=("state", "title", "asked_at"),
    default_sort="state",
    default_dir="asc",
    filters={"state": STATES, "kind": KINDS, "environment": None},
)


class Keeper:
    """What flags know of this room."""

    def ask(self, proposals: Sequence[Proposal], operation_id: str | None) -> str:
        asked = opening.ask(proposals, operation_id)
        if not has_request_context():
            return _outside(f"/{asked[0]}" if len(asked) == 1 else "?state=open")
        return url_for("approvals.show", uuid=asked[0]) if len(asked) == 1 else url_for("approvals.index", state="open")

    def review(self, made: Proposal) -> None:
        opening.review(made)


@blueprint.record_once
def _start(state: BlueprintSetupState) -> None:
    state.app.extensions[EXTENSION] = Keeper()


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    return {"waiting_of": waiting_of, "parts_waiting": parts_waiting, "approvers_of": approvers_of}


@blueprint.get("")
@requires("viewer", key="read")
def index() -> Response:
    found = queries.request_page(parse_list(SPEC))
    places = choices(place.slug for place in all_environments())
    asked = {"states": choices(STATES), "kinds": choices(KINDS), "places": places}
    return respond("approvals/list.html", found, section="approvals", **asked)


@blueprint.get("/<uuid>")
@requires("viewer", key="read")
def show(uuid: str) -> Response:
    return _page(uuid)


@blueprint.post("/<uuid>/approve")
@requires("operator", within=queries.place_of)
def approve(uuid: str) -> Response:
    return _answered(uuid, lambda: edits.approve(uuid, request.form.get("comment", "")))


@blueprint.post("/<uuid>/reject")
@requires("operator", within=queries.place_of)
def reject(uuid: str) -> Response:
    return _answered(uuid, lambda: edits.reject(uuid, request.form.get("comment", "")))


@blueprint.post("/<uuid>/withdraw")
@requires("operator", within=queries.place_of)
def withdraw(uuid: str) -> Response:
    return _answered(uuid, lambda: edits.withdraw(uuid))


@blueprint.post("/<uuid>/reviewed")
@requires("operator", within=queries.place_of)
def reviewed(uuid: str) -> Response:
    return _answered(uuid, lambda: edits.mark_reviewed(uuid, request.form.get("comment", "")))


def waiting_of(flag_id: int) -> list[queries.RequestRow]:
    """What waits for a flag; asked once for a response."""
    kept: dict[int, list[queries.RequestRow]] = g.setdefault("waiting_of", {})
    if flag_id not in kept:
        kept[flag_id] = queries.open_of(flag_id)
    return kept[flag_id]


def parts_waiting(environment: Environment) -> dict[str, list[queries.RequestRow]]:
    """What waits for segments by name and, under the empty one, for bucketing; asked once for a response."""
    kept: dict[int, dict[str, list[queries.RequestRow]]] = g.setdefault("parts_waiting", {})
    if environment.id not in kept:
        kept[environment.id] = queries.open_parts_of(environment.id)
    return kept[environment.id]


def approvers_of(environment_id: int) -> int:
    """How many others could approve what this person asks for."""
    me = principal()
    return len({one.id for one in who_may("operator", environment_id)} - {me.id if me else 0})


def _outside(rest: str) -> str:
    """The address as somebody on the command line may open it; only a path where nobody set the dashboard's own."""
    settings: Settings = current_app.extensions["pilothouse_settings"]
    return f"{(settings.url or '').rstrip('/')}{blueprint.url_prefix}{rest}"


def _answered(uuid: str, decide: Callable[[], ChangeRequest]) -> Response:
    """Where it was decided; 409 with why when it stands no longer, 422 with what is missing."""
    try:
        is_void = decide().state == "void"
    except Invalid as refused:
        db.session.rollback()
        if web.wants_json():
            raise
        return _page(uuid, refused.fields, 422)
    db.session.commit()
    return _page(uuid, status=409) if is_void else web.moved(url_for("approvals.show", uuid=uuid))


def _page(uuid: str, errors: dict[str, str] | None = None, status: int = 200) -> Response:
    found, me = queries.whole(uuid), principal()
    asked_by = me.id if me and me.kind == "account" else None
    own = asked_by is not None and asked_by == found.row.author_id
    approved_by = {one.account_id for one in found.approvals} if found.tally.missing else set()
    why_not = rules.why_not_decide(
        found.row.kind, is_own=own, has_approved=asked_by in approved_by,
        role=me.role_in(found.row.environment) if me else "", place=found.row.environment, may=asked_by in found.may,
    )  # fmt: skip
    response = web.page(
        "approvals/show.html", status=status, found=found, row=found.row, own=own, why_not=why_not,
        errors=errors or {}, typed=request.form, environment=found.environment, section="approvals",
    )  # fmt: skip
    if status != 200 and web.is_partial():
        response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#main", "innerHTML"
    return response
