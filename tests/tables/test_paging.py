"""Which rows a page of a large list shows is found once for each collection; what is told of them is always asked."""

import pytest
from sqlalchemy import text

from dashboard.vacuum import collect as vacuum
from tests.collections import collecting

SHOP = "create table orders (id bigint); create table people (id bigint); create index on orders (id)"


@pytest.fixture
def shop(app, target, target_db, collected):
    target_db.execute(SHOP)
    collected()
    collecting(app, vacuum)()
    return target_db


@pytest.mark.parametrize("path", ["tables", "tables?q=ord&sort=name", "indexes?q=orders", "vacuum"])
def test_whoever_comes_back_before_the_next_collection_asks_only_for_what_is_shown(
    app, shop, as_viewer, queries, path
) -> None:
    with queries(app) as first:
        assert "orders" in as_viewer.get(f"/t/shop/{path}").text
    with queries(app) as again:
        assert "orders" in as_viewer.get(f"/t/shop/{path}").text
    assert set(again) < set(first)


def test_the_next_collection_is_looked_at_afresh(shop, as_viewer, collected) -> None:
    assert as_viewer.get("/t/shop/tables?q=ord&format=json").json["total"] == 1
    shop.execute("create table ordeals (id bigint)")
    assert as_viewer.get("/t/shop/tables?q=ord&format=json").json["total"] == 1
    collected()
    assert as_viewer.get("/t/shop/tables?q=ord&format=json").json["total"] == 2


def test_what_is_told_of_a_row_is_never_kept(shop, as_viewer, store) -> None:
    as_viewer.get("/t/shop/tables?q=orders")
    store.execute(text("update table_state set total_bytes = 4096123 where name = 'orders'"))
    store.commit()
    assert as_viewer.get("/t/shop/tables?q=orders&format=json").json["rows"][0]["total_bytes"] == 4_096_123
