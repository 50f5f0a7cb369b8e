"""From the slowest query of the last hour to its plan, in real Chromium."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watched

SELF_JOIN = re.compile(r"select count\(\*\) from orders as a, orders as b")


@pytest.fixture
def cloned_store(shop_store: Flask) -> Flask:
    """Every journey of this file begins with the shop."""
    return shop_store


def plans_of_the_slowest(page: Page) -> None:
    page.goto("/t/shop/queries?window=1h")
    page.locator("main tbody tr").first.get_by_role("link").first.click()
    page.wait_for_url("**/queries/*")
    expect(page.locator("#plans")).to_contain_text("Explain now")


def test_the_slowest_query_of_the_last_hour_has_its_plan_on_its_page(
    page: Page, axe: Callable[[Page], list[str]]
) -> None:
    plans_of_the_slowest(page)
    expect(page.locator("main")).to_contain_text(SELF_JOIN)
    tree = page.locator("#plans table.plan")
    expect(tree).to_contain_text("Nested Loop")
    expect(tree).to_contain_text("Seq Scan on public.orders")
    assert axe(page) == []


def test_an_operator_runs_it_once_after_a_confirmation_and_reads_where_the_time_went(
    new_page: Any, watched: Watched, axe: Callable[[Page], list[str]]
) -> None:
    watched.expected = ("422",)
    page = new_page("operator")
    plans_of_the_slowest(page)
    page.click("#plans summary:has-text('run it once')")
    page.click("button:has-text('Run and measure')")
    expect(page.locator("#notices")).to_contain_text("Confirm that the statement is to be run")
    page.check("input[name=confirmed]")
    page.click("button:has-text('Run and measure')")
    page.wait_for_url("**/plans/*", timeout=20_000)
    expect(page.get_by_text("rolled back")).to_be_visible()
    expect(page.locator("table.plan tbody tr").first).to_contain_text("Aggregate")
    assert axe(page) == []


def test_a_viewer_reads_on_a_phone_in_the_dark_and_is_told_who_may_ask(
    new_page: Any, axe: Callable[[Page], list[str]]
) -> None:
    page = new_page("viewer", width=390, theme="dark")
    plans_of_the_slowest(page)
    expect(page.get_by_role("button", name="Explain now")).to_be_disabled()
    expect(page.locator("#plans")).to_contain_text("Asking takes the role operator.")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert axe(page) == []
