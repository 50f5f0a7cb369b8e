"""Two plans node by node."""

from typing import Any

from dashboard.plans.differences import compare
from dashboard.plans.rules import nodes_of
from tests.plans.trees import node, scan


def states(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    found = compare(nodes_of({"Plan": before}), nodes_of({"Plan": after}))
    return [(pair.state, pair.branch + pair.title, pair.was) for pair in found]


def test_the_same_plan_is_the_same_everywhere():
    plan = node("Sort", scan("t"), Sort_Key=["a"])
    assert states(plan, plan) == [("same", "Sort", None), ("same", "└ Seq Scan on public.t", None)]


def test_another_access_to_the_same_table_is_a_change_of_that_node():
    after = node("Sort", scan("t", "Index Scan", Index_Name="t_a"))
    assert states(node("Sort", scan("t")), after) == [
        ("same", "Sort", None),
        ("changed", "└ Index Scan using t_a on public.t", "Seq Scan on public.t"),
    ]


def test_nodes_that_came_and_went_are_told_with_what_is_below_them():
    before = node("Append", scan("a"), scan("b"))
    after = node("Append", scan("a"), scan("c"), node("Limit", scan("d")))
    assert states(before, after) == [
        ("same", "Append", None),
        ("same", "├ Seq Scan on public.a", None),
        ("removed", "├ Seq Scan on public.b", None),
        ("added", "├ Seq Scan on public.c", None),
        ("added", "└ Limit", None),
        ("added", "  └ Seq Scan on public.d", None),
    ]


def test_another_condition_is_a_change_that_is_shown():
    (pair,) = compare(*(nodes_of({"Plan": scan("t", Filter=text)}) for text in ("(a = $1)", "(a > $1)")))
    assert (pair.state, pair.conditions) == ("changed", [("Filter", "(a = $1)", "(a > $1)")])


def test_another_kind_of_join_keeps_its_sides_together():
    before = node("Nested Loop", scan("a"), scan("b", "Index Scan"))
    after = node("Merge Join", scan("a"), scan("b", "Index Scan"))
    assert [state for state, *_ in states(before, after)] == ["changed", "same", "same"]


def test_a_thousand_children_are_compared_in_time():
    many = node("Append", *(scan(f"t{number}") for number in range(1000)))
    fewer = node("Append", *(scan(f"t{number}") for number in range(0, 1000, 2)))
    assert len(states(many, fewer)) == 1001


def test_a_masked_value_in_the_place_of_a_parameter_is_no_change():
    before, after = (scan("t", Filter=text) for text in ("(a = $1)", "(a = ?::character varying)"))
    assert states(before, after) == [("same", "Seq Scan on public.t", None)]
