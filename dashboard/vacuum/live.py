"""Vacuums that run now: asked of the target itself, within two seconds, only while somebody looks."""

from dataclasses import dataclass, field
from datetime import datetime

from dashboard.targets.connect import TargetRefused, TargetUnreachable, address_of, reading
from dashboard.targets.models import Target
from dashboard.targets.probes import Older, Probe

LIMIT_MS = 2_000
VIEW = "pg_stat_progress_vacuum"
PROGRESS = Probe.read(
    __file__,
    "progress.sql",
    older=(
        Older(VIEW, "num_dead_item_ids", "p.num_dead_item_ids", "p.num_dead_tuples"),
        Older(VIEW, "indexes_total", "p.indexes_total", "cast(null as bigint)"),
        Older(VIEW, "indexes_processed", "p.indexes_processed", "cast(null as bigint)"),
        Older(VIEW, "delay_time", "p.delay_time", "null"),
    ),
)


@dataclass(frozen=True)
class RunningVacuum:
    """A vacuum in its phase; blocks of the heap, rounds over all indexes. What a version does not tell is None."""

    pid: int
    schema: str | None
    name: str | None
    is_toast: bool
    phase: str
    blocks: int
    blocks_scanned: int
    blocks_vacuumed: int
    index_rounds: int
    dead_items: int | None
    indexes: int | None
    indexes_done: int | None
    delay_ms: float | None
    is_automatic: bool | None
    is_against_wraparound: bool
    started_at: datetime | None
    waits_for: str | None

    @property
    def share(self) -> float | None:
        """How much of the heap this phase has seen; None in phases that do not read the heap."""
        seen = {"scanning heap": self.blocks_scanned, "vacuuming heap": self.blocks_vacuumed}.get(self.phase)
        return None if seen is None or not self.blocks else seen / self.blocks


@dataclass(frozen=True)
class Running:
    vacuums: list[RunningVacuum] = field(default_factory=list)
    problem: TargetRefused | TargetUnreachable | None = None


def running_vacuums(target: Target) -> Running:
    try:
        with reading(address_of(target), statement_timeout_ms=LIMIT_MS, wait_s=1.0) as reader:
            return Running([RunningVacuum(**row) for row in reader.ask(PROGRESS)])
    except (TargetRefused, TargetUnreachable) as problem:
        return Running(problem=problem)
