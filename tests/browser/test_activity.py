"""An operator finds who holds the shop up, and ends it, in real Chromium."""

import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask
from playwright.sync_api import expect
from sqlalchemy import select

from dashboard.changes.models import Change
from dashboard.embedded import Server
from dashboard.store import db
from dashboard.targets.models import TargetLogin
from dashboard.targets.queries import target_by_slug
from dashboard.targets.secrets import seal
from tests.browser.shop import DATABASE
from tests.people import SECRET_KEY

Sessions = Callable[[str], psycopg.Connection]
STEERS, SHOPS, PASSWORD = "journeys_steer", "journeys_shopper", "a password of journeys"


@pytest.fixture
def cloned_store(shop_store: Flask, server: Server) -> Iterator[Flask]:
    """The shop, in production, with a role that steers."""
    with server.connect(DATABASE) as connection:
        connection.execute(f"create role {STEERS} login password '{PASSWORD}'".encode())
        connection.execute(f"grant pg_signal_backend, pg_read_all_stats to {STEERS}".encode())
        connection.execute(f"create role {SHOPS} login password '{PASSWORD}'".encode())
        connection.execute(f"grant all on carts to {SHOPS}".encode())
    with shop_store.app_context():
        login = TargetLogin(target_id=target_by_slug("shop").id, purpose="steer", username=STEERS)
        db.session.add(login)
        db.session.flush()
        login.sealed_password = seal(PASSWORD, SECRET_KEY, login_id=login.id, purpose="steer")
        db.session.commit()
    yield shop_store
    shop_store.extensions["pilothouse_target_pools"].close()
    with server.connect(DATABASE) as connection:
        connection.execute(f"drop owned by {STEERS}, {SHOPS}".encode())
        connection.execute(f"drop role {STEERS}, {SHOPS}".encode())


@pytest.fixture
def sessions(cloned_store: Flask, server: Server) -> Iterator[Sessions]:
    with contextlib.ExitStack() as stack:

        def opened(name: str) -> psycopg.Connection:
            url = server.url(DATABASE).replace("+psycopg", "")
            connection = psycopg.connect(url, user=SHOPS, password=PASSWORD, application_name=name)
            stack.callback(connection.close)
            return connection

        yield opened


def cancelled(connection: psycopg.Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute(statement.encode())


def cancels(app: Flask) -> list[str]:
    """The processes that the change lane says a statement of was cancelled in."""
    with app.app_context():
        titles = db.session.scalars(select(Change.title).where(Change.kind == "session")).all()
    return [re.sub(r".*\(process (\d+)\) was cancelled", r"\1", title) for title in titles]


def test_an_operator_ends_the_session_that_holds_up_the_others(
    new_page: Any, sessions: Sessions, cloned_store: Flask, axe: Any
) -> None:
    holder, waiter = sessions("nightly-job"), sessions("checkout")
    holder.execute("lock table carts in access exclusive mode")
    waiting = threading.Thread(target=waiter.execute, args=("select count(*) from carts",))
    waiting.start()
    page = new_page("operator")
    page.goto("/t/shop/activity")
    blocked = page.locator("#blocked")
    expect(blocked).to_contain_text("holds up 1")
    expect(page.locator("#locks")).to_contain_text("public.carts")
    assert axe(page) == []
    blocked.get_by_role("link", name=str(holder.info.backend_pid), exact=True).click()
    expect(page.locator("#held-up")).to_contain_text("checkout")
    page.get_by_role("button", name="End the session …").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("nightly-job")
    assert axe(page) == []
    dialog.get_by_label("Reason").fill("it holds the shop up")
    page.wait_for_timeout(2_500)
    expect(dialog.get_by_label("Reason")).to_have_value("it holds the shop up")
    dialog.get_by_label(f"Type {holder.info.backend_pid} to confirm").fill(str(holder.info.backend_pid))
    dialog.get_by_role("button", name="End the session").click()
    expect(page.locator("#notices")).to_contain_text("It was stopped.")
    waiting.join(5)
    assert not waiting.is_alive()
    with cloned_store.app_context():
        titles = db.session.scalars(select(Change.title).where(Change.kind == "session")).all()
    assert titles == [f"The session of nightly-job (process {holder.info.backend_pid}) was ended"]


def test_an_operator_cancels_the_statement_that_holds_up_another(
    new_page: Any, sessions: Sessions, cloned_store: Flask
) -> None:
    holder, waiter = sessions("nightly-report"), sessions("checkout")
    holder.execute("lock table carts in access exclusive mode")
    running = threading.Thread(target=cancelled, args=(holder, "select pg_sleep(30)"))
    waiting = threading.Thread(target=waiter.execute, args=("select count(*) from carts",))
    running.start(), waiting.start()
    page, pid = new_page("operator"), str(holder.info.backend_pid)
    page.goto("/t/shop/activity")
    page.locator("#blocked").get_by_role("link", name=pid, exact=True).click()
    expect(page.locator("#held-up")).to_contain_text("checkout")
    page.get_by_role("button", name="Cancel the statement …").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("pg_sleep")
    dialog.get_by_label("Reason").fill("the checkout waits for it")
    dialog.get_by_label(f"Type {pid} to confirm").fill(pid)
    dialog.get_by_role("button", name="Cancel the statement").click()
    expect(page.locator("#notices")).to_contain_text("It was stopped.")
    waiting.join(5), running.join(5)
    assert (waiting.is_alive(), holder.closed, cancels(cloned_store)) == (False, False, [pid])


def test_the_page_follows_while_it_is_looked_at_and_rests_when_paused(new_page: Any, sessions: Sessions) -> None:
    page = new_page("viewer")
    page.goto("/t/shop/activity")
    sessions("newcomer").execute("select 1")
    expect(page.locator("#sessions")).to_contain_text("newcomer")
    page.click("[data-live-pause]")
    sessions("unseen").execute("select 1")
    page.wait_for_timeout(2_500)
    expect(page.locator("#sessions")).not_to_contain_text("unseen")
    page.click("[data-live-pause]")
    expect(page.locator("#sessions")).to_contain_text("unseen")
