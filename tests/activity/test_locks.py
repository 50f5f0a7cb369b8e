"""Locks summed up on the server, rows and prepared transactions named, and a page that waits for none of them."""

import time
from typing import Any

import pytest
from sqlalchemy.orm import Session

from dashboard.activity.live import sessions_of
from dashboard.activity.locks import LockGroup, locks_of
from dashboard.activity.rules import folded, lock_words
from dashboard.targets.queries import target_by_slug
from tests.activity.conftest import wait_until
from tests.activity.test_rules import NOW, session

PAGE = "/t/shop/activity"
MANY = 10_000  # as many as the test server has room for; docs/activity.md has what 50,000 cost


def rows(browser: Any) -> dict[str, dict[str, Any]]:
    return {row["application"]: row for row in browser.get(f"{PAGE}?format=json").json["rows"]}


def page(browser: Any) -> str:
    answer = browser.get(PAGE)
    assert answer.status_code == 200
    return str(answer.get_data(as_text=True))


@pytest.mark.usefixtures("target")
def test_ten_thousand_locks_are_a_short_answer_in_little_time(as_viewer, connect, app):
    holder = connect("tenant")
    holder.execute(f"select count(pg_advisory_xact_lock_shared(n)) from generate_series(1, {MANY}) as n")
    holder.execute("create table mine (id int)")
    began = time.monotonic()
    text = page(as_viewer)
    assert time.monotonic() - began < 2
    assert "10 k held or waited for" in text
    assert len(text) < 60_000
    with app.app_context():
        seen = sessions_of(target_by_slug("shop"), NOW)
        advisory = next(one for one in seen.locks.groups if one.lock_type == "advisory")
        assert (advisory.granted, advisory.waiting, advisory.on) == (MANY, 0, "an advisory lock")
        assert len(seen.locks.groups) <= 200


@pytest.mark.usefixtures("target")
def test_who_waits_for_a_row_is_told_its_table(as_viewer, connect, waiting, target_db):
    target_db.execute("create table orders (id int, note text); insert into orders values (1)")
    connect("first").execute("update orders set note = 'x'")
    for name in ("second", "third"):
        waiting(connect(name), "update orders set note = 'y'")
    told = rows(as_viewer)
    assert (told["second"]["lock_object"], told["third"]["lock_object"]) == ("a row of public.orders",) * 2
    assert told["second"]["blocked_by"] == [told["first"]["pid"]]


@pytest.mark.usefixtures("target")
def test_a_deadlock_ends_and_leaves_the_page_whole(as_viewer, connect, waiting, target_db):
    target_db.execute("create table a (id int); create table b (id int)")
    one, two = connect("one"), connect("two")
    one.execute("lock table a")
    two.execute("lock table b")
    one.execute("set local deadlock_timeout = '400ms'; set local lock_timeout = 0")
    two.execute("set local deadlock_timeout = '60s'")
    waiting(two, "lock table a")
    thread = waiting(one, "lock table b")
    assert "in a circle" in page(as_viewer)
    thread.join(5)
    wait_until(lambda: "in a circle" not in page(as_viewer))


@pytest.mark.usefixtures("target")
@pytest.mark.parametrize("name", ["pg_class", "pg_namespace", "pg_authid", "pg_database", "pg_locks"])
def test_a_locked_catalogue_delays_the_page_by_less_than_two_seconds(as_viewer, connect, name):
    page(as_viewer)
    connect("vacuum").execute(f"lock table pg_catalog.{name} in access exclusive mode")
    began = time.monotonic()
    page(as_viewer)
    assert time.monotonic() - began < 2


@pytest.mark.usefixtures("target")
def test_a_locked_table_is_named_with_whom_it_keeps_out(as_viewer, connect, waiting, target_db):
    target_db.execute("create table orders (id int)")
    connect("migrate").execute("lock table orders in access exclusive mode")
    waiting(connect("web"), "select 1 from orders")
    text = page(as_viewer)
    assert "everybody, readers too" in text
    assert 'id="lock-of-relation-' in text
    assert text.index("public.orders") < text.index("everybody, readers too")


@pytest.mark.usefixtures("target")
def test_an_unchanged_block_is_304_although_it_lasts_longer(as_viewer, connect, waiting, target_db):
    target_db.execute("create table orders (id int)")
    connect("migrate").execute("lock table orders in access exclusive mode")
    waiting(connect("web"), "select 1 from orders")
    tag = as_viewer.fragment.get(PAGE).headers["HX-PTag"]
    time.sleep(1.1)
    assert as_viewer.fragment.get(PAGE, headers={"HX-PTag": tag}).status_code == 304


@pytest.mark.usefixtures("target")
def test_a_role_that_may_only_connect_is_told_what_is_hidden(as_viewer, connect, target_db, store: Session):
    target_db.execute(f"revoke pg_monitor from watch_{target_db.name}")
    target_db.execute("create table orders (id int)")
    connect("migrate").execute("lock table orders in access exclusive mode")
    text = page(as_viewer)
    assert "is hidden from the watching role" in text
    assert "public.orders" in text


@pytest.mark.parametrize(
    ("lock_type", "relation", "words"),
    [
        ("relation", "public.orders", "public.orders"),
        ("tuple", "public.orders", "a row of public.orders"),
        ("transactionid", "public.orders", "a row of public.orders"),
        ("transactionid", None, "another transaction"),
        ("virtualxid", None, "another transaction"),
        ("extend", "public.orders", "public.orders (extend)"),
        ("advisory", None, "an advisory lock"),
        ("object", None, "object"),
        (None, None, None),
    ],
)
def test_what_a_lock_is_on_in_words(lock_type, relation, words):
    assert lock_words(lock_type, relation) == words


def test_a_relation_whose_name_could_not_be_read_has_its_number():
    row = {"lock_type": "relation", "relation": 7, "mode": "ShareLock", "granted": 1, "waiting": 0, "sessions": 1}
    (group,) = locks_of([row | {"waiting_since": None, "locks": 1, "groups": 1}], {}).groups
    assert (group.on, group.keeps_out) == ("relation 7", "writers")
    assert LockGroup("advisory", None, "ShareLock", 1, 0, 1, None).keeps_out is None


def test_parallel_workers_stand_with_their_leader():
    leader, helper = session(1), session(2, 9, leader_pid=1, wait_event_type="Lock", lock_mode="RowShareLock")
    other = session(3, leader_pid=77)
    (found, alone) = folded([leader, helper, other])
    assert (found.pid, found.workers, found.blocked_by, found.lock_mode) == (1, 1, (9,), "RowShareLock")
    assert (alone.pid, alone.workers) == (3, 0)
