"""Asks a target for the planner's constants and for shares of values of the columns that advice is about."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from dashboard.advice.costs import Constants
from dashboard.advice.shapes import Stats, Table
from dashboard.tables import bloat_collect
from dashboard.tables.bloat_grant import lending
from dashboard.targets.collection import Collection
from dashboard.targets.connect import Reader, TargetRefused, TargetUnreachable, address_of, reading
from dashboard.targets.probes import Probe

SETTINGS = Probe.read(__file__, "settings.sql")
COLUMNS = Probe.read(__file__, "columns.sql")
MOST_COLUMNS = 1_000
NAMES = {
    "seq_page_cost": "seq_page", "random_page_cost": "random_page", "cpu_tuple_cost": "cpu_tuple",
    "cpu_index_tuple_cost": "cpu_index_tuple", "cpu_operator_cost": "cpu_operator",
    "effective_cache_size": "cache_pages", "block_size": "block_bytes",
}  # fmt: skip
ASKED = "select pg_catalog.set_config('pilothouse.columns', %(columns)s, true) as passed_on"
# The lent function tells neither values nor how often the most common ones are.
LENT = (
    ("pg_catalog.pg_stats", "pilothouse.column_statistics()"),
    ("s.most_common_freqs[cardinality(s.most_common_freqs)]", "0"),
    ("(select sum(share) from unnest(s.most_common_freqs) as share)", "0"),
    ("s.most_common_freqs[1]", "0"),
    ("cardinality(s.most_common_freqs)", "0"),
)
Source = Literal["read", "lent", "denied"]


@dataclass(frozen=True)
class Known:
    """Statistics by table and column; `missing` columns have none, or none that our roles may read."""

    stats: Mapping[int, Mapping[str, Stats]]
    source: Source
    missing: int


def constants(reader: Reader) -> Constants:
    """As the server has them; what it hides stays as PostgreSQL ships it."""
    told = {NAMES[row["name"]]: row["value"] for row in reader.ask(SETTINGS)}
    return Constants(**told | {"block_bytes": int(told.get("block_bytes", 8192))})


def column_statistics(collection: Collection, columns: Sequence[tuple[int, int]]) -> Known:
    """By the explaining role, which may read the tables, else by what an owner lends, else what the watcher sees."""
    if not columns:
        return Known({}, "read", 0)
    rows = _as_explainer(collection, columns)
    source: Source = "read"
    if rows is None or not any(row["is_known"] for row in rows):
        probe = COLUMNS
        if collection.reader.ask(bloat_collect.HELPER)[0]["is_lent"]:
            source, sql = "lent", COLUMNS.sql
            for newest, lent in LENT:
                sql = sql.replace(newest, lent)
            probe = replace(COLUMNS, sql=sql)
        rows = _ask(collection.reader, probe, columns)
    missing = sum(not row["is_known"] for row in rows)
    return Known(_by_table(rows), source if missing < len(rows) else "denied", missing)


def remedy(collection: Collection) -> str:
    """What an owner could run to lend us statistics without any values."""
    return lending(address_of(collection.target).user)


def with_statistics(catalog: Mapping[str, Sequence[Table]], known: Known) -> dict[str, list[Table]]:
    return {
        name: [replace(table, stats=known.stats.get(table.oid, {})) for table in tables]
        for name, tables in catalog.items()
    }


def _as_explainer(collection: Collection, columns: Sequence[tuple[int, int]]) -> list[dict[str, Any]] | None:
    """None when nobody opted in, or when that role cannot sign in: the watching role still can."""
    if not any(login.purpose == "explain" for login in collection.target.logins):
        return None
    try:
        with reading(address_of(collection.target, "explain")) as reader:
            return _ask(reader, COLUMNS, columns)
    except (TargetRefused, TargetUnreachable):
        return None


def _ask(reader: Reader, probe: Probe, columns: Iterable[tuple[int, int]]) -> list[dict[str, Any]]:
    pairs = ",".join(f"{oid}:{number}" for oid, number in [*columns][:MOST_COLUMNS])
    reader.rows(ASKED, {"columns": pairs})
    return reader.ask(probe)


def _by_table(rows: Iterable[Mapping[str, Any]]) -> dict[int, dict[str, Stats]]:
    found: dict[int, dict[str, Stats]] = defaultdict(dict)
    names = ("distinct", "null_share", "width", "correlation", "common", "common_share", "top_share", "least_share")
    for row in rows:
        if row["is_known"]:
            found[row["oid"]][row["name"]] = Stats(**{name: row[name] for name in names})
    return dict(found)
