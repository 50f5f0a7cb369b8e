"""From the answers of a target to rows of the store (pure)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from typing import Any, NamedTuple

from dashboard.vacuum import rules
from dashboard.vacuum.dying import Dying

COPIED = (
    "oid", "schema", "name", "kind", "parent", "dead_rows", "inserted_rows", "modified_rows", "toast_dead_rows",
    "options", "last_vacuum_at", "last_autovacuum_at", "last_analyze_at", "last_autoanalyze_at", "vacuums",
    "autovacuums", "analyzes", "autoanalyzes", "vacuum_ms", "autovacuum_ms", "analyze_ms", "autoanalyze_ms",
)  # fmt: skip


class Own(NamedTuple):
    """What options of a table and settings of its server say."""

    limits: rules.Limits
    is_autovacuumed: bool
    freeze_max_age: int
    multixact_freeze_max_age: int


@dataclass(frozen=True)
class Counters:
    """Where the ids of the target stand, and the settings of its server as text."""

    is_standby: bool
    sees_sessions: bool
    next_xid: int
    next_multixact: int
    settings: Mapping[str, str]
    wraparound_vacuums: int

    @property
    def is_autovacuum_on(self) -> bool:
        return not {self.settings.get("autovacuum", "on"), self.settings.get("track_counts", "on")} & rules.OFF

    @cached_property
    def own(self) -> Callable[[tuple[str, ...]], Own]:
        """By the options of a table, which are the same for nearly all of them."""
        return cache(self._own)

    def _own(self, options: tuple[str, ...]) -> Own:
        return Own(
            rules.limits(options, self.settings),
            rules.is_autovacuumed(options),
            rules.freeze_max_age(options, self.settings),
            rules.freeze_max_age(options, self.settings, "multixact_"),
        )


class Table(NamedTuple):
    """A row of table_vacuum without its target."""

    oid: int
    schema: str
    name: str
    kind: str
    parent: str | None
    row_estimate: int | None
    dead_rows: int
    inserted_rows: int
    modified_rows: int
    toast_dead_rows: int | None
    vacuum_threshold: int | None
    insert_threshold: int | None
    analyze_threshold: int | None
    toast_threshold: int | None
    due_share: float | None
    due_for: str | None
    is_autovacuumed: bool
    is_toast_autovacuumed: bool | None
    options: list[str]
    unfrozen_share: float | None
    last_vacuum_at: datetime | None
    last_autovacuum_at: datetime | None
    last_analyze_at: datetime | None
    last_autoanalyze_at: datetime | None
    vacuums: int
    autovacuums: int
    analyzes: int
    autoanalyzes: int
    vacuum_ms: float | None
    autovacuum_ms: float | None
    analyze_ms: float | None
    autoanalyze_ms: float | None
    frozen_xid: int
    oldest_multixact: int
    freeze_max_age: int
    multixact_freeze_max_age: int
    died_since: datetime
    died_rows: int
    vacuumed_ms: float | None


def table_of(row: Mapping[str, Any], counters: Counters, dying: Dying) -> Table:
    """A table with its TOAST. On a standby nothing is due: what is dead is counted on the primary alone."""
    own = counters.own(tuple(row["options"]))
    of_toast = counters.own(tuple(rules.toast_options(row["toast_options"], row["options"])))
    counted = rules.Counted(
        tuples=row["tuples"],
        pages=row["pages"],
        frozen_pages=row["frozen_pages"],
        dead_rows=row["dead_rows"],
        inserted_rows=row["inserted_rows"],
        modified_rows=row["modified_rows"],
    )
    due, toast = rules.due(counted, own.limits), _toast(row, of_toast.limits)
    share, reason = due.worst
    if toast and toast.vacuum_share is not None and toast.vacuum_share > (share or 0):
        share, reason = toast.vacuum_share, "dead TOAST rows"
    return Table(
        **{name: row[name] for name in COPIED},
        row_estimate=round(row["tuples"]) if row["tuples"] >= 0 else None,
        vacuum_threshold=due.vacuum_threshold,
        insert_threshold=due.insert_threshold,
        analyze_threshold=due.analyze_threshold,
        toast_threshold=toast.vacuum_threshold if toast else None,
        due_share=None if counters.is_standby else share,
        due_for=None if counters.is_standby else reason,
        is_autovacuumed=own.is_autovacuumed,
        is_toast_autovacuumed=of_toast.is_autovacuumed if toast else None,
        unfrozen_share=rules.unfrozen_share(counted),
        frozen_xid=_oldest(counters.next_xid, row["frozen_id"], row["toast_frozen_id"]),
        oldest_multixact=_oldest(counters.next_multixact, row["multixact_id"], row["toast_multixact_id"]),
        freeze_max_age=own.freeze_max_age,
        multixact_freeze_max_age=own.multixact_freeze_max_age,
        **vars(dying),
    )


def _toast(row: Mapping[str, Any], limits: rules.Limits) -> rules.Due | None:
    if row["toast_tuples"] is None:
        return None
    counted = rules.Counted(row["toast_tuples"], 0, None, row["toast_dead_rows"], 0, 0)
    return rules.due(counted, limits)


def _oldest(next_id: int, own: int, toast: int | None) -> int:
    oldest = rules.full_id(next_id, own)
    return oldest if toast is None else min(oldest, rules.full_id(next_id, toast))
