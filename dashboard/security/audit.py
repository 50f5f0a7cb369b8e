"""The audit log: one entry for every change, in the change's own transaction, each sealed to the one before."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC
from typing import Any

from sqlalchemy import func, select

from dashboard.security.authors import current_address, current_author, current_request_id
from dashboard.security.models import AuditEntry, AuditHead
from dashboard.security.rules import redacted
from dashboard.store import db

BATCH = 1_000


def record(
    action: str,
    subject: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str | None = None,
    author: str | None = None,
) -> None:
    """Append an entry; its lock on the chain's end is held until the commit, so record last."""
    db.session.flush()
    locked = select(AuditHead, func.clock_timestamp()).where(AuditHead.id == 1).with_for_update()
    head, at = db.session.execute(locked.execution_options(populate_existing=True)).one()
    entry = AuditEntry(
        seq=head.seq + 1,
        at=at,
        author=author or current_author(),
        action=action,
        subject=subject.replace("\x00", "�"),
        before=redacted(before),
        after=redacted(after),
        reason=reason.replace("\x00", "�") if reason else None,
        address=current_address(),
        request_id=current_request_id(),
        previous_hash=head.hash,
    )
    entry.hash = seal(entry)
    head.seq, head.hash = entry.seq, entry.hash
    db.session.add(entry)
    db.session.flush()


def seal(entry: AuditEntry) -> bytes:
    """SHA-256 over the hash before and the entry as JSON with sorted names."""
    fields = {
        "seq": entry.seq,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "author": entry.author,
        "action": entry.action,
        "subject": entry.subject,
        "before": entry.before,
        "after": entry.after,
        "reason": entry.reason,
        "address": entry.address,
        "request_id": entry.request_id,
    }
    text = json.dumps(fields, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(bytes(entry.previous_hash) + text.encode()).digest()


def verify() -> int | None:
    """The number of the first entry that was changed or is missing; None when the chain is whole."""
    head = db.session.scalars(select(AuditHead).where(AuditHead.id == 1)).one_or_none()
    seq, previous = 0, b""
    for entry in _entries():
        seq += 1
        if entry.seq != seq or bytes(entry.previous_hash) != previous or seal(entry) != bytes(entry.hash):
            return seq
        previous = bytes(entry.hash)
    if head is None or head.seq != seq or bytes(head.hash) != previous:
        return seq + 1
    return None


def _entries() -> Iterable[AuditEntry]:
    statement = select(AuditEntry).order_by(AuditEntry.seq).execution_options(yield_per=BATCH)
    for entry in db.session.scalars(statement):
        yield entry
        db.session.expunge(entry)
