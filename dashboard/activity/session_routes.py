"""/t/<target>/activity/<pid>/<born>: one session, what it holds up, and stopping it."""

from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Blueprint, Response, flash, request, url_for

from dashboard import web
from dashboard.activity import protection, rules
from dashboard.activity.live import Live, sessions_of
from dashboard.activity.protection import ACTS, Act
from dashboard.activity.stopping import stop_session
from dashboard.errors import Conflict, Denied, Invalid
from dashboard.security.guards import requires
from dashboard.security.principals import principal
from dashboard.targets import steer
from dashboard.targets.connect import TargetRefused, TargetUnreachable
from dashboard.targets.models import Target
from dashboard.targets.queries import target_by_slug

blueprint = Blueprint("session", __name__)
ENDED = "This session has already ended; nothing was sent."
NOT_OPERATOR = "This takes the role “operator”; an admin can change yours."
NO_ROLE = "No role to steer this target is registered."


@dataclass(frozen=True)
class Steering:
    """Whether this visitor can stop sessions here: why not, and the SQL that would help an owner."""

    problem: str | None = None
    remedy_sql: str | None = None
    has_role: bool = True


@blueprint.get("/t/<slug>/activity/<int:pid>/<int:born>")
@requires("viewer")
def show(slug: str, pid: int, born: int) -> Response:
    target = target_by_slug(slug)
    return _page(target, pid, born, sessions_of(target, datetime.now(UTC)))


@blueprint.post("/t/<slug>/activity/<int:pid>/<int:born>/<any(cancel, terminate):act>")
@requires("operator")
def stop(slug: str, pid: int, born: int, act: Act) -> Response:
    target = target_by_slug(slug)
    seen = sessions_of(target, datetime.now(UTC))
    if seen.problem:
        raise seen.problem
    one = seen.session(pid, born)
    if one is None:
        raise Conflict(ENDED)
    if problem := protection.protection(one, act, seen.server_version):
        raise Denied(problem)
    typed = request.form.to_dict()
    problems = protection.confirmation_problems(one, typed, is_production=target.environment.is_production)
    if problems:
        if web.wants_json():
            raise Invalid(problems)
        return _page(target, pid, born, seen, errors=problems, typed=typed, status=422)
    held_up = len(protection.held_up(one, seen.sessions))
    reason = typed.get("reason", "").strip()
    query_born = protection.number(typed.get("query_born", ""))
    try:
        outcome = stop_session(target, one, held_up, act, query_born=query_born, reason=reason)
    except TargetRefused as refused:
        return _page(target_by_slug(slug), pid, born, seen, refused=(refused.sentence, refused.remedy_sql), status=503)
    if outcome.remedy_sql:
        return _page(target_by_slug(slug), pid, born, seen, refused=(outcome.sentence, outcome.remedy_sql), status=503)
    flash(outcome.sentence, "good" if outcome.state == "stopped" else "warn")
    return web.moved(url_for("activity.session.show", slug=slug, pid=pid, born=born))


def _page(
    target: Target,
    pid: int,
    born: int,
    seen: Live,
    *,
    errors: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
    refused: tuple[str, str | None] | None = None,
    status: int = 200,
) -> Response:
    one = seen.session(pid, born)
    return web.page(
        "activity/session.html",
        status=status,
        target=target,
        section="activity",
        seen=seen,
        session=one,
        pid=pid,
        born=born,
        held_up=protection.held_up(one, seen.sessions) if one else [],
        steering=_steering(target, one) if one else Steering(),
        protected={act: protection.protection(one, act, seen.server_version) for act in ACTS} if one else {},
        is_urgent=protection.is_against_wraparound(one) if one else False,
        errors=errors or {},
        typed=typed or {},
        refused=refused,
    )


def _steering(target: Target, one: rules.Session) -> Steering:
    """Asked of the steering role itself, so that a missing right is known before somebody needs it."""
    visitor = principal()
    if visitor is None or not visitor.can("operator"):
        return Steering(NOT_OPERATOR)
    if not steer.has_role(target):
        return Steering(NO_ROLE, has_role=False)
    try:
        rights = steer.rights_of(target)
    except (TargetRefused, TargetUnreachable) as failure:
        return Steering(failure.sentence)
    grants = list(rights.grants)
    if one.backend_type == protection.AUTOVACUUM and rights.autovacuum_grant:
        grants.append(rights.autovacuum_grant)
    return Steering(steer.MAY_NOT, "\n".join(grants)) if grants else Steering()
