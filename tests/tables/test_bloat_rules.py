"""When bloat is unknown, and when something is worth doing: truth tables without a server."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.tables import bloat
from dashboard.tables.bloat import NEVER_VACUUMED, Column, Relation, index_bloat, table_bloat, toast_bloat
from dashboard.tables.bloat_findings import Bloated, findings
from dashboard.tables.bloat_rules import Found, folded, verdict

NOW = datetime(2026, 5, 1, tzinfo=UTC)
MB = 1024 * 1024
ID = Column(1, 8, 8, null_share=0.0, width=8, distinct=-1.0, correlation=1.0)
NOTE = Column(2, -1, 4, null_share=0.0, width=20, distinct=100.0, correlation=0.1)
TABLE = Relation(pages=1000, rows=50_000, columns=(ID, NOTE), fillfactor=100, table_rows=50_000, modified=0)
NO_STATISTICS = replace(NOTE, null_share=None, width=None, distinct=None, correlation=None)
ROW = Bloated(
    schema="public", table_name="orders", name="orders", options=(), kind="table", pages=100 * MB // 8192,
    bloat_bytes=0, bloat_share=0.0, residue_bytes=None, is_random=False, reason=None, estimated_at=NOW,
    measured_bytes=None, measured_share=None, measured_at=None,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"rows": -1}, bloat.NEVER_ANALYZED),
        ({"table_rows": -1}, bloat.NEVER_ANALYZED),
        ({"modified": 10_000}, None),
        ({"modified": 10_001}, bloat.STALE),
        ({"pages_now": 1250}, None),
        ({"pages_now": 1251}, bloat.RESIZED),
        ({"pages_now": 799}, bloat.RESIZED),
        ({"columns": (ID, NO_STATISTICS)}, bloat.UNKNOWN_COLUMN),
        ({"columns": (NO_STATISTICS,)}, bloat.NEVER_ANALYZED),
        ({"columns": (NO_STATISTICS,), "may_read": False}, bloat.DENIED),
        ({"columns": (NO_STATISTICS,), "is_hidden": True}, bloat.HIDDEN),
        ({"columns": (ID, replace(NOTE, is_name=True))}, bloat.NAMES),
        ({"is_heap": False}, bloat.NOT_HEAP),
    ],
)
def test_without_evidence_bloat_is_unknown_and_says_why(changes, reason) -> None:
    for estimate in (table_bloat(replace(TABLE, **changes)), index_bloat(replace(TABLE, **changes))):
        assert estimate.reason == reason
        assert (estimate.bytes is None) == (reason is not None)


def test_a_partial_index_is_unknown_only_where_deduplication_counts() -> None:
    index = replace(TABLE, fillfactor=90, is_partial=True)
    assert index_bloat(replace(index, can_deduplicate=True)).reason == bloat.PARTIAL
    assert index_bloat(replace(index, can_deduplicate=True, is_unique=True)).reason is None
    assert index_bloat(index).reason is None


@pytest.mark.parametrize(
    ("columns", "width"),
    [
        ([(1, 1), (8, 8)], 16),
        ([(8, 8), (1, 1)], 16),
        ([(1, 1), (1, 1), (4, 4)], 8),
        ([(2, 2), (4, 4), (8, 8)], 16),
        ([(-1, 4), (8, 8)], 32),
        ([(4, 4), (-1, 4)], 24),
    ],
)
def test_each_column_is_padded_by_its_own_alignment(columns, width) -> None:
    made = [Column(n, length, align, null_share=0.0, width=17) for n, (length, align) in enumerate(columns, 1)]
    assert bloat.row_bytes(made) == width


def test_a_long_value_is_aligned_and_a_null_takes_no_room() -> None:
    flag = Column(1, 1, 1, null_share=0.0)
    long = Column(2, -1, 4, null_share=0.0, width=200)
    assert bloat.row_bytes([flag, long]) == 208
    assert bloat.row_bytes([flag, replace(long, null_share=0.5)]) == pytest.approx((208 + 8) / 2)


def test_dropped_columns_are_residue_and_never_bloat() -> None:
    fixed = Column(3, 8, 8, is_dropped=True)
    found = table_bloat(replace(TABLE, columns=(ID, NOTE, fixed)))
    assert found.residue_bytes > 0
    assert found.bytes + found.residue_bytes == table_bloat(TABLE).bytes
    unknown = table_bloat(replace(TABLE, columns=(ID, NOTE, replace(fixed, length=-1))))
    assert (unknown.bytes, unknown.reason) == (None, bloat.DROPPED)
    assert unknown.residue_bytes == table_bloat(TABLE).bytes


@pytest.mark.parametrize(
    ("kind", "free_mb", "share", "is_random", "action"),
    [
        ("table", 49, 0.9, False, "nothing"),
        ("table", 500, 0.29, False, "nothing"),
        ("table", 50, 0.3, False, "vacuum"),
        ("table", 50, 0.6, False, "rewrite"),
        ("index", 50, 0.3, False, "reindex"),
        ("index", 50, 0.39, True, "nothing"),
        ("index", 50, 0.4, True, "reindex"),
        ("index", None, None, False, "unknown"),
    ],
)
def test_what_to_do_has_a_floor_and_knows_random_keys(kind, free_mb, share, is_random, action) -> None:
    free = None if free_mb is None else free_mb * MB
    row = replace(ROW, kind=kind, bloat_bytes=free, bloat_share=share, is_random=is_random)
    assert verdict(row).action == action
    assert len(findings([row], "shop")) == (action not in {"nothing", "unknown"})


def test_a_measurement_counts_until_the_estimate_changes() -> None:
    row = replace(ROW, bloat_bytes=60 * MB, bloat_share=0.6, measured_bytes=MB, measured_share=0.01)
    later, before = NOW + timedelta(hours=1), NOW - timedelta(hours=1)
    assert verdict(replace(row, measured_at=later)).bytes == MB
    assert verdict(replace(row, measured_at=before)).bytes == 60 * MB


def test_each_finding_has_a_stable_key_and_statements_that_quote_names() -> None:
    bloated = {"bloat_bytes": 2000 * MB, "bloat_share": 0.4}
    index = replace(ROW, kind="index", name='odd"name', **bloated)
    [found] = findings([index], "shop")
    assert (found.key, found.level) == ('bloat_index:public.odd"name', "warning")
    assert found.remedy.up == ('REINDEX INDEX CONCURRENTLY "public"."odd""name"',)
    assert (found.remedy.down, found.remedy.in_transaction) == ((), False)
    assert found.href == "/t/shop/tables/public.orders"
    [found] = findings([replace(ROW, options=("autovacuum_vacuum_threshold=50",), **bloated)], "shop")
    assert "SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000)" in found.remedy.up[0]
    assert found.remedy.down == (
        'ALTER TABLE "public"."orders" SET (autovacuum_vacuum_threshold = 50)',
        'ALTER TABLE "public"."orders" RESET (autovacuum_vacuum_scale_factor)',
    )
    [found] = findings([replace(ROW, residue_bytes=80 * MB)], "shop")
    assert (found.rule, found.remedy.up) == ("dropped_columns", ())


def test_a_partitioned_table_has_the_sums_of_what_is_known_below() -> None:
    rows = [
        {"oid": 1, "table_oid": 1, "parent_oid": None, "kind": "p"},
        {"oid": 2, "table_oid": 2, "parent_oid": 1, "kind": "p"},
        {"oid": 3, "table_oid": 3, "parent_oid": 1, "kind": "r"},
        {"oid": 4, "table_oid": 4, "parent_oid": 2, "kind": "r"},
    ]
    known = Found(3, 3, "table", 100, 8192 * 20, 0.2, None, is_random=False, reason=None)
    unknown = Found(4, 4, "table", 100, None, None, 8192, is_random=False, reason=bloat.STALE)
    found = {row.oid: row for row in folded([known, unknown], rows)}
    assert (found[1].bloat_bytes, found[1].bloat_share, found[1].residue_bytes) == (8192 * 20, 0.2, 8192)
    assert found[1].reason == f"1 of 2 partitions: {bloat.STALE}"
    assert found[2].bloat_bytes is None


def test_toast_is_full_with_four_pieces_a_page_and_unknown_before_its_first_vacuum() -> None:
    toast = Relation(pages=1_000, rows=1_600, columns=(), fillfactor=100, table_rows=-1, modified=0)
    assert (toast_bloat(toast).bytes, toast_bloat(toast).share) == (600 * 8192, 0.6)
    assert toast_bloat(replace(toast, rows=9_000)).bytes == 0
    assert toast_bloat(replace(toast, rows=-1)).reason == NEVER_VACUUMED
