"""Versions of what the flags of an environment share: each segment, and (no segment) how percentages are drawn.

A part's versions go on counting after it was removed, so that what comes back under the same name is a later one.
Whoever keeps one holds the environment (`flags.serving.hold`).
"""

from typing import Any

from sqlalchemy import ColumnElement, func, select

from dashboard.changes import record as changes
from dashboard.flags import compare, serving
from dashboard.flags.holding import NeedsApproval, Proposal, Waiver
from dashboard.flags.ledger import announce
from dashboard.flags.models import FlagVersion
from dashboard.security.audit import record as audit
from dashboard.security.authors import current_author
from dashboard.store import db
from dashboard.targets.models import Environment

Document = dict[str, Any]


def newest(environment: Environment, segment: str | None) -> int:
    """The number of the last version, also of one that was removed; 0: there never was one."""
    return db.session.scalar(select(func.max(FlagVersion.version)).where(*of(environment, segment))) or 0


def kept(environment: Environment, segment: str | None, version: int) -> Document | None:
    """What it was at that version, empty for a removed one; None when nobody ever saw it there."""
    return db.session.scalar(
        select(FlagVersion.document).where(*of(environment, segment), FlagVersion.version == version)
    )


def kept_since(environment: Environment, segment: str | None, version: int) -> list[Document]:
    """What it was at that version and at every later one; empty when nobody ever saw it at that one."""
    wanted = select(FlagVersion.version, FlagVersion.document).where(*of(environment, segment))
    found = list(db.session.execute(wanted.where(FlagVersion.version >= version).order_by(FlagVersion.version)))
    return [document for _, document in found] if found and found[0].version == version else []


def hold_back(change: Proposal, waived: Waiver | None) -> None:
    """Raises NeedsApproval where changes wait for somebody else, unless that is `waived`."""
    if change.environment.approvals_needed and waived is None:
        raise NeedsApproval([change])


def write_down(change: Proposal, segment: str | None) -> int:
    """Keep it as the next version, which is returned, compile what stands on it, tell the processes, lane and audit."""
    place, author = change.environment, current_author()
    version = newest(place, segment) + 1
    kept = FlagVersion(
        environment_id=place.id, segment=segment, version=version, document=change.document, author=author,
        reason=change.reason or None,
    )  # fmt: skip
    db.session.add(kept)
    serving.refresh(place, whole=True)
    announce([place.id])
    detail = {"reason": change.reason} if change.reason else {}
    changes.record("flag", change.title, subject=change.subject, environment_id=place.id, author=author, detail=detail)
    subject = f"{segment} in {place.slug}" if segment else place.slug
    old = dict(compare.flat(change.before)) if change.before else None
    audit(change.action, subject, before=old, after=dict(compare.flat(change.document)), reason=change.reason)
    return version


def of(environment: Environment, segment: str | None) -> tuple[ColumnElement[bool], ...]:
    """The condition on a version that it is one of this part."""
    return (
        FlagVersion.flag_id.is_(None),
        FlagVersion.environment_id == environment.id,
        func.coalesce(FlagVersion.segment, "") == (segment or ""),
    )
