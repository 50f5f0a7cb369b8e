"""A shop with orders that nobody indexed, and whole runs of advice: tables, schema, two readings, the job."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from psycopg import Connection

from dashboard.advice import collect as advice
from dashboard.schema import collect as schema
from dashboard.statements import collect as statements
from dashboard.store import db
from dashboard.tables import collect as tables
from dashboard.targets.collection import Collection, Collector
from dashboard.targets.connect import address_of, reading
from dashboard.targets.models import Target
from dashboard.targets.queries import target_by_slug
from dashboard.targets.states import keep_probe_state

ORDERS = """
create table orders (
    id bigint primary key, customer_id integer not null, status text not null, placed_at timestamptz not null,
    shipped_at timestamptz, note text
);
insert into orders
select
    n, n * 7919 % 800, case when n % 20 = 0 then 'open' else 'done' end,
    timestamptz '2026-01-01' + n * interval '1 minute', case when n % 20 > 0 then now() end, repeat('x', 60)
from generate_series(1, 16000) n;
create table customers (id integer primary key, email text not null);
insert into customers select n, 'c' || n from generate_series(1, 800) n;
create unique index on customers (email);
create table settings (name text primary key, value text);
insert into settings select n::text, 'on' from generate_series(1, 50) n;
vacuum analyze orders;
vacuum analyze customers;
vacuum analyze settings;
select pg_stat_reset();
"""
Run = Callable[..., Collection]
Workload = Callable[[Connection[Any]], None]


BY_CUSTOMER = "select * from orders where customer_id = %s"


def ask_by_customer(connection: Connection[Any]) -> None:
    for number in range(40):
        connection.execute(BY_CUSTOMER, (number * 37 % 800,), prepare=False).fetchall()


def fill(target_db: Any, text: str = ORDERS) -> None:
    for statement in text.split(";\n"):
        if statement.strip():
            target_db.execute(statement)


def collected(target: Target, collector: Collector, at: datetime) -> Collection:
    with reading(address_of(target)) as reader:
        collection = Collection(target, at, at, reader)
        collector.collect(collection)
    keep_probe_state(
        target.id,
        collector.PROBE,
        tried_at=at,
        ended_at=at,
        rows=collection.rows,
        reason=collection.reason,
        remedy_sql=collection.remedy_sql,
    )
    db.session.commit()
    return collection


@pytest.fixture
def shop(target_db: Any, target: Target) -> Any:
    """The role that watches may read no table: it gets no statistics, as usual."""
    fill(target_db)
    return target_db


@pytest.fixture
def readable(shop: Any, target: Target) -> Iterator[Any]:
    """The watching role may read the shop's tables, so that it sees pg_stats."""
    shop.execute(f"grant select on all tables in schema public to watch_{shop.name}")
    yield shop
    shop.execute(f"drop owned by watch_{shop.name}")


@pytest.fixture
def advised(app: Flask, target: Target, target_db: Any) -> Run:
    """`advised(work)` runs the workload between two readings, then makes advice; returns the advice's collection."""

    def run(work: Workload, minutes_ago: int = 5) -> Collection:
        start = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=minutes_ago)
        with app.app_context():
            row = target_by_slug("shop")
            for collector in (tables, schema):
                collected(row, collector, start)
            collected(row, statements, start)
            with target_db.server.connect(target_db.name) as connection:
                work(connection)
            collected(row, statements, start + timedelta(minutes=1))
            return collected(row, advice, start + timedelta(minutes=2))

    return run
