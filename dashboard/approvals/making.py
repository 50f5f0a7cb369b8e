"""What was approved by enough people is made, under the locks that every change takes."""

from collections.abc import Sequence

from sqlalchemy import select

from dashboard.approvals import order
from dashboard.approvals.models import ChangeRequest
from dashboard.errors import Conflict, Invalid
from dashboard.flags import approved, everywhere, schedules, serving
from dashboard.flags.holding import WHOLE, Proposal
from dashboard.flags.models import Flag
from dashboard.flags.saving import locked
from dashboard.security.authors import on_behalf_of
from dashboard.store import db
from dashboard.targets.models import Environment


def hold(request: ChangeRequest) -> None:
    """What it changes is ours until the end of the transaction: the flag, then the environments that it touches.

    Whoever decides does so before the request itself is locked: everybody takes these locks in this order.
    """
    key = db.session.scalar(select(Flag.key).where(Flag.id == request.flag_id))
    flag = locked(key) if key is not None else None
    if flag and request.action in WHOLE:
        serving.hold(*everywhere.places_of(flag))
    elif request.environment_id:
        serving.hold(db.session.get_one(Environment, request.environment_id))


def make(request: ChangeRequest, approvers: Sequence[str]) -> int:
    """The change itself, by whoever asked for it; the version that there is then, or that its schedule stands on.

    Raises Invalid, Conflict, NotFound when it cannot be made any more; `order.TooEarly` when it can be later.
    """
    flag = db.session.get(Flag, request.flag_id) if request.flag_id else None
    environment = db.session.get_one(Environment, request.environment_id)
    reason = f"{request.reason} (approved by {', '.join(approvers)})"
    change = Proposal(
        request.subject, flag, environment, request.action, request.title, request.before, request.document,
        request.base_version, reason, request.steps,
    )  # fmt: skip
    try:
        with db.session.begin_nested(), on_behalf_of(request.author):
            return _scheduled(change, request.author_id) if change.steps else approved.apply(change)
    except (Invalid, Conflict):
        order.refuse_too_early(change)
        raise


def _scheduled(change: Proposal, author_id: int | None) -> int:
    if change.flag is None or change.steps is None:
        raise Conflict("There is nothing to schedule.")
    schedules.plan(
        change.flag, change.environment, change.steps, version=change.version, title=change.title,
        reason=change.reason, author_id=author_id, waived="approved",
    )  # fmt: skip
    return change.version
