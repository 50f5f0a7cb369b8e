"""What a collection leaves in the store about itself: reachable or not, how each probe went, what it cost."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert

from dashboard.store import db
from dashboard.targets.circuit import delay_s
from dashboard.targets.connect import Reader, TargetUnreachable
from dashboard.targets.models import CollectorCost, ProbeState, Target


@dataclass
class Cost:
    """Our own time, the target's time for our statements, and how many there were."""

    started_at: datetime
    target_ms: float = 0.0
    statements: int = 0
    rows: int = 0
    cadences: set[str] = field(default_factory=set)

    def add(self, reader: Reader) -> None:
        self.target_ms += reader.target_ms
        self.statements += reader.statements
        self.rows += reader.rows_read


def mark_reachable(target_id: int, now: datetime) -> None:
    values = {
        Target.state: "reachable",
        Target.unreachable_since: None,
        Target.unreachable_reason: None,
        Target.failures: 0,
        Target.next_attempt_at: None,
        Target.collected_at: now,
    }
    db.session.execute(update(Target).where(Target.id == target_id).values(values))


def mark_unreachable(target: Target, failure: TargetUnreachable, now: datetime) -> None:
    """Since when stays; the next attempt waits longer with every failure."""
    failures = target.failures + 1
    wait_s = delay_s(failures, lasting=failure.lasting, jitter=random.random())  # noqa: S311 - spreads attempts
    values = {
        Target.state: "unreachable",
        Target.unreachable_since: func.coalesce(Target.unreachable_since, now),
        Target.unreachable_reason: failure.sentence,
        Target.failures: failures,
        Target.next_attempt_at: now + timedelta(seconds=wait_s),
    }
    db.session.execute(update(Target).where(Target.id == target.id).values(values))


def keep_probe_state(
    target_id: int,
    probe: str,
    *,
    tried_at: datetime,
    ended_at: datetime,
    rows: int = 0,
    failed: bool = False,
    reason: str | None = None,
    remedy_sql: str | None = None,
) -> None:
    """ok without a reason, partial with one; a failed one keeps the time of its last answer."""
    state = "unavailable" if failed else "partial" if reason else "ok"
    values = {
        "state": state,
        "reason": reason,
        "remedy_sql": remedy_sql,
        "tried_at": tried_at,
        "duration_ms": _lasted_ms(tried_at, ended_at),
        "rows": rows,
    } | ({} if failed else {"as_of": tried_at})
    row = insert(ProbeState).values(target_id=target_id, probe=probe, **values)
    db.session.execute(row.on_conflict_do_update(index_elements=["target_id", "probe"], set_=values))


def keep_cost(target_id: int, slot: datetime, cost: Cost, now: datetime) -> None:
    """A slot that is collected in two goes (the first was interrupted) cost both."""
    longest = next((name for name in ("quarter_hour", "five_minutes") if name in cost.cadences), "minute")
    row = insert(CollectorCost).values(
        target_id=target_id,
        slot=slot,
        cadence=longest,
        duration_ms=_lasted_ms(cost.started_at, now),
        target_ms=cost.target_ms,
        statements=cost.statements,
        rows=cost.rows,
    )
    added = ("duration_ms", "target_ms", "statements", "rows")
    db.session.execute(
        row.on_conflict_do_update(
            index_elements=["target_id", "slot", "cadence"],
            set_={name: getattr(CollectorCost, name) + row.excluded[name] for name in added},
        )
    )


def _lasted_ms(begun: datetime, ended: datetime) -> float:
    """Nothing where the clock was set back in between."""
    return max(0.0, (ended - begun).total_seconds() * 1000)
