"""What a condition finds, what an index weighs and what it costs to write, from statistics alone."""

import pytest

from dashboard.advice.candidates import covering
from dashboard.advice.costs import Constants, heap_pages, index_bytes
from dashboard.advice.selectivity import share
from dashboard.advice.shapes import IndexShape, Key, Term
from dashboard.advice.writes import Written, write_cost
from tests.advice.shop import PRIMARY, table

PLANNER = Constants()
SHARES = {
    ("id", "eq"): (1e-6, 1e-6),
    ("customer_id", "eq"): (9.99e-6, 1e-4),
    ("status", "eq"): (0.02, 0.9),
    ("shipped_at", "null"): (0.95, 0.95),
    ("shipped_at", "not_null"): (0.05, 0.05),
    ("paid", "false"): (0.02, 0.98),
    ("placed_at", "range"): (0.005, 1 / 3),
}


@pytest.mark.parametrize(("what", "span"), SHARES.items())
def test_a_condition_finds_a_share_between_its_rarest_and_its_commonest_value(what, span) -> None:
    found = share(Term(*what), table())
    assert (found.low, found.high) == pytest.approx(span, rel=0.01)


def test_scattered_rows_touch_fewer_pages_than_there_are_rows() -> None:
    assert heap_pages(1000, 100, 1e6) == pytest.approx(95.2, abs=0.1)
    assert heap_pages(1000, 1e6, 1e6) == 1000
    assert heap_pages(1000, 0, 1e6) == 0
    assert heap_pages(100_000, 1e6, 10_000) > heap_pages(100_000, 1e6, 1e6)


def test_many_equal_keys_share_entries_in_the_estimated_size() -> None:
    few, many = IndexShape((Key("status"),)), IndexShape((Key("id"),))
    assert index_bytes(few, table()) < 0.5 * index_bytes(many, table())
    partial = IndexShape((Key("id"),), predicate=(("shipped_at", "not_null"),))
    assert index_bytes(partial, table()) == pytest.approx(0.05 * index_bytes(many, table()), rel=0.01)


def test_an_update_of_an_indexed_column_is_not_hot_any_more() -> None:
    seen = Written(inserted=100, updated=1000, sets=((frozenset({"status"}), 1000.0),))
    hot = table("orders", PRIMARY, hot_share=0.9)
    touched = write_cost(IndexShape((Key("status"),)), hot, seen, PLANNER)
    other = write_cost(IndexShape((Key("note"),)), hot, seen, PLANNER)
    assert (touched.entries, touched.hot_lost) == (1100, 900)
    assert (other.entries, other.hot_lost) == (pytest.approx(200), 0)
    assert touched.units.low > other.units.low


COVERED = [
    (IndexShape((Key("a"),)), IndexShape((Key("a"), Key("b")), name="x"), True),
    (IndexShape((Key("a"), Key("b"))), IndexShape((Key("a"),), name="x"), False),
    (IndexShape((Key("b"),)), IndexShape((Key("a"), Key("b")), name="x"), False),
    (IndexShape((Key("a", descending=True, nulls_first=True),)), IndexShape((Key("a"),), name="x"), True),
    (IndexShape((Key("a"), Key("b", descending=True, nulls_first=True))), IndexShape((Key("a"), Key("b"))), False),
    (IndexShape((Key("a"),)), IndexShape((Key("a", function="lower"),), name="x"), False),
    (IndexShape((Key("a"),)), IndexShape((Key("a", opclass="text_pattern_ops"),), name="x"), False),
    (IndexShape((Key("a"),)), IndexShape((Key("a"),), method="hash", name="x"), False),
    (IndexShape((Key("a"),)), IndexShape((Key("a"),), predicate=(("p", "null"),), name="x"), False),
    (IndexShape((Key("a"),), predicate=(("p", "null"),)), IndexShape((Key("a"),), name="x"), True),
    (IndexShape((Key("a"),)), IndexShape((Key("a"),), is_readable=False, name="x"), False),
]


@pytest.mark.parametrize(("wanted", "there", "is_covered"), COVERED)
def test_an_index_covers_another_as_a_prefix_of_the_same_kind(wanted, there, is_covered) -> None:
    assert (covering(wanted, [there]) is there) == is_covered
