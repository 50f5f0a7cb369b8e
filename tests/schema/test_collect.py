"""What a collection stores of a real schema, and what it tells the change lane."""

import json
import threading
import time
import zlib

import psycopg
import pytest
from sqlalchemy import func, select

from dashboard.changes.models import Change
from dashboard.schema.models import SchemaReference, SchemaTable, SchemaVersion

SHOP = """
create type state as enum ('new', 'paid');
create table customers (id bigint generated always as identity primary key, email text not null unique);
create table orders (
    id bigint primary key,
    customer_id bigint not null references customers (id) on delete cascade,
    state state not null default 'new',
    total numeric(10, 2) check (total >= 0),
    doubled numeric generated always as (total * 2) stored
);
comment on table orders is 'What was bought';
comment on column orders.total is 'In euros';
create index orders_total on orders (total) where state = 'paid';
create view paid as select id, total from orders where state = 'paid';
create table parts (a integer, b integer, primary key (b, a));
create table uses (x integer, y integer, constraint uses_parts foreign key (y, x) references parts (b, a));
create table days (at date) partition by range (at);
create table days_1 partition of days for values from ('2026-01-01') to ('2026-02-01');
create function nothing() returns trigger language plpgsql as 'begin return new; end';
create trigger stamp before insert on orders for each row execute function nothing();
"""


@pytest.fixture
def shop(target_db):
    target_db.execute(SHOP)
    return target_db


def relation(store, name: str) -> SchemaTable:
    store.expire_all()
    return store.scalars(select(SchemaTable).where(SchemaTable.name == name)).one()


def lane(store) -> list[Change]:
    return list(store.scalars(select(Change).where(Change.kind == "schema").order_by(Change.id)))


def test_columns_have_type_null_default_and_comment(shop, collected, store) -> None:
    collected()
    columns = {column["name"]: column for column in relation(store, "orders").detail["columns"]}
    assert columns["total"]["type"] == "numeric(10,2)"
    assert columns["total"]["comment"] == "In euros"
    assert columns["state"]["default"] == "'new'::public.state"
    assert (columns["customer_id"]["is_required"], columns["total"]["is_required"]) == (True, False)
    assert (columns["doubled"]["generated"], columns["doubled"]["default"]) == ("stored", "(total * (2)::numeric)")
    customers = relation(store, "customers").detail["columns"]
    assert customers[0]["identity"] == "always"


def test_keys_keep_the_order_of_their_columns_on_both_sides(shop, collected, store) -> None:
    collected()
    reference = store.scalars(select(SchemaReference).where(SchemaReference.name == "uses_parts")).one()
    assert (reference.from_columns, reference.to_columns) == (["y", "x"], ["b", "a"])
    primary = next(key for key in relation(store, "parts").detail["keys"] if key["kind"] == "primary key")
    assert primary["columns"] == ["b", "a"]


def test_checks_indexes_triggers_views_enums_and_partitions_are_told(shop, collected, store) -> None:
    collected()
    detail = relation(store, "orders").detail
    assert "CHECK (total >= 0::numeric)" in [key["definition"] for key in detail["keys"]]
    assert detail["indexes"][1]["definition"].endswith("WHERE state = 'paid'::public.state")
    assert detail["triggers"][0]["name"] == "stamp"
    assert "WHERE state = 'paid'::public.state" in relation(store, "paid").detail["definition"]
    assert relation(store, "state").detail["labels"] == ["new", "paid"]
    assert relation(store, "days").detail["partitioned_by"] == "RANGE (at)"
    assert relation(store, "days_1").detail["bound"] == "FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')"
    assert relation(store, "customers_id_seq").detail["sequence"]["owner_column"] == "id"


def test_references_are_counted_on_both_sides(shop, collected, store) -> None:
    collected()
    assert relation(store, "orders").reference_count == 1
    assert relation(store, "customers").referenced_by_count == 1


def test_the_first_version_is_no_change_and_the_same_schema_is_stored_once(shop, collected, store) -> None:
    collected()
    collected()
    assert store.scalar(select(func.count()).select_from(SchemaVersion)) == 1
    assert lane(store) == []


def test_a_new_column_is_one_row_of_the_lane_with_the_difference(shop, collected, store, target) -> None:
    collected()
    shop.execute("alter table orders add column note text")
    collected()
    (change,) = lane(store)
    assert (change.title, change.subject, change.target_id) == ("orders: column note added", "public.orders", target.id)
    assert change.noticed_after is not None
    assert change.detail["differences"][0]["after"] == {"name": "note", "type": "text"}
    newest = store.scalars(select(SchemaVersion).order_by(SchemaVersion.id.desc())).first()
    document = {row["name"]: row for row in json.loads(zlib.decompress(newest.document))}
    assert [column["name"] for column in document["orders"]["detail"]["columns"]][-1] == "note"


@pytest.mark.parametrize(
    ("statement", "title"),
    [
        ("drop view paid", "paid: view removed"),
        ("create table extra (id integer)", "extra: table added"),
        ("alter table orders rename column total to amount", "2 objects changed"),
        ("alter table customers rename column email to address", "customers: 3 changes"),
        ("alter table parts rename to pieces", "2 tables changed"),
        ("alter table orders alter customer_id drop not null", "orders: column customer_id NOT NULL changed"),
        ("alter type state add value 'sent'", "state: labels changed"),
        ("comment on table orders is 'Sold'", "orders: comment changed"),
        ("create table days_2 partition of days default", "days: partition days_2 added"),
        ("alter table orders disable trigger stamp", "orders: trigger stamp activation changed"),
        ("alter table uses drop constraint uses_parts", "uses: key uses_parts removed"),
    ],
)  # fmt: skip
def test_the_lane_says_what_changed(shop, collected, store, statement, title) -> None:
    collected()
    shop.execute(statement)
    collected()
    assert [change.title for change in lane(store)] == [title]


def test_a_dropped_table_takes_its_references_along(shop, collected, store) -> None:
    collected()
    shop.execute("drop table uses")
    collected()
    assert store.scalars(select(SchemaReference.name)).all() == ["orders_customer_id_fkey"]
    assert relation(store, "parts").referenced_by_count == 0


def test_a_migration_that_holds_a_table_hides_only_texts_and_only_for_now(shop, collected, store) -> None:
    collected()
    shop.execute("create index orders_late on orders (customer_id)")
    with psycopg.connect(shop.url.replace("+psycopg", "")) as migration:
        migration.execute("lock table orders in access exclusive mode")
        started = time.monotonic()
        collection = collected()
        assert time.monotonic() - started < 1.5
        assert "A lock hid" in collection.reason
        row = relation(store, "orders")
        assert row.stale_note is not None
        assert {index["name"]: index["definition"] is None for index in row.detail["indexes"]} == {
            "orders_pkey": False, "orders_total": False, "orders_late": True,
        }  # fmt: skip
    assert collected().reason is None
    assert relation(store, "orders").stale_note is None


def test_no_migration_waits_for_the_reading_of_a_view(shop, collected, store, app, target) -> None:
    from dashboard.schema.details import ask, details
    from dashboard.targets.connect import address_of, reading
    from dashboard.targets.queries import target_by_slug

    (oid,) = shop.execute("select oid::bigint from pg_class where relname = 'paid'")[0]
    with app.app_context(), reading(address_of(target_by_slug("shop"))) as reader:
        told = ask(reader, [oid])
        assert ("definition" in details(told, {})[oid], told.hidden) == (True, set())
        altering = threading.Thread(target=shop.execute, args=("alter table orders add column soon integer",))
        altering.start()
        altering.join(2)
        assert not altering.is_alive()


def test_a_role_that_may_only_connect_reads_the_whole_schema(shop, collected, store) -> None:
    shop.execute(f"revoke pg_monitor from watch_{shop.name}")
    shop.execute("revoke all on schema public from public")
    assert collected().reason is None
    assert len(relation(store, "orders").detail["columns"]) == 5
