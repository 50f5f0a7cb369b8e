"""Rows of a plan: own times, costs and blocks of each node, workers, CTEs, fractions, and what deserves a look."""

from typing import Any

import pytest

from dashboard.plans.rules import nodes_of, text_of
from tests.plans.trees import node, scan


def ran(ms: float, rows: float, loops: int = 1, **more: Any) -> dict[str, Any]:
    return {"Actual_Total_Time": ms, "Actual_Rows": rows, "Actual_Loops": loops, **more}


def rows(root: dict[str, Any]) -> list[Any]:
    return nodes_of({"Plan": root})


def concerns(root: dict[str, Any]) -> list[str]:
    return [concern.text for concern in rows(root)[0].concerns]


def test_rows_come_in_the_order_of_explain_with_their_place_in_the_tree():
    found = rows(node("Hash Join", scan("a"), node("Hash", scan("b")), Join_Type="Left", Hash_Cond="(a.id = b.id)"))
    assert [(one.branch, one.title) for one in found] == [
        ("", "Hash Left Join"), ("├ ", "Seq Scan on public.a"), ("└ ", "Hash"), ("  └ ", "Seq Scan on public.b"),
    ]  # fmt: skip
    assert [one.depth for one in found] == [0, 1, 1, 2]
    assert found[0].conditions == (("Hash Cond", "(a.id = b.id)"),)


def test_own_cost_is_without_the_nodes_below():
    found = rows(node("Sort", scan("t", Total_Cost=60.0), Total_Cost=100.0))
    assert [(one.self_cost, one.share) for one in found] == [(40, 0.4), (60, 0.6)]
    assert [one.time_ms for one in found] == [None, None]


def test_the_inner_side_of_a_nested_loop_costs_once_for_each_outer_row():
    outer = scan("a", Total_Cost=10.0, Plan_Rows=50, Parent_Relationship="Outer")
    inner = scan("b", Total_Cost=1.5, Parent_Relationship="Inner")
    found = rows(node("Nested Loop", outer, inner, Total_Cost=90.0))
    assert [one.self_cost for one in found] == [5, 10, 75]


def test_a_limit_that_stops_early_never_costs_less_than_nothing():
    found = rows(node("Limit", scan("t", Total_Cost=1000.0), Total_Cost=5.0))
    assert [(one.self_cost, one.share) for one in found] == [(0, 0), (5, 1)]


def test_times_are_of_all_runs_and_own_ones_without_those_below():
    outer, inner = scan("a", **ran(10, 100)), scan("b", **ran(0.5, 1, 100))
    found = rows(node("Nested Loop", outer, inner, **ran(70, 100)))
    assert [(one.time_ms, one.self_ms) for one in found] == [(70, 10), (10, 10), (50, 50)]
    assert found[2].share == pytest.approx(50 / 70)


def test_workers_share_the_time_below_a_gather():
    """Three processes worked 40 ms each; the clock on the wall saw 40 ms, not 120."""
    found = rows(node("Gather", scan("t", **ran(40, 10, 3)), Workers_Planned=2, Workers_Launched=2, **ran(50, 30)))
    assert [(one.time_ms, one.self_ms) for one in found] == [(50, 10), (40, 40)]


def test_the_time_of_a_cte_belongs_to_the_cte_and_not_to_its_scan():
    cte = node("Aggregate", Parent_Relationship="InitPlan", Subplan_Name="CTE x", **ran(80, 1))
    root = node("Sort", cte, node("CTE Scan", CTE_Name="x", Alias="x", **ran(82, 1)), **ran(90, 1))
    assert [(one.role, one.self_ms) for one in rows(root)] == [(None, 8), ("CTE x", 80), (None, 2)]


def test_blocks_are_those_of_the_node_itself():
    below = scan("t", Shared_Hit_Blocks=5, Shared_Read_Blocks=10, **ran(1, 1))
    found = rows(node("Sort", below, Shared_Hit_Blocks=6, Shared_Read_Blocks=12, **ran(2, 1)))
    assert [one.blocks for one in found] == [3, 15]


def test_fractional_rows_of_18_stay_fractions():
    found = rows(scan("t", **ran(1, 0.25, 400)))
    assert found[0].rows_actual == 0.25
    assert "actual rows=0.25 loops=400" in text_of(found)


def test_a_node_that_was_never_executed_says_so():
    found = rows(node("Append", scan("t", **ran(0, 0, 0)), **ran(1, 1)))[1]
    assert (found.is_executed, found.share, found.misestimate) == (False, 0, None)
    assert [one.text for one in found.concerns] == ["Never executed."]


@pytest.mark.parametrize(
    ("root", "words"),
    [
        (scan("t", Plan_Rows=10, **ran(1, 5000)), "500 times more rows than expected"),
        (scan("t", Plan_Rows=5000, **ran(1, 10)), "500 times fewer rows than expected"),
        (scan("t", Filter="(a = $1)", Rows_Removed_by_Filter=99_999, **ran(1, 1)), "rows it read were thrown away"),
        (node("Sort", Sort_Space_Type="Disk", Sort_Space_Used=2048, **ran(1, 1)), "Sorts on disk (2 MB)"),
        (node("Sort", Workers=[{"Sort Space Type": "Disk", "Sort Space Used": 512}], **ran(1, 1)), "on disk (512 kB)"),
        (node("Hash", Hash_Batches=8, **ran(1, 1)), "Hashes in 8 batches"),
        (node("Aggregate", Disk_Usage=1024, **ran(1, 1)), "Groups on disk (1 MB)"),
        (scan("t", "Bitmap Heap Scan", Lossy_Heap_Blocks=7, **ran(1, 1)), "did not fit work_mem"),
        (scan("t", "Index Only Scan", Heap_Fetches=900, Plan_Rows=1000, **ran(1, 1000)), "VACUUM it"),
        (node("Gather", Workers_Planned=4, Workers_Launched=1, **ran(1, 1)), "Only 1 of 4 planned workers"),
        (scan("t", Total_Cost=50_000.0), "Reads the whole table, for 100 % of the estimated cost"),
        (scan("t", "Index Scan", **ran(0.01, 1, 50_000)), "Runs 50 k times"),
    ],
)  # fmt: skip
def test_what_deserves_a_look_is_said_in_words(root, words):
    assert [text for text in concerns(root) if words in text]


@pytest.mark.parametrize(
    "root",
    [
        scan("t"),
        scan("t", Plan_Rows=10, **ran(1, 90)),
        scan("t", Plan_Rows=1, **ran(1, 40)),
        scan("t", Filter="(a = $1)", Rows_Removed_by_Filter=99, **ran(1, 1)),
        node("Sort", Sort_Space_Type="Memory", Sort_Space_Used=25, **ran(1, 1)),
        node("Gather", Workers_Planned=2, Workers_Launched=2, **ran(1, 1)),
    ],
)
def test_what_is_usual_is_not_worth_a_word(root):
    assert concerns(root) == []


def test_a_thousand_nodes_and_a_deep_tree_are_read():
    deep = scan("t")
    for _ in range(200):
        deep = node("Limit", deep)
    found = rows(node("Append", deep, *(scan("t") for _ in range(800))))
    assert len(found) == 1002
    assert max(len(one.branch) for one in found) < 100


def test_the_text_can_be_pasted_elsewhere():
    text = text_of(rows(node("Sort", scan("t", Filter="(a = $1)"), Sort_Key=["t.a"])))
    assert text == (
        "Sort  (cost=10.00 rows=1 width=8)\n"
        "  Sort Key: t.a\n"
        "└ Seq Scan on public.t  (cost=10.00 rows=1 width=8)\n"
        "    Filter: (a = $1)"
    )
