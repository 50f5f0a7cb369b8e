"""The findings pages: what is wrong with a target, one finding with its remedy, and setting it aside."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, make_response, request, url_for

from dashboard import web
from dashboard.errors import Invalid, NotFound
from dashboard.findings import edits, forms, queries
from dashboard.findings.alembic_file import Migration
from dashboard.findings.models import LEVELS, Finding
from dashboard.findings.rules import stops_nobody, to_copy
from dashboard.lists import ListSpec, choices, parse_list, respond
from dashboard.security.guards import requires
from dashboard.store import db
from dashboard.targets.models import Target
from dashboard.targets.queries import target_by_slug

blueprint = Blueprint("findings", __name__)
SPEC = ListSpec(
    sorts=queries.SORTS,
    default_sort="level",
    filters={"state": queries.STATES, "level": LEVELS, "rule": None, "source": None},
)


@blueprint.get("/t/<slug>/findings")
@requires("viewer", key="read")
def finding_list(slug: str) -> Response:
    target, now = target_by_slug(slug), datetime.now(UTC)
    found = queries.finding_page(target.id, parse_list(SPEC), now)
    counted = queries.counts(target.id, now)
    return respond(
        "findings/list.html",
        found,
        target=target,
        section="findings",
        counts=counted,
        levels=choices(reversed(LEVELS)),
        rules=choices(counted.rules),
        runs=queries.runs(target.id),
    )


@blueprint.get("/t/<slug>/findings/<int:finding_id>")
@requires("viewer", key="read")
def finding(slug: str, finding_id: int) -> Response:
    target = target_by_slug(slug)
    return _page(target, queries.finding_by_id(target.id, finding_id))


@blueprint.get("/t/<slug>/findings/<int:finding_id>/migration.py")
@requires("viewer", key="read")
def migration(slug: str, finding_id: int) -> Response:
    target = target_by_slug(slug)
    made = _migration(queries.finding_by_id(target.id, finding_id), datetime.now(UTC))
    if made is None:
        raise NotFound("This finding has no remedy in SQL, so there is no migration of it.")
    answer = make_response(made.text())
    answer.mimetype = "text/x-python"
    answer.headers["Content-Disposition"] = f'attachment; filename="{made.file_name}"'
    return answer


@blueprint.post("/t/<slug>/findings/<int:finding_id>/dismiss")
@requires("operator")
def dismiss(slug: str, finding_id: int) -> Response:
    target, typed = target_by_slug(slug), request.form.to_dict()
    found = queries.finding_by_id(target.id, finding_id)
    try:
        edits.dismiss(found, target.slug, forms.dismissal(typed), datetime.now(UTC))
    except Invalid as refused:
        if web.wants_json():
            raise
        return _page(target, found, status=422, errors=refused.fields, typed=typed)
    db.session.commit()
    return web.moved(url_for("findings.finding", slug=slug, finding_id=finding_id))


@blueprint.post("/t/<slug>/findings/<int:finding_id>/reopen")
@requires("operator")
def reopen(slug: str, finding_id: int) -> Response:
    target = target_by_slug(slug)
    found = queries.finding_by_id(target.id, finding_id)
    edits.reopen(found, target.slug, forms.version_of(request.form.to_dict()))
    db.session.commit()
    return web.moved(url_for("findings.finding", slug=slug, finding_id=finding_id))


def _page(target: Target, found: Finding, *, status: int = 200, **context: Any) -> Response:
    now = datetime.now(UTC)
    return web.page(
        "findings/finding.html",
        status=status,
        target=target,
        section="findings",
        finding=found,
        state=queries.state_in_words(found, now),
        migration=_migration(found, now),
        to_copy=to_copy(found.up, in_transaction=found.in_transaction),
        way_back=to_copy(found.down, in_transaction=found.in_transaction),
        stops_nobody=stops_nobody(found.up),
        expiries=list(forms.EXPIRIES.items()),
        **({"errors": {}, "typed": {}} | context),
    )


def _migration(found: Finding, now: datetime) -> Migration | None:
    if not found.up:
        return None
    return Migration(
        key=found.key,
        title=found.title,
        why=found.why,
        up=found.up,
        down=found.down,
        in_transaction=found.in_transaction,
        heads=queries.heads_of(found.target_id),
        opened_at=found.opened_at,
        now=now,
    )
