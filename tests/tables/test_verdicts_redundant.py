"""Which of several indexes may go: whatever they are, all that is asked stays answered."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.tables.rows import Index
from dashboard.tables.verdicts_redundant import keys_of, parts_of, redundancies
from tests.tables.index_rows import index

shapes = st.fixed_dictionaries({
    "key_columns": st.lists(st.integers(1, 3), min_size=1, max_size=3, unique=True),
    "is_unique": st.booleans(),
    "descending": st.integers(0, 3),
    "is_partial": st.booleans(),
    "nulls_not_distinct": st.booleans(),
    "backs_constraint": st.booleans(),
    "include_columns": st.lists(st.integers(4, 5), max_size=2, unique=True),
})  # fmt: skip


def made(number: int, shape: dict) -> Index:
    width = len(shape["key_columns"])
    return replace(
        index(f"i{number}"),
        oid=number,
        key_columns=shape["key_columns"],
        include_columns=shape["include_columns"],
        opclasses=[1] * width,
        collations=[0] * width,
        options=[shape["descending"]] * width,
        is_unique=shape["is_unique"],
        backs_constraint=shape["is_unique"] and shape["backs_constraint"] and not shape["is_partial"],
        nulls_not_distinct=shape["nulls_not_distinct"],
        is_partial=shape["is_partial"],
        predicate="(a > 0)" if shape["is_partial"] else None,
    )


@settings(max_examples=300, deadline=None)
@given(st.lists(shapes, min_size=2, max_size=6))
def test_when_all_that_may_go_is_gone_something_still_stands_in_for_each(drawn: list[dict]) -> None:
    indexes = [made(number, shape) for number, shape in enumerate(drawn)]
    gone = {one.index.oid: one.given.oid for one in redundancies(indexes)}
    for oid, given_oid in gone.items():
        seen, at = {oid}, given_oid
        while at in gone:
            assert at not in seen, f"in a circle: {gone}"
            seen.add(at)
            at = gone[at]


@settings(max_examples=100, deadline=None)
@given(st.lists(shapes, min_size=2, max_size=6), st.randoms())
def test_the_order_in_which_indexes_are_read_changes_nothing(drawn: list[dict], random) -> None:
    indexes = [made(number, shape) for number, shape in enumerate(drawn)]
    mixed = random.sample(indexes, len(indexes))
    assert redundancies(mixed) == redundancies(indexes)


def test_a_list_of_expressions_is_cut_at_its_own_commas_only() -> None:
    text = """lower(a), COALESCE(b, 'x, (y'''::text), ("A,b" || c), (ARRAY[1, 2])[1]"""
    assert parts_of(text) == ["lower(a)", "COALESCE(b, 'x, (y'''::text)", '("A,b" || c)', "(ARRAY[1, 2])[1]"]


def test_an_index_whose_expression_was_not_read_yet_is_not_compared() -> None:
    unread = replace(index("x1"), key_columns=[0], expressions=None)
    assert keys_of(unread) is None
    assert redundancies([unread, replace(unread, oid=2, name="x2")]) == []


def test_a_partial_index_whose_predicate_was_not_read_yet_is_not_compared() -> None:
    unread = replace(index("x1"), is_partial=True, predicate=None)
    assert redundancies([unread, replace(unread, oid=2, name="x2")]) == []


def test_the_same_choice_says_why() -> None:
    plain = index("x1")
    first, second = redundancies([plain, replace(plain, oid=101, name="x2"), replace(plain, oid=102, name="x3")])
    assert (first.index.name, first.given.name) == ("x2", "x1")
    assert (second.given.name, second.choice) == ("x1", "Either could go; the older one stays.")


def test_many_indexes_of_one_table_are_compared_in_time() -> None:
    indexes = [replace(index(f"i{n}"), oid=n, key_columns=[n]) for n in range(1, 3_000)]
    assert redundancies(indexes) == []
