"""Bloat that is worth somebody's time → findings with what would end them (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.findings.rules import Finding, Remedy
from dashboard.formats import bytes_text, percent_text
from dashboard.names import encode
from dashboard.tables.bloat_rules import Verdict, option, verdict

LOUD_BYTES = 1 << 30
SCALE, THRESHOLD = "autovacuum_vacuum_scale_factor", "autovacuum_vacuum_threshold"
SETTINGS = {SCALE: "0.02", THRESHOLD: "1000"}
REWRITE = (
    "The settings keep it from growing; what is free already stays with the table and is filled again by new rows. "
    "To hand it back, rewrite the table: VACUUM FULL stops all reads and writes of it meanwhile and needs its size "
    "again on disk; the extensions pg_repack and pg_squeeze do it beside the traffic."
)
REINDEX = "Needs the size of the new index on disk meanwhile; reads and writes go on."
RESIDUE = (
    "No vacuum frees this: the bytes of dropped columns are inside of live rows until each row is written anew. "
    "VACUUM FULL does that and stops all reads and writes of the table meanwhile; pg_repack does it beside the traffic."
)


@dataclass(frozen=True)
class Bloated:
    """A table or b-tree with its stored estimate; has what `bloat_rules.Stored` asks for."""

    schema: str
    table_name: str
    name: str
    options: Sequence[str]
    kind: str
    pages: int
    bloat_bytes: int | None
    bloat_share: float | None
    residue_bytes: int | None
    is_random: bool
    reason: str | None
    estimated_at: datetime
    measured_bytes: int | None
    measured_share: float | None
    measured_at: datetime | None


def findings(rows: Iterable[Bloated], slug: str) -> list[Finding]:
    """One for each relation that something should be done about."""
    judged = [(row, verdict(row)) for row in rows]
    return [_finding(row, found, slug) for row, found in judged if found.action not in {"nothing", "unknown"}]


def _finding(row: Bloated, found: Verdict, slug: str) -> Finding:
    is_residue = found.action == "rewrite" and not _is_free_space(found)
    free = row.residue_bytes if is_residue else found.bytes
    subject = f"{row.schema}.{row.name}"
    rule = "dropped_columns" if is_residue else f"bloat_{row.kind}"
    return Finding(
        key=f"{rule}:{subject}",
        rule=rule,
        level="warning" if (free or 0) >= LOUD_BYTES else "info",
        subject=subject,
        title=_title(row, found, is_residue=is_residue),
        why=_why(row, found, is_residue=is_residue),
        href=f"/t/{slug}/tables/{encode(row.schema, row.table_name)}",
        remedy=Remedy((), (), note=RESIDUE) if is_residue else _remedy(row, found),
        bytes=free,
        detail={"bloat_share": found.share, "is_measured": found.is_measured, "action": found.action},
    )


def _is_free_space(found: Verdict) -> bool:
    return found.share is not None and found.share >= 0.3


def _title(row: Bloated, found: Verdict, *, is_residue: bool) -> str:
    if is_residue:
        return f"Dropped columns keep up to {bytes_text(row.residue_bytes)} in {row.name}"
    return f"{percent_text(found.share)} of {row.name} is bloat: {bytes_text(found.bytes)}"


def _why(row: Bloated, found: Verdict, *, is_residue: bool) -> str:
    if is_residue:
        return (
            "Its rows take more space than the columns that are left need; DROP COLUMN leaves the bytes where they are."
        )
    how = "Measured" if found.is_measured else "Estimated from the planner's statistics"
    if row.kind == "index":
        return f"{how}: a rebuilt index would be so much smaller. Lookups read more pages than they need."
    return f"{how}: free or dead space inside of the table. Scans read it, and the cache holds it."


def _remedy(row: Bloated, found: Verdict) -> Remedy:
    if row.kind == "index":
        return Remedy((f"REINDEX INDEX CONCURRENTLY {_quoted(row)}",), (), in_transaction=False, note=REINDEX)
    before = {name: option(row.options, name) for name in SETTINGS}
    kept = [f"{name} = {value}" for name, value in before.items() if value is not None]
    unset = [name for name, value in before.items() if value is None]
    down = [f"ALTER TABLE {_quoted(row)} SET ({', '.join(kept)})"] if kept else []
    down += [f"ALTER TABLE {_quoted(row)} RESET ({', '.join(unset)})"] if unset else []
    wanted = ", ".join(f"{name} = {value}" for name, value in SETTINGS.items())
    note = REWRITE if found.action == "rewrite" else None
    return Remedy((f"ALTER TABLE {_quoted(row)} SET ({wanted})",), tuple(down), note=note)


def _quoted(row: Bloated) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in (row.schema, row.name))
