"""The frame of every page: themes, keys, palette, live refresh, width, and nothing for axe or the policy to say."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

WIDTH_LEFT = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
BACKGROUND = "getComputedStyle(document.documentElement).backgroundColor"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_the_style_guide(new_page: Any, axe: Callable[[Page], list[str]], theme: str) -> None:
    page = new_page("viewer", theme=theme)
    page.goto("/styleguide")
    assert axe(page) == []
    page.click("text=Open a dialog")
    assert axe(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_the_sign_in_page(new_page: Any, axe: Callable[[Page], list[str]], theme: str) -> None:
    page = new_page(None, theme=theme)
    page.goto("/login")
    assert axe(page) == []


@pytest.mark.parametrize("width", [320, 390, 1440])
def test_the_page_never_scrolls_sideways(new_page: Any, width: int) -> None:
    page = new_page("viewer", width=width)
    page.goto("/styleguide")
    assert page.evaluate(WIDTH_LEFT)


def test_the_theme_is_chosen_in_the_account_menu_and_stays(page: Page) -> None:
    page.goto("/styleguide")
    light = page.evaluate(BACKGROUND)
    page.click(".account")
    page.click("button[name=theme][value=dark]")
    page.wait_for_url("**/styleguide")
    assert page.get_attribute("html", "data-theme") == "dark"
    assert page.evaluate(BACKGROUND) != light


def test_slash_reaches_the_search_and_a_question_mark_the_sheet(page: Page) -> None:
    page.goto("/styleguide")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    assert page.is_visible("#keys")
    page.keyboard.press("Escape")
    assert not page.is_visible("#keys")


def test_single_keys_can_be_switched_off(page: Page) -> None:
    page.goto("/styleguide")
    page.click(".account")
    page.click("button[name=shortcuts][value=off]")
    page.wait_for_url("**/styleguide")
    page.keyboard.press("?")
    assert not page.is_visible("#keys")


def test_the_palette_finds_a_page_and_goes_there(page: Page, eventually: Callable[..., None]) -> None:
    page.goto("/styleguide")
    page.keyboard.press("Control+k")
    page.keyboard.type("key")
    eventually(page, "[...document.querySelectorAll('.hit')].length === 1")
    page.keyboard.press("Enter")
    page.wait_for_url("**/settings/keys")


def test_g_and_a_letter_jump(page: Page) -> None:
    page.goto("/styleguide")
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.wait_for_url("**/changes")


def test_typing_keeps_the_focus_and_changes_the_address(page: Page, eventually: Callable[..., None]) -> None:
    page.goto("/styleguide")
    page.click("#search")
    page.keyboard.type("orders", delay=20)
    page.wait_for_url("**q=orders**")
    assert page.evaluate("[document.activeElement.id, document.activeElement.value]") == ["search", "orders"]
    page.go_back()
    eventually(page, "document.getElementById('search').value === ''")
    assert page.url.endswith("/styleguide")


def test_sorting_morphs_the_page_without_loading_it(page: Page, eventually: Callable[..., None]) -> None:
    page.goto("/styleguide")
    page.evaluate("window.same = true")
    page.click("th a:has-text('Rows')")
    page.wait_for_url("**sort=rows**")
    eventually(page, "document.querySelector('th[aria-sort]').textContent === 'Rows'")
    assert page.evaluate("window.same")


def test_a_live_refresh_leaves_an_open_menu_alone_and_an_unchanged_page_untouched(page: Page) -> None:
    page.goto("/styleguide")
    refresh = "htmx.trigger(document.getElementById('live'), 'refresh')"
    with page.expect_response("**/styleguide") as first:
        page.evaluate(refresh)
    assert first.value.headers["hx-ptag"]
    page.click("main [data-menu] summary >> nth=0")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(refresh)
    page.wait_for_timeout(300)
    assert asked == []


def test_a_phone_opens_the_navigation_with_a_button(new_page: Any) -> None:
    page = new_page("viewer", width=390)
    page.goto("/styleguide")
    assert not page.is_visible("#nav")
    page.click("[aria-label=Menu]")
    assert page.is_visible("#nav a[href='/flags']")
    page.keyboard.press("Escape")
    assert not page.is_visible("#nav")


def test_the_first_tab_stop_skips_to_the_content(page: Page) -> None:
    page.goto("/styleguide")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_an_injected_button_without_the_nonce_is_inert(page: Page, watched: Any) -> None:
    watched.expected = ("hx-csp",)
    page.goto("/styleguide")
    page.evaluate(
        """() => {
            const button = document.createElement("button");
            button.id = "injected";
            button.setAttribute("hx-post", "/preferences");
            document.body.append(button);
            htmx.process(button);
        }"""
    )
    assert page.get_attribute("#injected", "hx-post") is None


def test_an_unchanged_refresh_is_304_and_the_refresh_goes_on(page: Page) -> None:
    page.goto("/styleguide")
    statuses = []
    for _ in range(4):
        with page.expect_response("**/styleguide") as answer:
            page.evaluate("htmx.trigger(document.getElementById('live'), 'refresh')")
        statuses.append(answer.value.status)
        page.wait_for_timeout(150)
    assert statuses[0] == 200
    assert 304 in statuses


def test_live_refresh_can_be_paused(page: Page) -> None:
    page.goto("/styleguide")
    page.click("[data-live-pause]")
    assert page.inner_text(".live-word") == "Paused"
    assert page.get_attribute("[data-live-pause]", "aria-pressed") == "true"
    page.click("[data-live-pause]")
    assert page.inner_text(".live-word") == "Live"


def test_times_are_shown_in_the_readers_own_zone_when_chosen(page: Page) -> None:
    page.goto("/styleguide")
    assert page.inner_text("time[data-when] >> nth=0").endswith(" UTC")
    page.click(".account")
    page.click("button[name=zone][value=local]")
    page.wait_for_url("**/styleguide")
    zone = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    assert page.inner_text("time[data-when] >> nth=0").endswith(f" {zone}")
