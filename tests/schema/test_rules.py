"""Two states of a schema → differences and their words."""

from typing import Any

from dashboard.schema.rules import Relation, difference, title


def relation(
    name: str = "orders", *, oid: int = 1, kind: str = "r", comment: str | None = None, **detail: Any
) -> Relation:
    return Relation(oid, "public", name, kind, comment, None, None, detail)


def column(name: str, type_: str = "text", position: int = 1) -> dict[str, Any]:
    return {"name": name, "type": type_, "position": position, "is_required": False}


def words(old: list[Relation], new: list[Relation]) -> list[str]:
    return [item.words for item in difference(old, new)]


def test_the_same_schema_has_no_difference() -> None:
    assert difference([relation(columns=[column("a")])], [relation(columns=[column("a")])]) == []


def test_columns_come_go_change_and_are_renamed() -> None:
    old = relation(columns=[column("a", position=1), column("b", position=2), column("c", position=3)])
    new = relation(columns=[column("a", "integer", 1), column("z", position=2), column("d", position=4)])
    assert words([old], [new]) == [
        "column a type changed", "column z renamed from b", "column d added", "column c removed",
    ]  # fmt: skip


def test_only_the_place_of_a_column_is_no_difference() -> None:
    assert words([relation(columns=[column("a", position=1)])], [relation(columns=[column("a", position=9)])]) == []


def test_a_table_that_keeps_its_oid_was_renamed_and_one_that_does_not_was_replaced() -> None:
    assert words([relation("old")], [relation("new")]) == ["table renamed from old"]
    assert words([relation("old")], [relation("new", oid=2)]) == ["table added", "table removed"]


def test_a_partition_is_told_with_its_parent() -> None:
    partition = Relation(5, "public", "days_1", "r", None, "public", "days", {})
    assert title(difference([], [partition])) == "days: partition days_1 added"


def test_the_title_counts_what_does_not_fit() -> None:
    several = difference([relation()], [relation(columns=[column("a"), column("b", position=2)])])
    assert title(several) == "orders: 2 changes"
    tables = difference([], [relation("a"), relation("b", oid=2), relation("c", oid=3)])
    assert title(tables) == "3 tables changed"
    mixed = difference([], [relation("a"), relation("v", oid=2, kind="v")])
    assert title(mixed) == "2 objects changed"


def test_a_changed_comment_carries_both_texts() -> None:
    (only,) = difference([relation(comment="Sold")], [relation(comment="Bought")])
    assert (only.words, only.before, only.after) == ("comment changed", "Sold", "Bought")
