"""Plans from a real server on the explaining role: what can be planned, and that nothing leaks, writes or waits."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask

from dashboard.plans import ask
from dashboard.plans.ask import Refused
from dashboard.plans.forms import Wish
from dashboard.targets.connect import TargetUnreachable
from dashboard.targets.queries import target_by_slug
from tests.plans.conftest import PEEK, Shop

GENERIC = Wish("generic")
Explain = Callable[..., dict[str, Any]]
SHAPES = (
    "select * from orders where id = $1",
    "select count(*) from orders where customer_id in ($1 /*, ... */)",
    "select * from orders where customer_id = any($1) order by at desc limit $2",
    "select * from orders where at > now() - interval $1",
    "select * from orders where at > now() - interval $1 day",
    "select * from orders where at >= date $1 and at < timestamp with time zone $2",
    "select extract($1 from at), count(*) from orders group by 1",
    "select date_trunc($1, at) from orders",
    "select * from orders where $1 is null or customer_id = $1",
    "select * from customers where $1 is null and id = $2",
    "select lower(email) from customers where email like $1 escape $2",
    "with recent as (select * from orders where at > $1) select count(*) from recent where total_cents > $2",
    "insert into orders values ($1, $2, $3, $4)",
    "update orders set total_cents = $1 where id = $2",
    "delete from orders using customers c where c.id = customer_id and c.email = $1",
    "values ($1, $2)",
    "/* tag: 'x' */ select $1 as a -- the end",
)


@pytest.fixture
def explain(app: Flask) -> Explain:
    def plan(text: str, wish: Wish = GENERIC) -> dict[str, Any]:
        with app.app_context():
            return ask.plan(target_by_slug("shop"), text, wish).document

    return plan


@contextmanager
def refused() -> Iterator[list[ask.Refusal]]:
    found: list[ask.Refusal] = []
    with pytest.raises(Refused) as caught:
        yield found
    found.append(caught.value.refusal)


def test_the_shapes_of_real_workloads_are_planned(shop: Shop, explain: Explain) -> None:
    role, rights = shop.explainer, "insert, update, delete on orders"
    with shop.changed(f"grant {rights} to {role}", f"revoke {rights} from {role}"):
        assert {text: bool(explain(text)["Plan"]["Node Type"]) for text in SHAPES} == dict.fromkeys(SHAPES, True)


def test_the_generic_plan_holds_for_any_value(shop: Shop, explain: Explain) -> None:
    """A parameter that were bound to NULL would fold the whole plan to nothing."""
    plan = explain("select * from orders where customer_id = $1")["Plan"]
    assert plan["Relation Name"] == "orders"
    assert plan["Plan Rows"] == 8
    assert "$1" in str(plan)


def test_with_values_the_plan_is_that_of_the_values(shop: Shop, explain: Explain) -> None:
    text = "select * from orders where id > $1"
    many = explain(text, Wish("values", ("5",)))["Plan"]["Plan Rows"]
    few = explain(text, Wish("values", ("3990",)))["Plan"]["Plan Rows"]
    assert (many > 3_900, few < 100) == (True, True)


def test_run_once_it_tells_what_happened(shop: Shop, explain: Explain) -> None:
    document = explain("select count(*) from orders where customer_id = $1", Wish("analyze", ("7",)))
    assert (document["Plan"]["Actual Rows"], document["Execution Time"] > 0) == (1, True)
    assert "Shared Hit Blocks" in document["Plan"]


def test_a_type_that_somebody_names_settles_what_the_server_cannot_tell(shop: Shop, explain: Explain) -> None:
    text = "select * from generate_series($1, $2) g"
    with refused() as found:
        explain(text)
    assert found[0].sqlstate == "42725"
    assert (
        explain(text, Wish("generic", types=((1, "integer"), (2, "integer"))))["Plan"]["Node Type"] == "Function Scan"
    )


@pytest.mark.parametrize("value", ["'; drop table orders; --", "\\'); select 1; --", "$1", "%s", "1); commit; --"])
def test_a_value_is_never_more_than_a_value(shop: Shop, explain: Explain, value: str) -> None:
    explain("select * from customers where email = $1", Wish("values", (value,)))
    assert explain("select * from customers where email = $1", Wish("analyze", (value,)))["Plan"]["Actual Rows"] == 0
    assert shop.database.execute("select count(*) from orders") == [(4_000,)]


@pytest.mark.parametrize("kind", ["values", "analyze"])
def test_values_stand_in_no_text_that_the_server_keeps(shop: Shop, explain: Explain, kind: str) -> None:
    explain("select * from customers where email = $1 and id > $2", Wish(kind, ("a quite secret value", "471147")))
    kept = "select count(*) from pg_stat_statements where query ~ 'a quite secret|471147' and query !~ 'count'"
    assert shop.database.execute(kept) == [(0,)]


@pytest.mark.parametrize(
    "text",
    [
        "select 1; commit; create table pwn (a int)",
        "select 1; select 2",
        "select 1) select 2",
        "select 1 \\; select 2",
        "analyze; drop table orders",
    ],
)
def test_one_statement_or_none(shop: Shop, explain: Explain, text: str) -> None:
    with refused() as found:
        explain(text)
    assert found[0].sqlstate == "42601"
    assert shop.database.execute("select to_regclass('pwn')") == [(None,)]


# As table_to_xml does, for servers that are built without XML.
DUMP = """
create or replace function xmlless(name regclass) returns text immutable language plpgsql as $$
declare found text;
begin execute format('select json_agg(t) from %s t', name) into found; return found; end $$
"""
LEAKS = (
    "select * from orders where id = peek()::int",
    "select * from orders where total_cents < (xmlless('customers')::text)::int",
    "select * from orders where id = (select secret from customers limit 1)::int and $1 = 1",
)


@pytest.mark.parametrize("text", LEAKS)
def test_an_error_never_quotes_a_row(shop: Shop, explain: Explain, text: str, caplog: Any) -> None:
    """The two leaks of PgHero's CVE, and one that only happens when it runs."""
    shop.database.execute(PEEK)
    shop.database.execute(DUMP)
    with caplog.at_level(logging.DEBUG), refused() as found:
        explain(text, Wish("analyze", ("1",)))
    assert found[0].sqlstate == "22P02"
    assert "secret of" not in found[0].sentence + caplog.text


def test_planning_that_runs_functions_is_ended_in_time(shop: Shop, explain: Explain, monkeypatch: Any) -> None:
    monkeypatch.setattr(ask, "PLAN_MS", 300)
    shop.database.execute(
        "create or replace function slow() returns int immutable language plpgsql as "
        "$$ begin perform pg_sleep(5); return 1; end $$"
    )
    with refused() as found:
        explain("select * from orders where id = slow()")
    assert found[0].sqlstate == "57014"


def test_what_planning_runs_cannot_write(shop: Shop, explain: Explain) -> None:
    shop.database.execute(
        "create or replace function really() returns int language plpgsql security definer as "
        "$$ begin delete from orders; return 1; end $$"
    )
    shop.database.execute(
        "create or replace function writes() returns int immutable language sql as $$ select really() $$"
    )
    with refused() as found:
        explain("select * from orders where id = writes()")
    assert found[0].sqlstate == "25006"
    assert shop.database.execute("select count(*) from orders") == [(4_000,)]


def test_a_locked_table_is_not_waited_for_and_its_holder_is_named(shop: Shop, explain: Explain) -> None:
    with shop.database.server.connect(shop.database.name) as other, other.transaction():
        other.execute("set application_name = 'alembic'; lock table orders in access exclusive mode")
        with refused() as found:
            explain("select count(*) from orders join customers on true")
        pid = other.info.backend_pid
    assert found[0].sqlstate == "55P03"
    assert f"public.orders is locked by process {pid} (alembic)" in found[0].sentence


def test_a_table_that_the_role_may_not_read_names_the_grant(shop: Shop, explain: Explain) -> None:
    shop.database.execute('create schema "Kept"')
    shop.database.execute('create table "Kept"."Odd ""one" (id int)')
    with refused() as found:
        explain('select * from "Kept"."Odd ""one"')
    role = f'"{shop.explainer}"'
    assert found[0].remedy_sql == (
        f'GRANT USAGE ON SCHEMA "Kept" TO {role};\nGRANT SELECT ON "Kept"."Odd ""one" TO {role};'
    )


def test_a_statement_that_writes_needs_more_than_select(shop: Shop, explain: Explain) -> None:
    with refused() as found:
        explain("delete from orders where id = $1")
    assert (found[0].sqlstate, found[0].remedy_sql) == ("42501", None)
    assert "writes" in found[0].sentence


def test_names_are_looked_up_where_the_role_looks(own_shop: Shop, explain: Explain) -> None:
    own_shop.database.execute("create schema shop")
    own_shop.database.execute("alter table customers set schema shop")
    own_shop.database.execute(f"grant usage on schema shop to {own_shop.explainer}")
    with refused() as found:
        explain("select * from customers")
    assert "search_path" in found[0].sentence
    own_shop.database.execute(f"alter role {own_shop.explainer} set search_path = shop, public")
    assert explain("select * from customers")["Plan"]["Schema"] == "shop"


def test_nothing_stays_behind_a_plan(shop: Shop, explain: Explain) -> None:
    explain("select * from orders where id = $1")
    sessions = f"select count(*) from pg_stat_activity where usename = '{shop.explainer}'"
    assert shop.database.execute(sessions) == [(0,)]


def test_without_the_role_nothing_is_asked(shop: Shop, explain: Explain, opt_out: Callable[[], None]) -> None:
    opt_out()
    with pytest.raises(TargetUnreachable, match="No role to explain"):
        explain("select 1")
