"""What the sessions of a target do now: the one page that asks the target itself, within three seconds."""

from dataclasses import dataclass, field
from datetime import datetime

from dashboard.activity.rules import Session, session_of
from dashboard.targets.connect import TargetRefused, TargetUnreachable, address_of, reading
from dashboard.targets.models import Target
from dashboard.targets.probes import Probe, quoted

SESSIONS = Probe.read(__file__, "sessions.sql")
LIMIT_MS = 2_000


@dataclass(frozen=True)
class Live:
    """The sessions, or why they are not known. `total`: how many there are; only the first 1,000 are told."""

    sessions: list[Session] = field(default_factory=list)
    total: int = 0
    as_of: datetime | None = None
    grant_sql: str | None = None
    problem: TargetRefused | TargetUnreachable | None = None

    @property
    def hidden(self) -> int:
        return sum(one.is_hidden for one in self.sessions)

    @property
    def remedy_sql(self) -> str | None:
        return self.problem.remedy_sql if isinstance(self.problem, TargetRefused) else None


def sessions_of(target: Target, now: datetime) -> Live:
    try:
        address = address_of(target)
        with reading(address, statement_timeout_ms=LIMIT_MS, wait_s=1.0) as reader:
            rows = reader.ask(SESSIONS)
    except (TargetRefused, TargetUnreachable) as problem:
        return Live(problem=problem)
    return Live(
        sessions=[session_of(row, now) for row in rows],
        total=rows[0]["total"] if rows else 0,
        as_of=now,
        grant_sql=f"GRANT pg_monitor TO {quoted(address.user)};",
    )
