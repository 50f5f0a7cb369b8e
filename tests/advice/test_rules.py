"""From needs to candidates, ranges and reasons: decided without a database."""

import pytest

from dashboard.advice.asks import FEW_CALLS, Family
from dashboard.advice.candidates import candidates
from dashboard.advice.costs import Constants, through, whole
from dashboard.advice.parsing import parse
from dashboard.advice.resolve import needs
from dashboard.advice.rules import Advice, advise
from dashboard.advice.scans import Scan
from dashboard.advice.selectivity import Span
from dashboard.advice.shapes import IndexShape, Key, Need, Statement, Stats, Table
from tests.advice.shop import STATS, catalog, family, table

PLANNER = Constants()


def need(text: str, *tables: Table, of: str = "orders") -> Need:
    statement = parse(text)
    assert isinstance(statement, Statement)
    return next(one for one in needs(statement, catalog(*tables))[0] if one.table.name == of)


def advice(*families: Family, tables: tuple[Table, ...] = (), has_trigrams: bool = False) -> Advice:
    return advise(families, catalog(*tables), PLANNER, has_trigrams=has_trigrams)


def told(found: Advice) -> list[str]:
    return [
        f"{one.table.name} {one.index.method}({', '.join(one.index.columns)})"
        + "".join(f" {column} {kind}" for column, kind in one.index.predicate)
        for one in found.proposals
    ]


ADVISED = {
    "select * from orders where customer_id = $1": ["orders btree(customer_id)"],
    "select * from orders where customer_id = $1 and status = $2": ["orders btree(customer_id)"],
    "select * from orders where customer_id in ($1,$2)": ["orders btree(customer_id)"],
    "select * from orders where customer_id = $1 order by placed_at desc limit $2": ["orders btree(customer_id)"],
    "select * from orders where status = $1 order by placed_at limit $2": ["orders btree(status, placed_at)"],
    "select * from orders order by placed_at desc limit $1": ["orders btree(placed_at)"],
    "select * from orders where not paid and note = $1": ["orders btree(note)"],
    "select * from orders where shipped_at is not null order by placed_at limit $1": [
        "orders btree(placed_at) shipped_at not_null"
    ],
    "select * from orders where data @> $1": ["orders gin(data)"],
    "select * from orders where tags && $1": ["orders gin(tags)"],
    "select * from orders where search @@ to_tsquery($1)": ["orders gin(search)"],
    "select * from orders where lower(note) = $1": ["orders btree(note)"],
    "select * from orders where note ^@ $1": ["orders btree(note)"],
    "update orders set note = $1 where customer_id = $2": ["orders btree(customer_id)"],
    "delete from orders where customer_id = $1": ["orders btree(customer_id)"],
    'SELECT $2 FROM ONLY "public"."orders" x WHERE $1 OPERATOR(pg_catalog.=) "customer_id" FOR KEY SHARE OF x': [
        "orders btree(customer_id)"
    ],
    "select o.* from customers c join orders o on o.customer_id = c.id where c.email = $1": [
        "orders btree(customer_id)",
        "customers btree(email)",
    ],
}


@pytest.mark.parametrize(("text", "indexes"), ADVISED.items())
def test_a_slow_query_asks_for_the_index_that_answers_it(text, indexes) -> None:
    assert told(advice(family(text))) == indexes


def test_a_pattern_asks_for_trigrams_where_the_extension_is_installed() -> None:
    searching = family("select * from orders where note ilike $1")
    assert told(advice(searching, has_trigrams=True)) == ["orders gin(note)"]
    assert advice(searching).reasons[1].code == "pattern"


REASONS = {
    "vacuum orders": "utility",
    "select * frm orders where where": "unparsable",
    "insert into orders (id) values ($1)": "only_writes",
    "select * from settings where name = $1": "small_table",
    "select * from pg_class where relname = $1": "catalog",
    "select * from nowhere where id = $1": "unknown_table",
    "select count(*) from orders": "no_condition",
    "select * from orders order by placed_at": "no_condition",
    "select * from orders where placed_at::date = $1": "expression",
    "select * from orders where customer_id <> $1": "expression",
    "select * from orders where status = $1 or customer_id = $2": "expression",
    "select * from orders where note like $1": "pattern",
    "select 1": "no_table",
}


@pytest.mark.parametrize(("text", "code"), REASONS.items())
def test_a_family_that_gave_nothing_says_why(text, code) -> None:
    found = advice(family(text))
    assert told(found) == []
    assert found.reasons[1].code == code
    assert found.reasons[1].sentence.endswith(".")


BY_CUSTOMER = "select * from orders where customer_id = $1"


@pytest.mark.parametrize(
    ("about", "code"),
    [
        ({"calls": FEW_CALLS - 1}, "few_calls"),
        ({"blocks": 10}, "cheap"),
        ({"blocks": 500}, "not_read_whole"),
        ({"scans": (Scan("public", "orders", "Index Scan", "by_customer", 1.0),), "blocks": 500}, "plan_uses_index"),
        ({"calls": 5, "mean_ms": 0.1}, "outweighed"),
        ({"rows": 100 * 400_000}, "not_selective"),
    ],
)
def test_what_was_counted_can_speak_against_an_index(about, code) -> None:
    assert advice(family(BY_CUSTOMER, **about)).reasons[1].code == code


def test_an_index_that_is_there_already_is_the_reason() -> None:
    there = table("orders", IndexShape((Key("customer_id"), Key("status")), name="by_customer"))
    reason = advice(family(BY_CUSTOMER), tables=(there,)).reasons[1]
    assert reason.code == "already_indexed"
    assert reason.sentence.startswith("The index by_customer on public.orders answers it already.")


def test_an_index_that_nobody_may_use_is_no_reason() -> None:
    partial = table("orders", IndexShape((Key("customer_id"),), name="odd", predicate=(("paid", "true"),)))
    unreadable = table("orders", IndexShape((Key("customer_id"),), name="odd", is_readable=False))
    for there in (partial, unreadable):
        assert told(advice(family(BY_CUSTOMER), tables=(there,))) == ["orders btree(customer_id)"]


def test_one_index_serves_several_families_and_the_narrow_one_goes() -> None:
    found = advice(
        family("select * from orders where status = $1 order by placed_at limit $2", number=1),
        family("select id from orders where status = $1 order by placed_at desc limit $2", number=2),
        family(BY_CUSTOMER, number=3),
    )
    assert sorted(told(found)) == ["orders btree(customer_id)", "orders btree(status, placed_at)"]
    assert sorted(len(one.gains) for one in found.proposals) == [1, 2]
    assert found.reasons == {}


def test_writes_can_cost_more_than_an_index_saves() -> None:
    reading = family(BY_CUSTOMER, calls=6, mean_ms=20.0)
    writing = family("insert into orders (id) values ($1)", number=2, calls=3_000_000, rows=3_000_000, mean_ms=0.01)
    found = advice(reading, writing)
    assert told(found) == []
    assert found.reasons[1].code == "outweighed"
    assert told(advice(reading)) == ["orders btree(customer_id)"]


def test_saved_time_never_exceeds_what_was_spent() -> None:
    [proposal] = advice(family(BY_CUSTOMER, calls=100, mean_ms=50.0)).proposals
    assert proposal.saved_ms.low - 1 <= proposal.likely_ms <= proposal.saved_ms.high + 1
    assert 4_000 < proposal.saved_ms.low <= proposal.saved_ms.high < 5_000


def test_without_statistics_the_range_is_wider_but_still_a_range() -> None:
    text = "select count(*) from orders where customer_id = $1"
    [known] = advice(family(text)).proposals
    [blind] = advice(family(text), tables=(table("orders", stats={}),)).proposals
    spread = [one.gains[0].after.high / one.gains[0].after.low for one in (known, blind)]
    assert spread[0] < spread[1]


def test_what_statements_returned_narrows_the_range() -> None:
    measured = family(BY_CUSTOMER, calls=100, rows=500)
    [proposal] = advice(measured, tables=(table("orders", stats={}),)).proposals
    assert proposal.gains[0].blocks.high < 20


def test_rows_that_lie_together_cost_less_than_scattered_ones() -> None:
    near = table("orders", stats=STATS | {"placed_at": Stats(-0.9, 0.0, 8, 1.0)})
    far = table("orders", stats=STATS | {"placed_at": Stats(-0.9, 0.0, 8, 0.0)})
    index = IndexShape((Key("placed_at"),))
    text = "select count(*) from orders where placed_at between $1 and $2"
    costs = [through(index, need(text, one), PLANNER, None) for one in (near, far)]
    assert costs[0]
    assert costs[1]
    assert costs[0].cost.high < costs[1].cost.high


def test_reading_everything_costs_what_the_planner_says() -> None:
    assert whole(need(BY_CUSTOMER), PLANNER).cost.low == 20_000 + 1_000_000 * (0.01 + 0.0025)


def test_equal_columns_come_first_those_that_most_statements_share_before_the_others() -> None:
    asked = [need("select * from orders where placed_at > $1 and customer_id = $2 and note = $3"), need(BY_CUSTOMER)]
    tried = [index.columns for index in candidates(asked, has_trigrams=False)]
    assert ("customer_id", "note", "placed_at") in tried
    assert ("placed_at", "customer_id") not in tried
    assert ("note", "customer_id") not in tried
    assert max(len(columns) for columns in tried) == 3


def test_types_that_no_b_tree_holds_are_not_tried() -> None:
    assert candidates([need("select * from orders where data = $1 and tags = $2")], has_trigrams=False) == []


def test_a_span_keeps_its_middle_between_its_ends() -> None:
    assert Span(0.01, 1.0).middle == pytest.approx(0.1)
