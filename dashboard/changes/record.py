"""How every feature puts a row into the change lane, in its own transaction."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert

from dashboard.changes.models import Change
from dashboard.store import db


def record(
    kind: str,
    title: str,
    *,
    subject: str,
    target_id: int | None = None,
    environment_id: int | None = None,
    author: str | None = None,
    at: datetime | None = None,
    noticed_after: datetime | None = None,
    detail: dict[str, Any] | None = None,
    dedupe_key: str | None = None,
) -> None:
    """Add a change; one with a `dedupe_key` that is already there is left as it is (jobs may run twice)."""
    row = insert(Change).values(
        at=at or datetime.now(UTC),
        noticed_after=noticed_after,
        kind=kind,
        title=title,
        subject=subject,
        target_id=target_id,
        environment_id=environment_id,
        author=author,
        detail=detail or {},
        dedupe_key=dedupe_key,
    )
    db.session.execute(row.on_conflict_do_nothing(index_elements=[Change.dedupe_key]))
