"""Which bucketing an environment's percentages are drawn by: pinned, versioned and approved like a flag."""

from typing import Any, get_args

from sqlalchemy import select

from dashboard.errors import Conflict, Invalid
from dashboard.flags import parts, serving
from dashboard.flags.bucketing import DEFAULT, Bucketing
from dashboard.flags.holding import Proposal, Waiver
from dashboard.flags.ledger import announce
from dashboard.flags.models import FlagRevision
from dashboard.store import db
from dashboard.targets.models import Environment

VERSIONS: tuple[Bucketing, ...] = get_args(Bucketing)


def pin(
    environment: Environment, wanted: str, *, seen: int | None, reason: str | None, waived: Waiver | None = None
) -> int:
    """Percentages are drawn by `wanted` from now on; returns the number of that version.

    `seen`: the revision of the flags when somebody looked at who would move (None: not asked). Raises Conflict when
    flags changed since, Invalid when one cannot draw so, NeedsApproval where others decide, unless that is `waived`.
    """
    if wanted not in VERSIONS:
        raise Invalid({"bucketing": "Choose a version."})
    serving.hold(environment)
    held = db.session.get(FlagRevision, environment.id, with_for_update=True, populate_existing=True)
    before, revision = (held.bucketing, held.revision) if held else (DEFAULT, 0)
    if before == wanted:
        return parts.newest(environment, None)
    if seen is not None and revision != seen:
        raise Conflict("Flags changed since this page was shown: look again at who would move now.")
    old, new = _document(before), _document(wanted)
    title, version = f"Bucketing of {environment.slug} pinned to {wanted}", parts.newest(environment, None)
    change = Proposal(environment.slug, None, environment, "flag.bucketing", title, old, new, version, reason)
    parts.hold_back(change, waived)
    if held is None:
        announce([environment.id])
    db.session.scalars(
        select(FlagRevision).where(FlagRevision.environment_id == environment.id)
    ).one().bucketing = wanted
    db.session.flush()
    return parts.write_down(change, None)


def _document(bucketing: str) -> dict[str, Any]:
    return {"bucketing": bucketing}
