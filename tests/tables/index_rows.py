"""Indexes and tables as they are known, for pure tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from dashboard.tables.rows import Index, Table

NOW = datetime(2026, 4, 12, 9, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=90)


def index(name: str = "x", **changes: Any) -> Index:
    """A plain b-tree on column 1 of public.t that has been watched for 90 days."""
    usual: dict[str, Any] = {
        "oid": 100, "table_oid": 10, "parent_oid": None, "schema": "public", "table_name": "t", "name": name,
        "kind": "i", "method": "btree", "columns": ["a"], "size_bytes": 8192, "scans": 0, "rows_read": 0,
        "definition": f"CREATE INDEX {name} ON public.t USING btree (a)", "last_scan_at": None,
        "counted_since": LONG_AGO, "first_seen_at": LONG_AGO, "is_unique": False, "is_primary": False,
        "is_valid": True, "is_partial": False, "constraint_name": None, "key_columns": [1], "include_columns": [],
        "opclasses": [1978], "collations": [0], "options": [0], "storage_options": [], "expressions": None,
        "predicate": None, "nulls_not_distinct": False, "is_ready": True, "is_clustered": False,
        "is_replica_identity": False, "is_exclusion": False, "backs_constraint": False, "is_referenced": False,
    }  # fmt: skip
    return Index(**usual | changes)


def table(oid: int, name: str, **changes: Any) -> Table:
    """A table of public with 5000 rows, of which none was ever deleted or updated."""
    usual = dict.fromkeys(Table.__dataclass_fields__) | {
        "oid": oid, "schema": "public", "name": name, "kind": "r", "heap_bytes": 1 << 20,
        "row_estimate": 5_000, "rows_deleted": 0, "rows_updated": 0, "counted_since": LONG_AGO,
    }  # fmt: skip
    return Table(**usual | changes)
