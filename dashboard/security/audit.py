"""The audit log: one entry for every change, in the change's own transaction, each sealed to the one before."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC
from typing import Any

from sqlalchemy import func, select

from dashboard.security.authors import current_address, current_author, current_request_id
from dashboard.security.models import AuditEntry, AuditHead
from dashboard.security.rules import changed_secrets
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
    end, at = db.session.execute(locked.execution_options(populate_existing=True)).one()
    old, new = changed_secrets(before, after)
    entry = AuditEntry(
        seq=end.seq + 1,
        at=at,
        author=author or current_author(),
        action=action,
        subject=subject.replace("\x00", "�"),
        before=old,
        after=new,
        reason=reason.replace("\x00", "�") if reason else None,
        address=current_address(),
        request_id=current_request_id(),
        previous_hash=end.hash,
    )
    entry.hash = seal(entry)
    end.seq, end.hash = entry.seq, entry.hash
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
    end = db.session.execute(select(AuditHead.seq, AuditHead.hash).where(AuditHead.id == 1)).one_or_none()
    seq, previous = 0, b""
    for entry in _entries():
        seq += 1
        if entry.seq != seq or bytes(entry.previous_hash) != previous or seal(entry) != bytes(entry.hash):
            return seq
        previous = bytes(entry.hash)
    if end is None or end.seq != seq or bytes(end.hash) != previous:
        return seq + 1
    return None


def head() -> tuple[int, str]:
    """(number of the last entry, its hash): what an outside copy is compared with."""
    row = db.session.scalars(select(AuditHead).where(AuditHead.id == 1)).one()
    return row.seq, bytes(row.hash).hex()


def _entries() -> Iterator[AuditEntry]:
    """All entries in order, in batches that memory holds."""
    last = 0
    while batch := db.session.scalars(
        select(AuditEntry).where(AuditEntry.seq > last).order_by(AuditEntry.seq).limit(BATCH)
    ).all():
        yield from batch
        last = batch[-1].seq
        db.session.expunge_all()
