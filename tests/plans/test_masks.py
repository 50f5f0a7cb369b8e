"""What of a plan is kept, and when two plans are the same."""

from typing import Any

import pytest

from dashboard.plans.masks import MOST_NODES, TooLargeError, kept, masked_text, node_count, shape_of
from tests.plans.trees import node, scan


def shape(root: dict[str, Any]) -> bytes:
    return shape_of({"Plan": root})


def test_literals_that_planning_found_are_not_kept():
    plan = {"Plan": scan("t", Filter="((a = 'the secret row'::text) AND (b > $1))", Output=["t.a"]), "Settings": {}}
    found = kept(plan, "select a from t where a = peek() and b > $1")
    assert found["Plan"]["Filter"] == "((a = ?::text) AND (b > $1))"
    assert "Output" not in found["Plan"]
    assert "Settings" not in found


def test_literals_of_the_statement_itself_stay():
    found = kept({"Plan": scan("t", Index_Cond="((a = 'open'::text) AND (b = 5))")}, "select 1 from t where a = 'open'")
    assert found["Plan"]["Index Cond"] == "((a = 'open'::text) AND (b = ?))"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("(a = E'it\\'s')", "(a = ?)"),
        ("(a = 'it''s'::text)", "(a = ?::text)"),
        ('("it\'s 5" = $12)', '("it\'s 5" = $12)'),
        ("((SubPlan 1) > 1.5e3)", "((SubPlan 1) > ?)"),
        ("(ANY (a = (hashed SubPlan 2).col1))", "(ANY (a = (hashed SubPlan 2).col1))"),
        ("(a = 'never ended", "(a = ?"),
        ("(a = B'101'::bit(3))", "(a = ?::bit(?))"),
    ],
)
def test_expressions_lose_their_literals_only(text, masked):
    assert masked_text(text) == masked


def test_numbers_and_filters_make_no_other_shape():
    before = node("Sort", scan("t", Filter="(a > $1)"), Sort_Key=["a"])
    after = node("Sort", scan("t", Filter="(a > $1)", Total_Cost=99.0), Sort_Key=["a"], Plan_Rows=7)
    assert shape(before) == shape(after)


@pytest.mark.parametrize(
    "other",
    [
        scan("t", "Index Scan", Index_Name="t_a", Index_Cond="(a = $1)"),
        scan("u"),
        node("Gather", scan("t")),
        node("Sort", scan("t"), Sort_Key=["a"]),
    ],
)
def test_another_node_relation_or_index_makes_another_shape(other):
    assert shape(other) != shape(scan("t"))


def test_join_order_and_keys_make_another_shape():
    join = node("Hash Join", scan("a"), scan("b"), Hash_Cond="(a.id = b.id)")
    assert shape(join) != shape(node("Hash Join", scan("b"), scan("a"), Hash_Cond="(a.id = b.id)"))
    assert shape(join) != shape(node("Hash Join", scan("a"), scan("b"), Hash_Cond="(a.id = b.other)"))


def test_one_more_partition_makes_no_other_shape():
    def parts(count: int) -> dict[str, Any]:
        words = [{"Index_Name": f"e{n}_i", "Index_Cond": f"(e_{n}.id = $1)"} for n in range(1, count + 1)]
        return node("Append", *(scan(f"e2026{n}", "Index Scan", f"e_{n}", **one) for n, one in enumerate(words, 1)))

    assert shape(parts(3)) == shape(parts(31))
    assert shape(parts(3)) != shape(node("Append", *(scan(f"e_{n}", alias=f"e_{n}") for n in range(1, 4))))


def test_a_plan_that_is_too_large_is_not_kept():
    deep = scan("t")
    for _ in range(300):
        deep = node("Limit", deep)
    with pytest.raises(TooLargeError):
        kept({"Plan": deep}, "")
    with pytest.raises(TooLargeError):
        kept({"Plan": node("Append", *(scan("t") for _ in range(MOST_NODES)))}, "")


def test_nodes_are_counted():
    assert node_count({"Plan": node("Append", scan("a"), node("Limit", scan("b")))}) == 4
