"""An ALTER TABLE that waits for its lock keeps everybody out of the table behind it; no page of ours is among them."""

import time
from typing import Any

import pytest
from flask import Flask

from dashboard.tables import collect
from tests.collections import collecting

ASKING = ("/t/shop/activity", "/t/shop/vacuum/running")


@pytest.fixture
def migrating(target_db: Any, target: Any, app: Flask, connect: Any, waiting: Any) -> None:
    """A long reader, and behind it a migration that waits; the table was collected before."""
    target_db.execute("create table orders (id int primary key)")
    collecting(app, collect)()
    connect("report").execute("select count(*) from orders")
    waiting(connect("migrate"), "alter table orders add column late int")


def pages(app: Flask) -> list[str]:
    """Every page about a target as a whole."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.arguments == {"slug"} and "GET" in (rule.methods or ())]
    return [rule.rule.replace("<slug>", "shop") for rule in rules if rule.rule.startswith("/t/<slug>")]


@pytest.mark.usefixtures("migrating")
def test_every_page_of_a_target_answers_while_a_migration_waits_for_a_table(app: Flask, as_admin: Any) -> None:
    found = pages(app)
    assert {"/t/shop/tables", "/t/shop/queries", *ASKING} <= set(found)
    for url in [*found, "/t/shop/tables/public.orders"]:
        began = time.monotonic()
        assert as_admin.get(url).status_code < 400, url
        assert time.monotonic() - began < 1.5, url


@pytest.mark.usefixtures("migrating")
def test_the_pages_that_ask_the_target_itself_are_told_everything(as_admin: Any) -> None:
    told = {url: as_admin.get(f"{url}?format=json") for url in ASKING}
    assert [answer.status_code for answer in told.values()] == [200, 200]
    rows = {row["application"]: row for row in told["/t/shop/activity"].json["rows"]}
    assert rows["migrate"]["blocked_by"] == [rows["report"]["pid"]]
    assert rows["migrate"]["lock_mode"] == "AccessExclusiveLock"
