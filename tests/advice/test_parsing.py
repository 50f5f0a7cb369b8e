"""What statements ask of their tables, as pg_stat_statements writes them: a truth table of shapes."""

import pytest

from dashboard.advice.parsing import LONGEST, parse
from dashboard.advice.resolve import needs
from dashboard.advice.scans import Scan
from dashboard.advice.shapes import Statement, Unread
from tests.advice.shop import catalog, table

WHERE = {
    "customer_id = $1": "customer_id eq",
    "$1 = customer_id": "customer_id eq",
    "customer_id in ($1, $2, $3)": "customer_id in",
    "customer_id in ($1 /*, ... */)": "customer_id in",
    "customer_id = any($1)": "customer_id in",
    "customer_id = any($1::int[])": "customer_id in",
    "customer_id = $1 or customer_id = $2": "customer_id in",
    "customer_id = $1 and status = $2": "customer_id eq, status eq",
    "(customer_id = $1 and (status = $2))": "customer_id eq, status eq",
    "placed_at > now() - interval $1": "placed_at range",
    "placed_at >= date $1 and placed_at < date $2": "placed_at range",
    "placed_at between $1 and $2": "placed_at between",
    "(placed_at, id) < ($1,$2)": "placed_at range",
    "(customer_id, status) in (($1,$2), ($3,$4))": "customer_id in, status in",
    "(customer_id, status) = ($1,$2)": "customer_id eq, status eq",
    "shipped_at is null": "shipped_at null",
    "shipped_at is not null": "shipped_at not_null",
    "not shipped_at is null": "shipped_at not_null",
    "paid": "paid true",
    "not paid": "paid false",
    "paid is false": "paid false",
    "note like $1": "note like",
    "note ~~ $1": "note like",
    "note ilike $1 escape $2": "note ilike",
    "note ^@ $1": "note prefix",
    "note ~* $1": "note regex",
    "data @> $1": "data contains",
    "data ? $1": "data contains",
    "data ?| $1": "data contains",
    "tags && $1": "tags overlaps",
    "tags @> array[$1]": "tags contains",
    "search @@ to_tsquery($1, $2)": "search fulltext",
    "lower(note) = $1": "lower(note) eq",
    "lower(note) = lower($1)": "lower(note) eq",
    "customer_id OPERATOR(pg_catalog.=) $1": "customer_id eq",
    "customer_id = (select max(id) from customers)": "customer_id eq",
    "customer_id = $1::bigint -- $2\n": "customer_id eq",
    "customer_id <> $1": "",
    "customer_id not in ($1,$2)": "",
    "not (customer_id = $1)": "",
    "placed_at::date = $1": "",
    "date(placed_at) = $1": "",
    "extract($1 from placed_at) = $2": "",
    "date_trunc($1, placed_at) = $2": "",
    "data ->> $1 = $2": "",
    "customer_id + $1 = $2": "",
    "customer_id = id": "",
    "status = $1 or customer_id = $2": "",
    'status collate "C" = $1': "",
    "status is distinct from $1": "",
    "coalesce(status, $1) = $2": "",
    "$1 = $2": "",
    "exists (select 1 from customers c where c.id = customer_id)": "",
}  # fmt: skip


def told(text: str, **about: object) -> dict[str, str]:
    """The terms of each table, `join` behind those whose value comes from other rows."""
    statement = parse(text)
    assert isinstance(statement, Statement), statement
    found, _ = needs(statement, catalog(), **about)  # type: ignore[arg-type]
    return {
        need.table.name: ", ".join(
            f"{f'{term.function}({term.column})' if term.function else term.column} {term.kind}"
            + (" join" if term.is_join else "")
            for term in need.terms
        )
        for need in found
    }


@pytest.mark.parametrize(("where", "terms"), WHERE.items())
def test_a_condition_gives_the_terms_that_an_index_could_answer(where, terms) -> None:
    assert told(f"select * from orders where {where}")["orders"] == terms


STATEMENTS = {
    "select * from orders o join customers c on c.id = o.customer_id where c.email = $1": {
        "orders": "customer_id eq join",
        "customers": "email eq, id eq join",
    },
    "select * from customers c left join orders o on o.customer_id = c.id and o.paid": {
        "customers": "",
        "orders": "customer_id eq join, paid true",
    },
    "select * from orders join customers on customers.id = customer_id": {
        "orders": "customer_id eq join",
        "customers": "id eq join",
    },
    "select * from orders, customers where orders.customer_id = customers.id and country = $1": {
        "orders": "customer_id eq join",
        "customers": "id eq join, country eq",
    },
    "select * from orders join customers using (id)": {"orders": "id eq join", "customers": "id eq join"},
    "select * from orders where customer_id in (select id from customers where country = $1)": {
        "orders": "customer_id in join",
        "customers": "country eq",
    },
    "with c as (select * from customers where country = $1) select * from c join orders o on o.customer_id = c.id": {
        "orders": "customer_id eq join",
        "customers": "country eq",
    },
    "select * from customers c where exists (select 1 from orders o where o.customer_id = c.id)": {
        "customers": "",
        "orders": "customer_id eq join",
    },
    "select * from customers c, lateral (select * from orders o where o.customer_id = c.id limit $1) x": {
        "customers": "",
        "orders": "customer_id eq join",
    },
    "update orders set status = $1 where customer_id = $2 and paid": {"orders": "customer_id eq, paid true"},
    "update orders o set status = $1 from customers c where c.id = o.customer_id and c.email = $2": {
        "orders": "customer_id eq join",
        "customers": "id eq join, email eq",
    },
    "delete from only orders where placed_at < $1": {"orders": "placed_at range"},
    "delete from orders using customers c where c.id = orders.customer_id": {
        "orders": "customer_id eq join",
        "customers": "id eq join",
    },
    "insert into settings select status, status from orders where customer_id = $1": {"orders": "customer_id eq"},
    'SELECT $2 FROM ONLY "public"."orders" x WHERE $1 OPERATOR(pg_catalog.=) "customer_id" FOR KEY SHARE OF x': {
        "orders": "customer_id eq"
    },
    "select 1 from orders where id = $1 union all select 2 from customers where email = $2": {
        "orders": "id eq",
        "customers": "email eq",
    },
    "merge into orders o using customers c on c.id = o.customer_id when matched then update set status = $1": {
        "orders": "customer_id eq join",
        "customers": "id eq join",
    },
}


@pytest.mark.parametrize(("text", "terms"), STATEMENTS.items())
def test_a_statement_gives_the_terms_of_each_of_its_tables(text, terms) -> None:
    assert told(text) == terms


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("vacuum orders", "utility"),
        ("begin", "utility"),
        ("truncate orders", "utility"),
        ("select * frm orders where where", "unparsable"),
        ("select 1; select 2", "unparsable"),
        ("select (" + "(" * 3000, "unparsable"),
        ("", "unparsable"),
        ("savepoint $1", "utility"),
        ("select '" + "x" * LONGEST + "'", "too_long"),
    ],
)
def test_a_text_without_a_shape_says_why(text, code) -> None:
    statement = parse(text)
    assert isinstance(statement, Unread)
    assert statement.code == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("select * from pg_class where relname = $1", "catalog"),
        ("select * from information_schema.tables", "catalog"),
        ("select * from nowhere where id = $1", "unknown_table"),
        ("select * from orders o join (select $1 as k) x on true where note = $2", "ambiguous"),
        ("select * from orders join customers on true where id = $1", "ambiguous"),
        ("select * from orders where customer_id = id", "expression"),
    ],
)
def test_names_that_cannot_be_told_are_a_reason(text, code) -> None:
    statement = parse(text)
    assert isinstance(statement, Statement)
    assert code in {problem.code for problem in needs(statement, catalog())[1]}


def test_a_plan_tells_which_of_two_schemas_is_meant() -> None:
    known = catalog() | {"orders": [table(), table(schema="archive", oid=9)]}
    statement = parse("select * from orders where customer_id = $1")
    assert isinstance(statement, Statement)
    assert [problem.code for problem in needs(statement, known)[1]] == ["ambiguous"]
    found, _ = needs(statement, known, (Scan("archive", "orders", "Seq Scan", None, 1.0),))
    assert [need.table.schema for need in found] == ["archive"]


ORDERS = {
    "order by placed_at desc limit $1": [("placed_at", True)],
    "order by 4 limit $1": [("placed_at", False)],
    "order by o.status, o.placed_at desc fetch first $1 rows only": [("status", False), ("placed_at", True)],
    "order by lower(o.note) limit $1": [],
}


@pytest.mark.parametrize(("ending", "order"), ORDERS.items())
def test_order_by_is_told_when_all_of_it_are_columns(ending, order) -> None:
    statement = parse(f"select id, customer_id, status, placed_at from orders o where customer_id = $1 {ending}")
    assert isinstance(statement, Statement)
    [need] = needs(statement, catalog())[0]
    assert [(item.ref.column, item.descending) for item in need.order] == order
    assert need.has_limit


def test_an_update_tells_the_columns_that_it_sets() -> None:
    statement = parse('update public.orders as o set status = $1, ("Odd", paid) = ($2, $3) where id = $4')
    assert isinstance(statement, Statement)
    assert statement.sets == {"status", "Odd", "paid"}
    assert statement.writes is not None
    assert (statement.writes.schema, statement.writes.name) == ("public", "orders")


def test_a_parameter_inside_quotes_or_comments_is_none() -> None:
    statement = parse("select '$1' as \"$2\" /* $3 */ from orders where note = $$x $4$$ and status = $5")
    assert isinstance(statement, Statement)
    assert [clause.refs[0].column for clause in statement.blocks[0].clauses] == ["note", "status"]
