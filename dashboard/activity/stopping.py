"""Cancelling a statement or ending a session: written down before it is done, and what came of it after."""

from typing import Any

from dashboard.activity.protection import Act
from dashboard.activity.rules import Session
from dashboard.changes.record import record
from dashboard.security.audit import record as audit
from dashboard.security.authors import current_author
from dashboard.store import db
from dashboard.targets import steer
from dashboard.targets.connect import TargetRefused, TargetUnreachable
from dashboard.targets.models import Target

LONGEST_STATEMENT = 200
DONE = {"cancel": "A statement of {whom} was cancelled", "terminate": "The session of {whom} was ended"}
TRIED = {"cancel": "Cancelling a statement of {whom} was tried", "terminate": "Ending the session of {whom} was tried"}


def stop_session(
    target: Target, one: Session, held_up: int, act: Act, *, query_born: int | None, reason: str
) -> steer.Outcome:
    """Commits the intent first: whatever happens to us, there is a name on it.

    Raises TargetRefused with the GRANT that is missing, TargetUnreachable; those are written down as well.
    """
    before = {"result": "requested"}
    audit(f"session.{act}", _subject(target, one), before=facts(one, held_up), after=before, reason=reason or None)
    db.session.commit()
    aim = steer.Aim(one.pid, one.born or 0, query_born, is_autovacuum=one.backend_type == "autovacuum worker")
    try:
        with steer.steering(target) as reader:
            outcome = steer.stop(reader, act, aim)
    except (TargetRefused, TargetUnreachable) as failure:
        audit(f"session.{act}", _subject(target, one), before=before, after={"result": failure.sentence})
        db.session.commit()
        raise
    _tell(target, one, act, outcome, reason)
    after = {"result": outcome.state, "was_sent": outcome.was_sent}
    audit(f"session.{act}", _subject(target, one), before=before, after=after)
    db.session.commit()
    return outcome


def facts(one: Session, held_up: int) -> dict[str, Any]:
    """What the audit log keeps of a session; of its statement the beginning."""
    names = ("pid", "username", "application", "address", "state")
    moments = {name: str(getattr(one, name)) for name in ("started_at", "transaction_at") if getattr(one, name)}
    statement = (one.line or "")[:LONGEST_STATEMENT]
    return {name: getattr(one, name) for name in names} | moments | {"statement": statement, "held_up": held_up}


def _tell(target: Target, one: Session, act: Act, outcome: steer.Outcome, reason: str) -> None:
    if not outcome.was_sent:
        return
    whom = f"{one.application or one.username or one.backend_type} (process {one.pid})"
    record(
        "session",
        (DONE if outcome.state == "stopped" else TRIED)[act].format(whom=whom),
        subject=str(one.pid),
        target_id=target.id,
        environment_id=target.environment_id,
        author=current_author(),
        detail={"role": one.username, "address": one.address, "reason": reason, "result": outcome.sentence},
    )


def _subject(target: Target, one: Session) -> str:
    return f"target:{target.slug}/session:{one.pid}"
