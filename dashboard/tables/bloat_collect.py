"""The job that estimates bloat from the statistics that the planner has anyway; it reads no table."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from time import monotonic
from typing import Any

from dashboard.findings import record
from dashboard.tables import bloat_edits, bloat_findings, bloat_queries, bloat_rules
from dashboard.tables.bloat import DENIED, HIDDEN, Column
from dashboard.tables.bloat_grant import lending
from dashboard.tables.bloat_rules import Found
from dashboard.targets.collection import Collection
from dashboard.targets.connect import Reader, address_of
from dashboard.targets.probes import Probe

PROBE = "bloat"
CADENCE = "hour"
BATCH = 1_000
BUDGET_S = 15.0
RELATIONS = Probe.read(__file__, "bloat_relations.sql")
COLUMNS = Probe.read(__file__, "bloat_columns.sql")
HELPER = Probe.read(__file__, "bloat_helper.sql")


def collect(collection: Collection) -> None:
    """Estimates of every table and b-tree of 1 MB and more, and what is worth doing about them."""
    reader, target = collection.reader, collection.target
    rows = _with_sizes(reader.ask(RELATIONS), bloat_queries.sizes_now(target.id))
    leaves, late = _estimated(reader, rows)
    found = bloat_rules.folded(leaves, rows)
    bloat_edits.keep(target.id, found, late, collection.now)
    judged = bloat_findings.findings(bloat_queries.large_bloat(target.id), target.slug)
    record.keep(target.id, PROBE, judged, collection.now)
    collection.done(len(found))
    unread = sum(one.reason in {DENIED, HIDDEN} for one in leaves)
    if unread:
        remedy = lending(address_of(target).user)
        reason = f"The bloat of {unread} of {len(leaves)} tables and indexes is unknown: {DENIED}."
        collection.partial(reason, remedy)
    elif late:
        collection.partial(f"{len(late)} tables keep their last estimate: the time budget was used up.")


def _with_sizes(rows: list[dict[str, Any]], sizes: Mapping[int, tuple[int, int]]) -> list[dict[str, Any]]:
    """What was measured before the last ANALYZE or VACUUM says nothing about the time after it."""
    for row in rows:
        pages, pages_now = sizes.get(row["oid"], (None, None))
        row["pages_now"] = pages_now if pages == row["pages"] else None
    return rows


def _estimated(reader: Reader, rows: Sequence[Mapping[str, Any]]) -> tuple[list[Found], list[int]]:
    """Estimates, largest tables first, and the tables that the time was too short for."""
    until, found, late = monotonic() + BUDGET_S, list[Found](), list[int]()
    probe = _columns_probe(reader)
    for batch in _batches(rows):
        if monotonic() > until:
            late += {row["table_oid"] for row in batch}
        else:
            found += bloat_rules.found(batch, _columns(reader, probe, batch))
    return found, late


def _columns_probe(reader: Reader) -> Probe:
    """Statistics of columns from pg_stats, or lent without any values."""
    if reader.ask(HELPER)[0]["is_lent"]:
        return replace(COLUMNS, sql=COLUMNS.sql.replace("pg_catalog.pg_stats", "pilothouse.column_statistics()"))
    return COLUMNS


def _batches(rows: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Each table with its indexes, some hundred relations at once."""
    by_table: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["kind"] not in {"p", "I"}:
            by_table[row["table_oid"]].append(row)
    batch: list[Mapping[str, Any]] = []
    for relations in by_table.values():
        batch += relations
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _columns(reader: Reader, probe: Probe, batch: Sequence[Mapping[str, Any]]) -> dict[int, list[Column]]:
    oids = {row["oid"] for row in batch} | {row["table_oid"] for row in batch}
    chosen = ",".join(map(str, sorted(oids)))
    reader.rows("select set_config('pilothouse.oids', %(oids)s, true)", {"oids": chosen})
    columns: dict[int, list[Column]] = defaultdict(list)
    for row in reader.ask(probe):
        columns[row["oid"]].append(bloat_rules.column_of(row))
    return columns
