"""The plans of one query: which was valid when, one tree in depth, two compared, and asking for one now."""

import json
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, request, url_for

from dashboard import web
from dashboard.errors import Invalid
from dashboard.lists import ListPage, ListSpec, parse_list, respond
from dashboard.plans import ask, edits, queries
from dashboard.plans.differences import compare
from dashboard.plans.forms import MOST_FIELDS, read_wish
from dashboard.plans.models import KINDS, Plan
from dashboard.plans.parameters import TYPES, parameter_count
from dashboard.plans.recorded import why_no_plan, why_not_run
from dashboard.plans.rules import nodes_of, text_of
from dashboard.security.audit import record as audit
from dashboard.security.authors import current_author
from dashboard.security.guards import requires
from dashboard.security.throttle import TooMany
from dashboard.statements.models import StatementFamily
from dashboard.statements.queries import family_of
from dashboard.store import db
from dashboard.targets.limiter import PerMinute
from dashboard.targets.models import Target
from dashboard.targets.queries import target_by_slug

blueprint = Blueprint("plans", __name__)
HOME = "/t/<slug>/queries/<int(max=9223372036854775807):family_id>/plans"
ONE = HOME + "/<int(max=9223372036854775807):plan_id>"
NODES = ListSpec(sorts=("number",), default_sort="number", default_dir="asc")
ASKED = PerMinute(30)
SHOWN_NODES = 60
COPIED_NODES = 150


@blueprint.get(HOME)
@requires("viewer", key="read")
def plan_list(slug: str, family_id: int) -> Response:
    target = target_by_slug(slug)
    family = family_of(target.id, family_id)
    found = queries.plan_page(family.id, parse_list(queries.SPEC))
    return respond("plans/list.html", found, **_shown(target, family))


@blueprint.get(HOME + "/section")
@requires("viewer", key="read")
def section(slug: str, family_id: int) -> Response:
    """The part that the query's own page loads; to a plain link the page that it is part of."""
    target = target_by_slug(slug)
    family = family_of(target.id, family_id)
    if not web.is_partial():
        return web.moved(url_for("plans.plan_list", slug=slug, family_id=family_id))
    found = queries.plan_page(family.id, parse_list(queries.SPEC))
    return web.page("plans/_section.html", found=found, query=found.query, **_shown(target, family))


@blueprint.post(HOME)
@requires("operator")
def ask_now(slug: str, family_id: int) -> Response:
    target = target_by_slug(slug)
    family = family_of(target.id, family_id)
    wish = read_wish(request.form, _parameters(family))
    if wait_s := ASKED.wait_s():
        raise TooMany(wait_s)
    told = {"query": family.id, "options": wish.kind, "types": [kind for _, kind in wish.types]}
    audit("plan.ask", f"target:{slug}", after=told)
    db.session.commit()
    plan = edits.ask_and_keep(target, family, wish, datetime.now(UTC), asked_by=current_author())
    db.session.commit()
    if plan is None:
        return web.moved(url_for("plans.plan_list", slug=slug, family_id=family_id))
    return web.moved(url_for("plans.plan", slug=slug, family_id=family_id, plan_id=plan.id))


@blueprint.get(ONE)
@requires("viewer", key="read")
def plan(slug: str, family_id: int, plan_id: int) -> Response:
    """As JSON or CSV: its nodes."""
    target = target_by_slug(slug)
    found = queries.plan_of(target.id, family_id, plan_id)
    nodes = nodes_of(found.document)
    return respond(
        "plans/plan.html",
        ListPage(nodes, len(nodes), parse_list(NODES), as_of=found.seen_at),
        target=target,
        section="queries",
        family=family_of(target.id, family_id),
        previous=queries.previous_plan(found),
        **_told(found),
    )


@blueprint.get(ONE + "/plan.<any(json, txt):form>")
@requires("viewer", key="read")
def document(slug: str, family_id: int, plan_id: int, form: str) -> Response:
    """The tree as EXPLAIN writes it, for another tool."""
    found = queries.plan_of(target_by_slug(slug).id, family_id, plan_id)
    text = json.dumps([found.document], indent=2) if form == "json" else text_of(nodes_of(found.document))
    headers = {"Content-Disposition": f'attachment; filename="plan-{found.id}.{form}"'}
    return Response(text, mimetype="application/json" if form == "json" else "text/plain", headers=headers)


@blueprint.get(HOME + "/compare")
@requires("viewer", key="read")
def comparison(slug: str, family_id: int) -> Response:
    target = target_by_slug(slug)
    before, after = (queries.plan_of(target.id, family_id, _number(name)) for name in ("a", "b"))
    return web.page(
        "plans/compare.html",
        target=target,
        section="queries",
        family=family_of(target.id, family_id),
        before=before,
        after=after,
        pairs=compare(nodes_of(before.document), nodes_of(after.document)),
    )


def _shown(target: Target, family: StatementFamily) -> dict[str, Any]:
    """What page and section have in common."""
    found = queries.valid_plan(family.id)
    no_plan = why_no_plan(family.text, is_truncated=family.text_truncated)
    return {
        "target": target,
        "section": "queries",
        "family": family,
        "is_opted_in": ask.is_opted_in(target),
        "question": queries.question_of(family.id),
        "capture": queries.last_capture(target.id),
        "no_plan": no_plan,
        "no_run": no_plan or why_not_run(family.text),
        "parameters": _parameters(family),
        "most_fields": MOST_FIELDS,
        "types": TYPES,
        "kinds": KINDS,
        "shown_nodes": SHOWN_NODES,
        **(_told(found) if found else {"plan": None, "nodes": []}),
    }


def _told(found: Plan) -> dict[str, Any]:
    nodes = nodes_of(found.document)
    is_small = len(nodes) <= COPIED_NODES
    return {
        "plan": found,
        "nodes": nodes,
        "shape": queries.shape_text(found.shape),
        "text": text_of(nodes) if is_small else None,
        "json_text": json.dumps([found.document], indent=1) if is_small else None,
    }


def _parameters(family: StatementFamily) -> int:
    try:
        return parameter_count(family.text)
    except ValueError:
        return 0


def _number(name: str) -> int:
    value = request.args.get(name, "")
    if not (value.isascii() and value.isdigit() and len(value) <= 18):
        raise Invalid({name: f"“{name}” is the number of a plan."})
    return int(value)
