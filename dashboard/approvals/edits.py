"""Changes of requests: asked for, approved and thereby made, rejected, withdrawn, void; reviews opened and done.

Whoever decides holds the flag first and the request after it, as every change of a flag does: two last approvals at
once make one change.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from flask import has_request_context
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from dashboard.approvals import queries, rules
from dashboard.approvals.models import ChangeApproval, ChangeRequest
from dashboard.errors import Conflict, Denied, Invalid, NotFound
from dashboard.flags import approved, schedules
from dashboard.flags.holding import Proposal
from dashboard.flags.models import Flag
from dashboard.flags.saving import locked
from dashboard.security.audit import record as audit
from dashboard.security.authors import current_author, on_behalf_of
from dashboard.security.principals import Principal, principal
from dashboard.security.role_queries import who_may
from dashboard.store import db
from dashboard.targets.models import Environment

ENDED = {
    "applied": "It was approved and made",
    "rejected": "It was rejected",
    "withdrawn": "It was withdrawn",
    "void": "It is void",
    "reviewed": "It was reviewed",
}


def ask(proposals: Sequence[Proposal], operation_id: str | None) -> list[UUID]:
    """A request for each; the same form sent twice finds what it asked for. In the caller's transaction."""
    author = _me()
    return [_asked(proposal, author, operation_id) for proposal in proposals]


def review(made: Proposal) -> None:
    """Somebody changed this without approval; another person looks at it afterwards."""
    author = principal() if has_request_context() else None
    values = _values(made) | {"kind": "review", "author_id": author.id if author else None, "author": current_author()}
    db.session.execute(insert(ChangeRequest).values(values))
    audit("review.open", f"{made.subject} in {made.environment.slug}", after={"title": made.title}, reason=made.reason)


def approve(text: str, comment: str) -> ChangeRequest:
    """Yes; the last one that is needed makes the change at once. What stands no longer becomes void instead.

    Raises NotFound, Invalid, Denied for one's own, Conflict when it was decided already.
    """
    comment = rules.comment_of(comment, needed=False)
    request, me = _held(text, "change"), _me()
    if _has_approved(request, me):
        return request
    _refuse_ended(request)
    if _became_void(request):
        return request
    may = _deciders(request, me)
    db.session.add(ChangeApproval(request_id=request.id, account_id=me.id, author=me.author, comment=comment))
    _note("approval.approve", request, comment)
    approvals = [one for one in queries.approvals_of(request) if one.account_id in may]
    needed = db.session.scalars(select(Environment.approvals_needed).where(Environment.id == request.environment_id))
    if not rules.tally(needed.one(), request.author_id, [one.account_id for one in approvals], may).missing:
        _make(request, [one.author for one in approvals])
    return request


def reject(text: str, comment: str) -> ChangeRequest:
    """No, with why. Raises NotFound, Invalid, Denied for one's own, Conflict when it was decided already."""
    comment = rules.comment_of(comment, needed=True)
    return _decided(text, "change", "rejected", comment)


def mark_reviewed(text: str, comment: str) -> ChangeRequest:
    """Somebody else looked at what was done without approval. Raises like `reject`."""
    comment = rules.comment_of(comment, needed=True)
    return _decided(text, "review", "reviewed", comment)


def withdraw(text: str) -> ChangeRequest:
    """Only by whoever asked. Raises NotFound, Denied, Conflict when it was decided already."""
    request, me = _held(text, "change"), _me()
    if request.author_id != me.id:
        raise Denied(f"Only {request.author} may withdraw this.")
    if request.state != "withdrawn":
        _refuse_ended(request)
        _end(request, "withdrawn", None)
    return request


def tidy() -> int:
    """Write down which requests became void, by whom and why; how many. A job."""
    done = 0
    for found in queries.void_requests():
        done += _became_void(_held(str(found.public_id), found.kind))
        db.session.commit()
    return done


def _asked(proposal: Proposal, author: Principal, operation_id: str | None) -> UUID:
    values = _values(proposal) | {"author_id": author.id, "author": author.author, "operation_id": operation_id}
    row = insert(ChangeRequest).values(values).on_conflict_do_nothing().returning(ChangeRequest.public_id)
    if asked := db.session.scalar(row):
        subject = f"{proposal.subject} in {proposal.environment.slug}"
        audit("approval.ask", subject, after={"title": proposal.title, "request": str(asked)}, reason=proposal.reason)
        return asked
    same = select(ChangeRequest.public_id).where(
        ChangeRequest.operation_id == operation_id,
        ChangeRequest.subject == proposal.subject,
        ChangeRequest.place == proposal.environment.slug,
    )
    return db.session.scalars(same).one()


def _values(proposal: Proposal) -> dict[str, object]:
    return {
        "kind": "change",
        "flag_id": proposal.flag.id if proposal.flag else None,
        "environment_id": proposal.environment.id,
        "subject": proposal.subject,
        "place": proposal.environment.slug,
        "action": proposal.action,
        "title": proposal.title,
        "before": proposal.before,
        "document": proposal.document,
        "base_version": proposal.version,
        "steps": proposal.steps,
        "reason": proposal.reason or proposal.title,
        "state": "open",
    }


def _decided(text: str, kind: str, state: str, comment: str) -> ChangeRequest:
    request, me = _held(text, kind), _me()
    if request.state == state and request.decided_by == me.author:
        return request
    _refuse_ended(request)
    _deciders(request, me)
    _end(request, state, comment)
    return request


def _make(request: ChangeRequest, approvers: Sequence[str]) -> None:
    """The change itself, by whoever asked for it; what cannot be made any more is void."""
    flag = db.session.get_one(Flag, request.flag_id)
    environment = db.session.get_one(Environment, request.environment_id)
    reason = f"{request.reason} (approved by {', '.join(approvers)})"
    try:
        with db.session.begin_nested(), on_behalf_of(request.author):
            made = _applied(request, flag, environment, reason)
    except (Invalid, Conflict, NotFound) as refused:
        _end(request, "void", refused.sentence)
        return
    request.applied_version = made
    _end(request, "applied", None)


def _applied(request: ChangeRequest, flag: Flag, environment: Environment, reason: str) -> int:
    """The version of the flag that there is now; a schedule stands on the one that was asked for."""
    version, title = request.base_version, request.title
    if request.steps:
        schedules.plan(
            flag, environment, request.steps, version=version, title=title, reason=reason,
            author_id=request.author_id, waived="approved",
        )  # fmt: skip
        return version
    made = approved.apply(
        flag, environment, request.document, version=version, action=request.action, title=title, reason=reason
    )
    return made.version


def _became_void(request: ChangeRequest) -> bool:
    """Write down that it stands no longer, with whoever's change made it so and when."""
    why = queries.why_void(request)
    if why is None:
        return False
    by, at = queries.made_void_by(request, why)
    _end(request, "void", queries.void_sentence(request, why))
    request.decided_by, request.decided_at = by, at or request.decided_at
    return True


def _end(request: ChangeRequest, state: str, decision: str | None) -> None:
    request.state, request.decision = state, decision
    request.decided_at, request.decided_by = datetime.now(UTC), current_author()
    word = {"applied": "apply", "rejected": "reject", "withdrawn": "withdraw", "reviewed": "reviewed"}.get(state, state)
    _note(f"review.{word}" if request.kind == "review" else f"approval.{word}", request, decision)


def _note(action: str, request: ChangeRequest, comment: str | None) -> None:
    told = {"title": request.title, "asked_by": request.author, "request": str(request.public_id)}
    audit(action, f"{request.subject} in {request.place}", after=told | {"state": request.state}, reason=comment)


def _held(text: str, kind: str) -> ChangeRequest:
    """The request, ours until the end of the transaction, and its flag before it."""
    found = queries.request_by(text)
    if found.kind != kind:
        raise NotFound("There is no such request.")
    key = db.session.scalar(select(Flag.key).where(Flag.id == found.flag_id))
    if key is not None:
        locked(key)
    wanted = select(ChangeRequest).where(ChangeRequest.id == found.id).with_for_update()
    return db.session.scalars(wanted.execution_options(populate_existing=True)).one()


def _deciders(request: ChangeRequest, me: Principal) -> set[int]:
    """Who may decide it, by what the store says now. Raises Denied for one's own and for those who may not."""
    may = {one.id for one in who_may("operator", request.environment_id)} if request.environment_id else set()
    is_own = request.author_id == me.id
    why = rules.why_not_decide(
        request.kind, is_own=is_own, has_approved=False, role=me.role_in(request.place), place=request.place,
        may=me.id in may,
    )  # fmt: skip
    if why:
        raise Denied(why)
    return may


def _has_approved(request: ChangeRequest, me: Principal) -> bool:
    mine = select(func.count()).where(ChangeApproval.request_id == request.id, ChangeApproval.account_id == me.id)
    return bool(db.session.scalar(mine))


def _refuse_ended(request: ChangeRequest) -> None:
    if request.state != "open":
        by = f", by {request.decided_by}" if request.decided_by else ""
        raise Conflict(f"{ENDED[request.state]} already{by}.")


def _me() -> Principal:
    me = principal()
    if me is None or me.kind != "account":
        raise Denied("Only people ask for changes and decide them.")
    return me
