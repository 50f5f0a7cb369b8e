"""What an operator does in a day, in real Chromium on a store that has watched a shop."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from dashboard.flags.models import Flag, FlagSetting
from dashboard.store import db
from dashboard.targets.models import Environment
from tests.browser.conftest import Site, Watched
from tests.browser.shop import EMAIL, PASSWORD, SLOWEST

Wait = Callable[..., None]
BACKGROUND = "getComputedStyle(document.documentElement).backgroundColor"
FOCUSED = "document.activeElement.id"


@pytest.fixture
def cloned_store(shop_store: Flask) -> Flask:
    """Every journey of this file begins with the shop."""
    return shop_store


@pytest.fixture
def stored(cloned_store: Flask) -> Callable[[str, str], tuple[bool, int]]:
    """Whether a flag is on in an environment, and at which version."""

    def read(key: str, environment: str) -> tuple[bool, int]:
        wanted = select(FlagSetting.enabled, FlagSetting.version).join(Flag).join(Environment)
        with cloned_store.app_context():
            enabled, version = db.session.execute(wanted.where(Flag.key == key, Environment.slug == environment)).one()
        return enabled, version

    return read


def sign_in(page: Page, password: str) -> None:
    page.fill("input[name=email]", EMAIL)
    page.fill("input[name=password]", password)
    page.click("button:has-text('Sign in')")


def test_a_wrong_password_is_refused_and_the_right_one_leads_to_where_one_wanted_to_go(
    new_page: Any, live_server: Site, watched: Watched
) -> None:
    watched.expected = ("401",)
    page = new_page(None)
    page.goto("/flags")
    sign_in(page, "not the password at all")
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.input_value("input[name=email]") == EMAIL
    sign_in(page, PASSWORD)
    expect(page).to_have_url(live_server.path("/flags"))
    expect(page.get_by_role("heading", name="Flags", exact=True)).to_be_visible()


def test_signing_out_ends_the_session_and_back_shows_the_sign_in_page(new_page: Any) -> None:
    page = new_page(None)
    page.goto("/login?next=/flags")
    sign_in(page, PASSWORD)
    page.wait_for_url("**/flags")
    page.click(".account")
    page.click("button:has-text('Sign out')")
    page.wait_for_url("**/login")
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in to Pilothouse")).to_be_visible()


def test_outside_production_a_flag_turns_with_one_click_and_back_with_undo(page: Page, stored: Any) -> None:
    page.goto("/flags")
    row = page.locator("tr", has_text="fast-checkout")
    page.click("button[aria-label='Turn off fast-checkout in Development']")
    expect(row.get_by_role("button", name="Turn on fast-checkout in Development")).to_be_visible()
    assert stored("fast-checkout", "development") == (False, 2)
    page.click("#toasts button:has-text('Undo')")
    expect(row.get_by_role("button", name="Turn off fast-checkout in Development")).to_be_visible()
    assert stored("fast-checkout", "development") == (True, 3)
    assert page.url.endswith("/flags")


def test_production_shows_the_difference_and_asks_for_a_reason_and_the_key(
    page: Page, stored: Any, watched: Watched
) -> None:
    watched.expected = ("422",)
    page.goto("/flags")
    page.click("a[aria-label='Turn off fast-checkout in Production']")
    page.wait_for_url("**/confirm?*")
    assert page.locator("main tbody tr").all_inner_texts() == ["state\ton\toff"]
    page.fill("input[name=reason]", "payments fail since noon")
    page.fill("input[name=typed_key]", "fast")
    page.click("button:has-text('Turn off in Production')")
    expect(page.locator("input[name=typed_key]")).to_have_attribute("aria-invalid", "true")
    assert stored("fast-checkout", "production") == (True, 1)
    page.fill("input[name=typed_key]", "fast-checkout")
    page.click("button:has-text('Turn off in Production')")
    page.wait_for_url("**/flags/fast-checkout")
    expect(page.locator("main")).to_contain_text("payments fail since noon")
    assert stored("fast-checkout", "production") == (False, 2)


def changed_in_two_tabs(page: Page) -> Page:
    """The first tab has served the other variant; the second one still shows the flag as it was."""
    second = page.context.new_page()
    for tab in (page, second):
        tab.goto("/flags/theme-of-the-shop/in/development")
    page.check("input[name=default][value='1']")
    page.click("button:has-text('Save in Development')")
    page.wait_for_url("**/flags/theme-of-the-shop")
    return second


def test_two_tabs_that_change_different_fields_both_succeed(page: Page, stored: Any) -> None:
    second = changed_in_two_tabs(page)
    second.select_option("select[name=enabled]", "off")
    second.click("button:has-text('Save in Development')")
    second.wait_for_url("**/flags/theme-of-the-shop**")
    assert stored("theme-of-the-shop", "development") == (False, 3)


def test_of_two_tabs_on_one_field_the_second_gets_both_values_and_nothing_is_lost(
    page: Page, stored: Any, watched: Watched
) -> None:
    watched.expected = ("409",)
    second = changed_in_two_tabs(page)
    second.check("input[name=default][value=none]")
    second.click("button:has-text('Save in Development')")
    expect(second.get_by_role("heading", name="theme-of-the-shop was changed meanwhile")).to_be_visible()
    expect(second.locator("main table")).to_contain_text("festive")
    assert stored("theme-of-the-shop", "development") == (True, 2)


def test_a_second_tab_that_clicks_the_same_button_is_told_that_it_is_done(
    page: Page, stored: Any, watched: Watched
) -> None:
    watched.expected = ("409",)
    second = page.context.new_page()
    for tab in (page, second):
        tab.goto("/flags")
    page.click("button[aria-label='Turn off fast-checkout in Staging']")
    expect(page.get_by_role("button", name="Turn on fast-checkout in Staging")).to_be_visible()
    second.click("button[aria-label='Turn off fast-checkout in Staging']")
    expect(second.locator("main")).to_contain_text("What you wanted is there already")
    assert stored("fast-checkout", "staging") == (False, 2)


def test_a_double_click_changes_once(page: Page, stored: Any) -> None:
    page.goto("/flags")
    page.dblclick("button[aria-label='Turn off fast-checkout in Staging']")
    expect(page.get_by_role("button", name="Turn on fast-checkout in Staging")).to_be_visible()
    page.wait_for_timeout(300)
    assert stored("fast-checkout", "staging") == (False, 2)


def test_tables_are_sorted_and_filtered_while_the_search_keeps_the_focus(page: Page, eventually: Wait) -> None:
    page.goto("/t/shop/tables")
    page.click("th a:has-text('Rows')")
    page.wait_for_url("**sort=row_estimate**")
    eventually(page, "document.querySelector('tbody th').innerText.includes('order_items')")
    page.click("#search")
    page.keyboard.type("order", delay=30)
    page.wait_for_url("**q=order**")
    eventually(page, "document.querySelectorAll('tbody tr').length === 2")
    assert page.evaluate(f"[{FOCUSED}, document.activeElement.value]") == ["search", "order"]
    assert "sort=row_estimate" in page.url
    page.go_back()
    eventually(page, "document.querySelectorAll('tbody tr').length === 13")
    assert page.input_value("#search") == ""


def test_the_slowest_query_is_the_first_and_opens(page: Page) -> None:
    page.goto("/t/shop/queries?window=1h")
    page.click("tbody tr:first-child a")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Query")
    assert page.inner_text("pre.code").lower().split() == SLOWEST.replace("400", "$1").split()
    expect(page.locator("figure.chart").first).to_be_visible()


def test_the_theme_comes_from_the_server_and_survives_a_reload(page: Page) -> None:
    page.goto("/t/shop/")
    light = page.evaluate(BACKGROUND)
    page.click(".account")
    page.click("button[name=theme][value=dark]")
    page.wait_for_load_state()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    assert page.evaluate(BACKGROUND) != light
    answer = page.context.request.get(page.url)
    assert '<html lang="en" data-theme="dark"' in answer.text()


def test_the_keyboard_finds_a_table_and_opens_it(page: Page, eventually: Wait) -> None:
    page.goto("/t/shop/tables")
    page.keyboard.press("?")
    assert page.is_visible("#keys")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    assert page.evaluate(FOCUSED) == "search"
    page.keyboard.press("Control+k")
    page.keyboard.type("reviews")
    eventually(page, "document.querySelector('.hit')?.innerText.includes('reviews')")
    page.keyboard.press("Enter")
    page.wait_for_url("**/t/shop/**reviews**")
    expect(page.get_by_role("heading", level=1)).to_contain_text("reviews")


def test_tab_goes_from_the_skip_link_to_the_navigation(page: Page) -> None:
    page.goto("/t/shop/tables")
    seen = []
    for _ in range(3):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.innerText.trim()"))
    assert seen == ["Skip to the content", "Pilothouse", "Overview"]


def test_live_activity_refreshes_without_taking_the_focus(page: Page) -> None:
    page.goto("/t/shop/activity")
    with page.expect_response("**/activity**", timeout=8_000):
        page.focus("main [data-live-pause]")
        before = page.evaluate("document.activeElement.className")
    page.wait_for_timeout(200)
    assert page.evaluate("document.activeElement.matches('[data-live-pause]')")
    assert page.evaluate("document.activeElement.className") == before


def test_a_phone_goes_from_page_to_page_by_the_menu(new_page: Any) -> None:
    page = new_page("viewer", width=390)
    page.goto("/t/shop/server")
    expect(page.locator(".tabs [aria-current]")).to_be_in_viewport(ratio=1)
    page.click("[aria-label=Menu]")
    page.click("#nav a[href='/flags']")
    page.wait_for_url("**/flags")
    assert not page.is_visible("#nav")
    locked = page.get_by_role("button", name="Turning fast-checkout in Development takes the role operator")
    expect(locked.first).to_be_disabled()
