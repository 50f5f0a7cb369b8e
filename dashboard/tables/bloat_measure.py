"""Exact bloat on somebody's demand: the extension pgstattuple reads the relation itself, within time limits."""

from dataclasses import dataclass, replace
from typing import Any

from dashboard.errors import Conflict
from dashboard.tables.bloat import PAGE
from dashboard.tables.bloat_rules import option
from dashboard.targets.capabilities import quoted
from dashboard.targets.connect import Address, Reader, TargetRefused, reading
from dashboard.targets.probes import Probe, missing

LIMIT_MS = 20_000
LOCK_MS = 300
EXTENSION = "pgstattuple"
TABLE = Probe.read(__file__, "bloat_measure_table.sql")
INDEX = Probe.read(__file__, "bloat_measure_index.sql")
GONE = "It is not there any more, or nothing that can be measured: only heap tables and b-trees are."


@dataclass(frozen=True)
class Measurement:
    size_bytes: int
    free_bytes: int

    @property
    def share(self) -> float:
        return self.free_bytes / self.size_bytes if self.size_bytes else 0.0


def measure(address: Address, oid: int, kind: str) -> Measurement:
    """On a connection of its own. Raises TargetRefused (with what would help), TargetUnreachable, Conflict."""
    with reading(address, statement_timeout_ms=LIMIT_MS, lock_timeout_ms=LOCK_MS, pooled=False) as reader:
        row = _asked(reader, address, oid, INDEX if kind == "index" else TABLE)
    return of_index(row) if kind == "index" else of_table(row)


def of_table(row: dict[str, Any]) -> Measurement:
    """Dead and free bytes without the reserve that the fillfactor keeps in each page."""
    reserve = row["size_bytes"] * (100 - int(option(row["options"], "fillfactor") or 100)) / 100
    return Measurement(row["size_bytes"], max(0, round(row["dead_bytes"] + row["free_bytes"] - reserve)))


def of_index(row: dict[str, Any]) -> Measurement:
    """Pages beyond those that the entries need when leaves are as full as the fillfactor says."""
    wanted = int(option(row["options"], "fillfactor") or 90)
    leaves = row["leaf_pages"] * (row["leaf_density_percent"] or 0) / wanted
    return Measurement(
        row["size_bytes"], max(0, round(row["size_bytes"] - (1 + row["internal_pages"] + leaves) * PAGE))
    )


def _asked(reader: Reader, address: Address, oid: int, probe: Probe) -> dict[str, Any]:
    schema = reader.schema_of(EXTENSION)
    if schema is None:
        raise missing(EXTENSION)
    here = replace(probe, sql=probe.sql.replace("public.pgstat", f"{quoted(schema)}.pgstat"))
    reader.rows("select set_config('pilothouse.oids', %(oid)s, true)", {"oid": str(oid)})
    try:
        rows = reader.ask(here)
    except TargetRefused as refused:
        if refused.sqlstate != "42501":
            raise
        role = quoted(address.user)
        remedy = f"GRANT USAGE ON SCHEMA {quoted(schema)} TO {role};\nGRANT pg_stat_scan_tables TO {role};"
        raise TargetRefused(refused.sqlstate, refused.sentence, remedy) from None
    if not rows:
        raise Conflict(GONE)
    return rows[0]
