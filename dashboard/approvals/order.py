"""Which of two open requests comes first: what a change stands on has to be there before it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, or_, select

from dashboard.approvals.models import ChangeRequest
from dashboard.approvals.validity import IS_OPEN, with_facts
from dashboard.errors import PilothouseError
from dashboard.flags import segments, standing, targeting
from dashboard.flags.holding import Proposal
from dashboard.store import db
from dashboard.targets.models import Environment


class TooEarly(PilothouseError):  # noqa: N818 - reads as what happened
    """Nothing was changed, and the request still stands: something else is to be approved first."""

    status = 409


def refuse_too_early(change: Proposal) -> None:
    """Raises TooEarly where what the change lacks is asked for in another open request."""
    documents = [document for _, document in change.steps] if change.steps else [change.document]
    lacking_segments, lacking_flags = set[str](), set[str]()
    for document in documents:
        lacking_segments |= targeting.references(document.get("targeting")) - set(segments.names_of(change.environment))
        lacking_flags |= _lacking_flags(change.environment, document.get("prerequisites", {}))
    wanted = with_facts(select(ChangeRequest.subject, ChangeRequest.flag_id)).where(
        *IS_OPEN,
        ChangeRequest.kind == "change",
        ChangeRequest.environment_id == change.environment.id,
        or_(
            and_(ChangeRequest.action == "segment.set", ChangeRequest.subject.in_(lacking_segments)),
            and_(ChangeRequest.flag_id.is_not(None), ChangeRequest.subject.in_(lacking_flags)),
        ),
    )
    if first := db.session.execute(wanted.order_by(ChangeRequest.id).limit(1)).one_or_none():
        named = first.subject if first.flag_id else f"segment {first.subject}"
        raise TooEarly(f"Approve {named} first: this stands on it, and it is asked for as well. Nothing was changed.")


def _lacking_flags(environment: Environment, needs: Mapping[str, Any]) -> set[str]:
    known = standing.variants_here(environment, needs) if needs else {}
    return {key for key, names in needs.items() if not set(names) <= set(known.get(key, ()))}
