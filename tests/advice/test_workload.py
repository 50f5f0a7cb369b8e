"""From a workload on a real server to advice, and back: the index is built and the advice is gone."""

from typing import Any

import pytest
from psycopg import Connection
from sqlalchemy import select

from dashboard.advice.models import AdviceIndex, AdviceReason
from dashboard.findings.models import Finding
from tests.advice.conftest import BY_CUSTOMER, Workload, ask_by_customer


def rows(store: Any, model: Any) -> list[Any]:
    store.expire_all()
    return list(store.scalars(select(model)))


def test_a_missing_index_is_found_and_vanishes_when_it_is_built(readable, advised, store) -> None:
    advised(ask_by_customer)
    [found] = rows(store, AdviceIndex)
    assert (found.table_name, found.columns, found.method, found.family_count) == (
        "orders",
        ["customer_id"],
        "btree",
        1,
    )
    assert found.create_sql == (
        'CREATE INDEX CONCURRENTLY "ix_orders_customer_id" ON "public"."orders" USING btree ("customer_id")'
    )
    assert 0 < found.saved_low_ms <= found.saved_high_ms
    assert [one.rule for one in rows(store, Finding) if one.ended_at is None] == ["missing_index"]
    readable.execute("create index on orders (customer_id)")
    readable.execute("select pg_stat_statements_reset()")
    advised(ask_by_customer, minutes_ago=2)
    assert rows(store, AdviceIndex) == []
    assert "already_indexed" in {one.code for one in rows(store, AdviceReason)}
    assert [one for one in rows(store, Finding) if one.ended_at is None] == []


QUERIES = {
    "equal": BY_CUSTOMER,
    "two": "select * from orders where customer_id = %s and status = 'open'",
    "range": "select count(*) from orders where placed_at > timestamptz '2026-01-11' and customer_id > %s",
    "latest": "select * from orders where customer_id > %s order by placed_at desc limit 10",
    "null": "select * from orders where shipped_at is null and customer_id <> %s order by placed_at limit 5",
    "list": "select * from orders where customer_id in (%s, 5, 9)",
    "join": "select * from customers c join orders o on o.customer_id = c.id where c.email = 'c' || %s",
}


def workload(query: str) -> Workload:
    def work(connection: Connection[Any]) -> None:
        for number in range(30):
            value = str(number) if "||" in query else number * 37 % 800
            connection.execute(query, (value,), prepare=False).fetchall()

    return work


def blocks_per_call(target_db: Any, query: str) -> float:
    """As pg_stat_statements counts them, on a connection that has warmed up."""
    with target_db.server.connect(target_db.name) as connection:
        workload(query)(connection)
        connection.execute("select pg_stat_statements_reset()")
        workload(query)(connection)
        found = connection.execute(
            "select (shared_blks_hit + shared_blks_read) / calls from pg_stat_statements where query like %s",
            (query[:30] + "%",),
        ).fetchall()
    return float(max(found)[0])


@pytest.mark.parametrize("name", QUERIES)
def test_the_estimate_contains_what_is_measured_after_the_index_is_built(readable, advised, store, name) -> None:
    query = QUERIES[name]
    advised(workload(query))
    [found] = rows(store, AdviceIndex)
    [family] = found.families
    readable.execute(found.create_sql.replace(" CONCURRENTLY", ""))
    after = blocks_per_call(readable, query)
    assert family["blocks_low"] <= after <= family["blocks_high"]
    assert family["left_low"] <= after / family["blocks_per_call"] <= family["left_high"]
