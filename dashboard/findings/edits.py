"""What operators do with findings: set one aside for a while, or take it back."""

from datetime import datetime
from typing import Any

from sqlalchemy import update

from dashboard.errors import Conflict
from dashboard.findings.forms import Dismissal
from dashboard.findings.models import Finding
from dashboard.security import audit
from dashboard.security.authors import current_author
from dashboard.store import db

DISMISSAL = ("dismissed_at", "dismissed_by", "dismissed_reason", "dismissed_level", "dismissed_until")


def dismiss(finding: Finding, target: str, asked: Dismissal, now: datetime) -> None:
    """Set it aside with a reason, until it expires or gets worse. Raises Conflict; the caller commits."""
    if finding.ended_at is not None:
        raise Conflict("This finding has ended; there is nothing left to set aside.")
    values = {
        "dismissed_at": now,
        "dismissed_by": current_author(),
        "dismissed_reason": asked.reason,
        "dismissed_level": finding.level,
        "dismissed_until": now + asked.lasts,
    }
    before = _told(finding)
    _change(finding, asked.version, values, yours=asked.reason)
    audit.record("finding.dismiss", _subject(finding, target), before=before, after=_told(finding), reason=asked.reason)


def reopen(finding: Finding, target: str, version: int) -> None:
    """Take a dismissal back. Raises Conflict; the caller commits."""
    before = _told(finding)
    _change(finding, version, dict.fromkeys(DISMISSAL), yours="reopened")
    audit.record("finding.reopen", _subject(finding, target), before=before, after=_told(finding))


def _change(finding: Finding, version: int, values: dict[str, Any], *, yours: str) -> None:
    """Where the version is the one that was seen; the statement waits for whoever is just writing it."""
    same = (Finding.id == finding.id, Finding.version == version)
    change = update(Finding).where(*same).values(version=version + 1, **values).returning(Finding.id)
    if db.session.scalar(change) is None:
        db.session.refresh(finding)
        theirs = finding.dismissed_reason or "reopened"
        who = f"by {finding.dismissed_by} " if finding.dismissed_by else ""
        raise Conflict(f"This finding was changed {who}in the meantime.", {"reason": (theirs, yours)})
    db.session.refresh(finding)


def _subject(finding: Finding, target: str) -> str:
    return f"finding:{target}/{finding.key}"


def _told(finding: Finding) -> dict[str, Any]:
    until = finding.dismissed_until
    return {
        "dismissed_by": finding.dismissed_by,
        "dismissed_reason": finding.dismissed_reason,
        "dismissed_until": until.isoformat() if until else None,
    }
