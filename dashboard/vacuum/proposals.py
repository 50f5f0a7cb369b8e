"""Settings of a table that would let autovacuum keep up with it → findings (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.findings.rules import Finding, Level, Remedy
from dashboard.formats import count_text, duration_text, percent_text
from dashboard.names import encode
from dashboard.targets.capabilities import quoted
from dashboard.vacuum import rules
from dashboard.vacuum.dying import DAY, per_day
from dashboard.vacuum.rows import Counters, Table

LARGE_ROWS = 100_000
LEAST_SHARE = 0.01  # each vacuum reads every index: for less than that it is not worth it
WORTH = 2
SELDOM, NEVER_MIND = timedelta(days=3), timedelta(days=120)
OFF_ROWS = 1_000
BUSY_SHARE = 0.5
COST_LIMIT = 2_000
SCALE, ENABLED, COST = "autovacuum_vacuum_scale_factor", "autovacuum_enabled", "autovacuum_vacuum_cost_limit"
SOON = "It takes effect with the next round of autovacuum; no row is changed."


@dataclass(frozen=True)
class Proposal:
    """`settings` of the table: what each should be, None for the server's own value."""

    rule: str
    level: Level
    title: str
    why: str
    settings: Mapping[str, str | None]
    since: datetime | None


def findings(tables: Iterable[Table], counters: Counters, slug: str, now: datetime) -> list[Finding]:
    """One for each table that autovacuum may not touch, does not get through with, or comes to too seldom."""
    if counters.is_standby or not counters.is_autovacuum_on:
        return []
    proposed = ((table, _proposal(table, counters, now)) for table in tables)
    return [_finding(table, one, slug) for table, one in proposed if one]


def _proposal(table: Table, counters: Counters, now: datetime) -> Proposal | None:
    if not table.is_autovacuumed:
        return _switched_off(table)
    return _slow(table, now) or _seldom(table, counters, now)


def _switched_off(table: Table) -> Proposal | None:
    if (table.due_share or 0) < 1 or table.dead_rows < OFF_ROWS:
        return None
    return Proposal(
        "autovacuum_off",
        "warning",
        f"Autovacuum is off for {table.name}, which has {count_text(table.dead_rows)} dead rows",
        f"From {count_text(table.vacuum_threshold)} dead rows on it would come; as it is, they stay until somebody "
        "vacuums the table by hand, or until wraparound forces it.",
        {ENABLED: None},
        None,
    )


def _slow(table: Table, now: datetime) -> Proposal | None:
    """It works on the table for most of the time and the table is due nevertheless."""
    seen = now - table.died_since
    if table.vacuumed_ms is None or seen < DAY or (table.due_share or 0) < 1 or COST in _own(table):
        return None
    share = timedelta(milliseconds=table.vacuumed_ms) / seen
    if share < BUSY_SHARE:
        return None
    return Proposal(
        "autovacuum_slow",
        "warning",
        f"Autovacuum does not get through with {table.name}",
        f"For {percent_text(min(share, 1.0))} of the last {duration_text(seen)} it was at work on this table, which is "
        f"at {percent_text(table.due_share)} of its threshold nevertheless: it pauses too much.",
        {COST: str(COST_LIMIT)},
        table.died_since,
    )


def _seldom(table: Table, counters: Counters, now: datetime) -> Proposal | None:
    """A fifth of a large table is a lot of dead rows to wait for."""
    rows, threshold = table.row_estimate or 0, table.vacuum_threshold
    daily = per_day(table.died_rows, table.died_since, now)
    if not daily or threshold is None or rows < LARGE_ROWS:
        return None
    wanted = max(daily, rows * LEAST_SHARE)
    comes = threshold / daily
    if threshold < WORTH * wanted or not SELDOM <= timedelta(days=min(comes, 10_000)) <= NEVER_MIND:
        return None
    base = rules.number(table.options, counters.settings, "autovacuum_vacuum_threshold") or 0
    scale = max(round((wanted - base) / rows, 3), 0.001)
    return Proposal(
        "autovacuum_seldom",
        "info",
        f"Autovacuum comes to {table.name} about every {comes:.0f} days",
        f"About {count_text(daily)} of its rows die a day, and it waits for {count_text(threshold)} of them, "
        f"{percent_text(threshold / rows)} of the table. With a scale factor of {scale:g} it would come about every "
        f"{_days((base + scale * rows) / daily)}.",
        {SCALE: f"{scale:g}"},
        table.died_since,
    )


def _days(days: float) -> str:
    return "day" if round(days) <= 1 else f"{days:.0f} days"


def _finding(table: Table, one: Proposal, slug: str) -> Finding:
    subject = f"{table.schema}.{table.name}"
    return Finding(
        key=f"{one.rule}:{subject}",
        rule=one.rule,
        level=one.level,
        subject=subject,
        title=one.title,
        why=one.why,
        href=f"/t/{slug}/tables/{encode(table.schema, table.name)}",
        since=one.since,
        remedy=_remedy(table, one.settings),
        detail={"dead_rows": table.dead_rows, "threshold": table.vacuum_threshold, "rows": table.row_estimate},
    )


def _remedy(table: Table, wanted: Mapping[str, str | None]) -> Remedy:
    own = _own(table)
    before = {name: own.get(name) for name in wanted}
    return Remedy(_statements(table, wanted), _statements(table, before), note=SOON)


def _statements(table: Table, settings: Mapping[str, str | None]) -> tuple[str, ...]:
    kind = "MATERIALIZED VIEW" if table.kind == "m" else "TABLE"
    head = f"ALTER {kind} {quoted(table.schema)}.{quoted(table.name)}"
    written = ", ".join(f"{name} = {value}" for name, value in settings.items() if value is not None)
    unset = ", ".join(name for name, value in settings.items() if value is None)
    return (*([f"{head} SET ({written})"] if written else []), *([f"{head} RESET ({unset})"] if unset else []))


def _own(table: Table) -> dict[str, str]:
    return dict(text.split("=", 1) for text in table.options)
