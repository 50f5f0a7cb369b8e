"""Requests and reviews are opened, in the transaction of whoever changes flags."""

from collections.abc import Sequence
from uuid import UUID

from flask import has_request_context
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from dashboard.approvals import rules
from dashboard.approvals.models import ChangeRequest
from dashboard.errors import Denied
from dashboard.flags.compare import same_json
from dashboard.flags.holding import Proposal
from dashboard.security.audit import record as audit
from dashboard.security.authors import current_author
from dashboard.security.principals import Principal, principal
from dashboard.store import db

Author = tuple[int | None, str]


def ask(proposals: Sequence[Proposal], operation_id: str | None) -> list[UUID]:
    """A request for each; the same form sent twice, and a command given twice, find what they asked for."""
    author = _author()
    return [_asked(proposal, author, operation_id) for proposal in proposals]


def review(made: Proposal) -> None:
    """Somebody changed this without approval; another person looks at it afterwards."""
    author = principal() if has_request_context() else None
    values = _values(made) | {"kind": "review", "author_id": author.id if author else None, "author": current_author()}
    db.session.execute(insert(ChangeRequest).values(values))
    audit("review.open", f"{made.subject} in {made.environment.slug}", after={"title": made.title}, reason=made.reason)


def person() -> Principal:
    """Raises Denied for keys: they neither ask nor decide."""
    me = principal()
    if me is None or me.kind != "account":
        raise Denied("Only people ask for changes and decide them.")
    return me


def _author() -> Author:
    """An account; on the command line whoever works on the machine, who has none."""
    if not has_request_context():
        return None, current_author()
    me = person()
    return me.id, me.author


def _asked(proposal: Proposal, author: Author, operation_id: str | None) -> UUID:
    if operation_id is None and (open_already := _same_open(proposal, author)):
        return open_already
    values = _values(proposal) | {"author_id": author[0], "author": author[1], "operation_id": operation_id}
    row = insert(ChangeRequest).values(values).on_conflict_do_nothing().returning(ChangeRequest.public_id)
    if asked := db.session.scalar(row):
        subject = rules.subject_of(proposal.action, proposal.subject, proposal.environment.slug)
        audit("approval.ask", subject, after={"title": proposal.title, "request": str(asked)}, reason=proposal.reason)
        return asked
    same = select(ChangeRequest.public_id).where(
        ChangeRequest.operation_id == operation_id,
        ChangeRequest.subject == proposal.subject,
        ChangeRequest.place == proposal.environment.slug,
    )
    return db.session.scalars(same).one()


def _same_open(proposal: Proposal, author: Author) -> UUID | None:
    """What the same person asked for in the same words, and nobody has decided yet."""
    wanted = select(ChangeRequest).where(
        ChangeRequest.state == "open",
        ChangeRequest.kind == "change",
        ChangeRequest.environment_id == proposal.environment.id,
        ChangeRequest.subject == proposal.subject,
        ChangeRequest.action == proposal.action,
        ChangeRequest.base_version == proposal.version,
        ChangeRequest.author == author[1],
    )
    found = db.session.scalars(wanted.order_by(ChangeRequest.id))
    asked = [proposal.document, proposal.steps]
    return next((one.public_id for one in found if same_json([one.document, one.steps], asked)), None)


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
