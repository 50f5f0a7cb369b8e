"""What one more index costs when its table is written (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log, log2

from dashboard.advice.asks import Family
from dashboard.advice.costs import FANOUT, HEADER_BYTES, POINTER_BYTES, Constants, key_bytes
from dashboard.advice.resolve import Catalog, table_of
from dashboard.advice.selectivity import Span, together
from dashboard.advice.shapes import IndexShape, Statement, Table, Term

ELEMENTS_OF_GIN = 5
USUAL_ENTRY_BYTES = 24


@dataclass(frozen=True)
class Written:
    """Rows of a table that statements wrote in the window. `sets`: which columns so many updated rows assigned."""

    inserted: float = 0.0
    updated: float = 0.0
    sets: tuple[tuple[frozenset[str], float], ...] = ()


@dataclass(frozen=True)
class WriteCost:
    """Of one index over the window: entries written, their bytes, rows that stop being HOT, units of the planner."""

    entries: float
    bytes: float
    hot_lost: float
    units: Span


def written(families: Sequence[Family], catalog: Catalog) -> dict[int, Written]:
    """What the statements of the window wrote, by the table's oid."""
    found: dict[int, Written] = {}
    for family in families:
        statement = family.statement
        if not isinstance(statement, Statement) or statement.writes is None:
            continue
        table, _ = table_of(statement.writes, catalog)
        if table is None:
            continue
        had = found.get(table.oid, Written())
        if statement.verb == "insert":
            found[table.oid] = Written(had.inserted + family.rows, had.updated, had.sets)
        elif statement.verb in {"update", "merge"}:
            sets = (*had.sets, (statement.sets, float(family.rows)))
            found[table.oid] = Written(had.inserted, had.updated + family.rows, sets)
    return found


def write_cost(index: IndexShape, table: Table, seen: Written, constants: Constants) -> WriteCost:
    """Inserted rows and updates that are not HOT write an entry; updates of an indexed column cannot be HOT any more.

    The server's counters also know what no statement of the window told, so that the larger of both counts.
    """
    limits = [Term(column, kind) for column, kind in index.predicate]
    part = together(limits, table).middle
    columns = {*index.columns, *(column for column, _ in index.predicate)}
    hot = table.hot_share or 0.0
    touched = sum(rows for sets, rows in seen.sets if sets & columns)
    updated = max(seen.updated, table.rows_updated)
    hot_lost = touched * hot
    entries = (max(seen.inserted, table.rows_inserted) + (updated - touched) * (1 - hot) + touched) * part
    if index.method == "gin":
        entries *= ELEMENTS_OF_GIN
    entry_bytes = HEADER_BYTES + key_bytes(index.keys, table) + POINTER_BYTES
    others = hot_lost * len(table.indexes)
    size = entries * entry_bytes + others * USUAL_ENTRY_BYTES
    return WriteCost(entries, size, hot_lost, _units(entries + others, size, table, constants))


def _units(entries: float, size: float, table: Table, constants: Constants) -> Span:
    """At best every leaf is in memory, at worst each entry reads one."""
    rows = max(table.rows or 0.0, 2.0)
    levels = max(1, ceil(log(rows, FANOUT)))
    entry = constants.cpu_operator * (log2(rows) + (levels + 1) * 50) + constants.cpu_index_tuple
    logged = size / constants.block_bytes * constants.seq_page
    return Span(entries * entry + logged, entries * (entry + constants.random_page) + logged)
