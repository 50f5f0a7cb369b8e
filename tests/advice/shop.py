"""A made catalogue for pure tests: orders, customers and a few tables that are hard to read."""

from dataclasses import replace
from typing import Any

from dashboard.advice.asks import Family
from dashboard.advice.parsing import parse
from dashboard.advice.scans import Scan
from dashboard.advice.shapes import Column, IndexShape, Key, Stats, Table

TYPES = {
    "orders": {
        "id": "bigint", "customer_id": "integer", "status": "text", "placed_at": "timestamp with time zone",
        "shipped_at": "timestamp with time zone", "paid": "boolean", "tags": "text[]", "data": "jsonb", "note": "text",
        "search": "tsvector", "weight": "numeric",
    },
    "customers": {"id": "bigint", "email": "text", "country": "text"},
    "settings": {"name": "text", "value": "text"},
}  # fmt: skip
ROWS = {"orders": 1_000_000.0, "customers": 100_000.0, "settings": 50.0}
PAGES = {"orders": 20_000, "customers": 1_500, "settings": 1}
STATS = {
    "id": Stats(-1.0, 0.0, 8, 1.0),
    "customer_id": Stats(100_000.0, 0.0, 4, 0.01, 100, 0.002, 0.0001, 0.00001),
    "status": Stats(4.0, 0.0, 6, 0.5, 4, 1.0, 0.9, 0.02),
    "placed_at": Stats(-0.9, 0.0, 8, 0.99),
    "shipped_at": Stats(-0.9, 0.95, 8, 0.9),
    "paid": Stats(2.0, 0.0, 1, 0.5, 2, 1.0, 0.98, 0.02),
    "tags": Stats(-0.5, 0.0, 40, 0.0),
    "data": Stats(-0.9, 0.0, 200, 0.0),
    "note": Stats(-0.9, 0.1, 60, 0.0),
    "email": Stats(-1.0, 0.0, 24, 0.0),
    "country": Stats(50.0, 0.0, 3, 0.1, 50, 1.0, 0.3, 0.001),
}
PRIMARY = IndexShape((Key("id"),), name="pkey", is_unique=True)


def table(name: str = "orders", *indexes: IndexShape, **changes: Any) -> Table:
    columns = {column: Column(column, at, kind) for at, (column, kind) in enumerate(TYPES[name].items(), start=1)}
    stats = {column: STATS[column] for column in columns if column in STATS}
    oid = list(TYPES).index(name) + 1
    made = Table(oid, "public", name, "r", columns, PAGES[name], ROWS[name], (PRIMARY, *indexes), stats)
    return replace(made, **changes)


def catalog(*tables: Table) -> dict[str, list[Table]]:
    """Those given in place of the usual ones of their name."""
    found = {name: [table(name)] for name in TYPES}
    for one in tables:
        found[one.name] = [one]
    return found


def family(
    text: str,
    *,
    calls: int = 100,
    mean_ms: float = 50.0,
    rows: int = 100,
    blocks: int = 20_000,
    number: int = 1,
    scans: tuple[Scan, ...] | None = None,
) -> Family:
    """Blocks are of one call, rows of all."""
    return Family(number, calls, calls * mean_ms, rows, blocks * calls, parse(text), scans)
