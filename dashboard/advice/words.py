"""Advice in the words of a person: why an index, what it rests on, and what to do (pure)."""

from datetime import datetime

from dashboard.advice.definition import Definition
from dashboard.advice.rules import Gain, Proposal
from dashboard.advice.selectivity import Span, span_text
from dashboard.findings.rules import Finding, Level, Remedy
from dashboard.formats import bytes_text, count_text, ms_text

REASONS = {
    "small_table": "The table is small",
    "already_indexed": "An index answers it already",
    "plan_uses_index": "Its plan uses an index",
    "not_read_whole": "It does not read the whole table",
    "cheap": "It is cheap already",
    "not_selective": "Too many rows fit",
    "not_used": "The planner would not use it",
    "outweighed": "It would save too little",
    "expression": "It compares an expression",
    "pattern": "It searches by pattern",
    "no_condition": "No condition to index",
    "only_writes": "It only writes",
    "few_calls": "Too few calls",
    "catalog": "The server's own catalogue",
    "view": "It reads a view",
    "unknown_table": "Unknown table",
    "ambiguous": "Names that are not clear",
    "no_table": "It reads no table",
    "utility": "A command",
    "unparsable": "Not understood",
    "too_long": "Text too long",
    "late": "Not reached in time",
}
MUCH = 0.1


def why(proposal: Proposal) -> str:
    """One or two sentences with the numbers that decided."""
    first, table = proposal.gains[0], proposal.table
    calls = sum(one.ask.family.calls for one in proposal.gains)
    now = first.ask.before.index
    how = f"reads {table.label} by the index {now.name}" if now is not None else f"reads all of {table.label}"
    blocks = count_text(round(first.ask.family.blocks_per_call))
    others = len(proposal.gains) - 1
    also = f", and {others} more {'query' if others == 1 else 'queries'}" if others else ""
    return (
        f"A query that {how} touches {blocks} blocks a call; by this index it would be "
        f"{blocks_words(first.blocks)}{also}. {count_text(calls)} calls in the window."
    )


def blocks_words(blocks: Span) -> str:
    return span_text(round(blocks.low), round(blocks.high), count_text)


def saved_words(saved: Span) -> str:
    return span_text(saved.low, saved.high, ms_text)


def family_json(gain: Gain) -> dict[str, object]:
    """A family that an index helps, as the store and the page have it."""
    family = gain.ask.family
    return {
        "id": family.id,
        "calls": family.calls,
        "total_ms": family.total_ms,
        "saved_low_ms": gain.saved_ms.low,
        "saved_high_ms": gain.saved_ms.high,
        "left_low": gain.after.low,
        "left_high": gain.after.high,
        "blocks_per_call": family.blocks_per_call,
        "blocks_low": gain.blocks.low,
        "blocks_high": gain.blocks.high,
        "has_plan": family.scans is not None,
    }


def level(proposal: Proposal, total_ms: float) -> Level:
    """A warning when even the worst case gains a tenth of the time of the database."""
    return "warning" if total_ms and proposal.saved_ms.low >= MUCH * total_ms else "info"


def finding(
    proposal: Proposal,
    told: Definition,
    key: str,
    slug: str,
    total_ms: float,
    since: datetime | None,
    verified: str | None,
) -> Finding:
    """For the findings room: with the remedy both ways."""
    saved = f"It would save {saved_words(proposal.saved_ms)} of the window's {ms_text(total_ms)}"
    size = f"weigh about {bytes_text(proposal.size_bytes)}"
    how = verified or "This is estimated from statistics and blocks counted, not tried."
    return Finding(
        key=key,
        rule="missing_index",
        level=level(proposal, total_ms),
        subject=proposal.table.label,
        title=f"An index on {proposal.table.label} ({', '.join(told.columns)}) would help {_queries(proposal)}",
        why=f"{why(proposal)} {saved}, and {size}. {how}",
        href=f"/t/{slug}/advice",
        since=since,
        remedy=_remedy(told),
        detail={"families": [one.ask.family.id for one in proposal.gains], "method": proposal.index.method},
    )


def _queries(proposal: Proposal) -> str:
    count = len(proposal.gains)
    return "a query" if count == 1 else f"{count} queries"


def _remedy(told: Definition) -> Remedy:
    """What a build that was cut left behind goes first, so that the migration can run again."""
    drop = told.drop_sql.replace("DROP INDEX CONCURRENTLY ", "DROP INDEX CONCURRENTLY IF EXISTS ", 1)
    up = (told.create_sql,) if told.note else (drop, told.create_sql)
    return Remedy(up=up, down=(drop,), in_transaction=bool(told.note), note=told.note)
