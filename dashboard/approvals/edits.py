"""Changes of requests: approved and thereby made, rejected, withdrawn, void; reviews done.

Whoever decides holds what is to be changed first and the request after it, as every change of flags does: two last
approvals at once make one change.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import func, select

from dashboard.approvals import making, queries, rules, voids
from dashboard.approvals.models import ChangeApproval, ChangeRequest
from dashboard.approvals.opening import person
from dashboard.errors import Conflict, Denied, Invalid, NotFound
from dashboard.security.audit import record as audit
from dashboard.security.authors import current_author
from dashboard.security.principals import Principal
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


def approve(text: str, comment: str) -> ChangeRequest:
    """Yes; the last one that is needed makes the change at once. What stands no longer becomes void instead.

    Said again it counts once, and makes the change where fewer are needed by now. Raises NotFound, Invalid, Denied for
    one's own, Conflict when it was decided already.
    """
    comment = rules.comment_of(comment, needed=False)
    request, me = _held(text, "change"), person()
    is_again = _has_approved(request, me)
    if is_again and request.state != "open":
        return request
    _refuse_ended(request)
    if _became_void(request):
        return request
    may = _deciders(request, me)
    if not is_again:
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
    request, me = _held(text, "change"), person()
    if request.author_id != me.id:
        raise Denied(f"Only {request.author} may withdraw this.")
    if request.state != "withdrawn":
        _refuse_ended(request)
        _end(request, "withdrawn", None)
    return request


def tidy() -> int:
    """Write down which requests became void, by whom and why; how many. A job."""
    done = 0
    for found in voids.void_requests():
        done += _became_void(_held(str(found.public_id), found.kind))
        db.session.commit()
    return done


def _decided(text: str, kind: str, state: str, comment: str) -> ChangeRequest:
    request, me = _held(text, kind), person()
    if request.state == state and request.decided_by == me.author:
        return request
    _refuse_ended(request)
    _deciders(request, me)
    _end(request, state, comment)
    return request


def _make(request: ChangeRequest, approvers: Sequence[str]) -> None:
    """By whoever asked for it; what cannot be made any more is void, what has to wait for another one stays open."""
    try:
        request.applied_version = making.make(request, approvers)
    except (Invalid, Conflict, NotFound) as refused:
        _end(request, "void", refused.sentence)
        return
    _end(request, "applied", None)


def _became_void(request: ChangeRequest) -> bool:
    """Write down that it stands no longer, with whoever's change made it so and when."""
    why = voids.why_void(request)
    if why is None:
        return False
    by, at = voids.made_void_by(request, why)
    _end(request, "void", voids.sentence_of(request, why))
    request.decided_by, request.decided_at = by, at or request.decided_at
    return True


def _end(request: ChangeRequest, state: str, decision: str | None) -> None:
    request.state, request.decision = state, decision
    request.decided_at, request.decided_by = datetime.now(UTC), current_author()
    word = {"applied": "apply", "rejected": "reject", "withdrawn": "withdraw", "reviewed": "reviewed"}.get(state, state)
    _note(f"review.{word}" if request.kind == "review" else f"approval.{word}", request, decision)


def _note(action: str, request: ChangeRequest, comment: str | None) -> None:
    told = {"title": request.title, "asked_by": request.author, "request": str(request.public_id)}
    audit(
        action,
        rules.subject_of(request.action, request.subject, request.place),
        after=told | {"state": request.state},
        reason=comment,
    )


def _held(text: str, kind: str) -> ChangeRequest:
    """The request, ours until the end of the transaction, and what it changes before it."""
    found = queries.request_by(text)
    if found.kind != kind:
        raise NotFound("There is no such request.")
    making.hold(found)
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
