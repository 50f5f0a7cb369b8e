"""What findings about indexes say, and the statements that they offer."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dashboard.findings.rules import Finding
from dashboard.tables.rows import Index
from dashboard.tables.verdicts_findings import Place, redundant, unindexed
from dashboard.tables.verdicts_keys import ForeignKey, index_name
from dashboard.tables.verdicts_redundant import redundancies
from dashboard.tables.verdicts_remedies import definition, drop_index, repair_index
from tests.tables.index_rows import NOW, index, table

PREFIX = index("a_idx", size_bytes=1_000_000)
WIDER = index(
    "ab_idx", oid=200, columns=["a", "b"], key_columns=[1, 2], opclasses=[1978, 1978], collations=[0, 0],
    options=[0, 0], size_bytes=1_200_000,
)  # fmt: skip
KEY = ForeignKey(1, "t_a_fkey", 10, 20, [1], ["a"], [0], on_delete="cascade")
CHILD, PARENT = table(10, "t"), table(20, "p", rows_deleted=90, rows_updated=0)


def said(*indexes: Index, **tables: Any) -> Finding:
    place = Place("shop", {10: table(10, "t", **tables)}, frozenset())
    return redundant(redundancies(indexes)[0], place)


def test_a_covered_index_of_like_size_is_a_warning() -> None:
    finding = said(PREFIX, WIDER)
    assert (finding.level, finding.bytes, finding.href) == ("warning", 1_000_000, "/t/shop/tables/public.t")


def test_a_much_smaller_prefix_may_be_worth_keeping() -> None:
    finding = said(PREFIX, replace(WIDER, size_bytes=5_000_000))
    assert finding.level == "info"
    assert "5.0 times as large" in finding.why


def test_how_far_the_further_columns_cost_hot_updates_is_told_where_it_is_known() -> None:
    assert "Only the other one holds b" in said(PREFIX, WIDER, rows_updated=100, rows_hot_updated=25).why
    assert "25 %" in said(PREFIX, WIDER, rows_updated=100, rows_hot_updated=25).why
    assert "HOT" not in said(PREFIX, WIDER).why


def test_a_unique_index_that_is_implied_but_finds_other_rows_has_no_remedy() -> None:
    wide = replace(WIDER, is_unique=True, key_columns=[2, 1], columns=["b", "a"])
    finding = said(wide, replace(PREFIX, is_unique=True))
    assert (finding.rule, finding.remedy) == ("implied_unique_index", None)
    assert "build it again without UNIQUE" in finding.why


def test_without_a_known_definition_there_is_no_way_back_and_so_no_remedy() -> None:
    assert drop_index(replace(PREFIX, definition=None)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CREATE INDEX x ON public.t USING btree (a)", "CREATE INDEX CONCURRENTLY x ON public.t USING btree (a)"),
        ('CREATE UNIQUE INDEX "a "" ON ONLY b" ON t (a)', 'CREATE UNIQUE INDEX CONCURRENTLY "a "" ON ONLY b" ON t (a)'),
        ('CREATE INDEX "two\nlines" ON ONLY t (a)', 'CREATE INDEX CONCURRENTLY "two\nlines" ON t (a)'),
        ("something else", None),
    ],
)
def test_a_definition_is_made_concurrent_and_takes_in_partitions(text: str, expected: str | None) -> None:
    assert definition(replace(PREFIX, definition=text), concurrently=True) == expected


@pytest.mark.parametrize(
    ("name", "up"),
    [("x_ccnew", "DROP INDEX CONCURRENTLY IF EXISTS"), ("x_ccold1", "DROP INDEX CONCURRENTLY IF EXISTS"),
     ("x", "REINDEX INDEX CONCURRENTLY")],
)  # fmt: skip
def test_what_a_rebuild_left_is_dropped_what_a_build_left_is_rebuilt(name: str, up: str) -> None:
    assert repair_index(index(name)).up[0].startswith(up)


def unindexed_of(child: dict[str, Any], parent: dict[str, Any], *indexes: Index) -> Finding | None:
    tables = {10: replace(CHILD, **child), 20: replace(PARENT, **parent)}
    return unindexed(KEY, indexes, Place("shop", tables, frozenset({("public", "t_a_idx")})), NOW)


def test_a_foreign_key_says_what_deletes_cost_and_how_many_there_were() -> None:
    finding = unindexed_of({}, {})
    assert finding is not None
    assert finding.level == "warning"
    assert "reads all 5\N{NARROW NO-BREAK SPACE}000 rows of t to delete what refers to it" in finding.why
    assert "There were 90 deletes in 90 days." in finding.why
    assert finding.detail["rows_read_a_day"] == 5_000


@pytest.mark.parametrize(
    ("child", "parent", "level"),
    [({"row_estimate": 999}, {}, None), ({"row_estimate": None, "heap_bytes": 8192}, {}, None),
     ({"row_estimate": None}, {}, "warning"), ({}, {"rows_deleted": 0}, None),
     ({}, {"rows_deleted": 0, "rows_updated": 5}, "info"),
     ({}, {"rows_deleted": 0, "counted_since": NOW - timedelta(days=3)}, "info"),
     ({}, {"rows_deleted": None}, "info"), ({"parent_oid": 9}, {}, None)],
)  # fmt: skip
def test_tiny_tables_and_parents_that_only_grow_are_left_out(
    child: dict[str, Any], parent: dict[str, Any], level: str | None
) -> None:
    finding = unindexed_of(child, parent)
    assert (finding.level if finding else None) == level


def test_a_new_index_gets_a_free_name_of_at_most_63_bytes() -> None:
    finding = unindexed_of({}, {})
    assert finding is not None
    assert finding.remedy is not None
    assert finding.remedy.up[-1] == 'CREATE INDEX CONCURRENTLY "t_a_idx1" ON "public"."t" ("a")'
    assert len(index_name("ä" * 60, ["b"], ()).encode()) <= 63
