"""Hostile words in real Chromium: nothing runs, nothing asks, nothing is reported."""

from typing import Any

import pytest
from flask import Flask

from tests.hostile.conftest import Hostile, hostile

__all__ = ["hostile"]
PAGES = (
    "/", "/flags", "/flags/words", "/flags/words/in/hostile", "/changes", "/alerts", "/audit", "/settings/people",
    "/settings/targets/shop", "/t/shop/", "/t/shop/schema", "/t/shop/schema/diagram", "/t/shop/tables",
    "/t/shop/indexes", "/t/shop/queries", "/t/shop/activity", "/t/shop/migrations", "/t/shop/migrations/b%3C1%3E",
    "/palette?q=alert",
)  # fmt: skip
LINKS = "[...new Set([...document.querySelectorAll('main tbody tr a')].map((a) => a.href))]"


@pytest.fixture
def cloned_store(hostile: Hostile) -> Flask:
    """The served app is the hostile one; these journeys only read."""
    return hostile.app


def test_no_dialog_opens_and_nothing_is_reported(new_page: Any) -> None:
    page, dialogs = new_page("admin"), []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    found = list(PAGES)
    for path in ("/t/shop/schema", "/t/shop/tables", "/t/shop/queries"):
        page.goto(path)
        found += [link for link in page.evaluate(LINKS) if link not in found]
    assert len(found) > 40
    assert {path: answer.status for path in found if (answer := page.goto(path)).status != 200} == {}
    assert page.evaluate("document.querySelectorAll('main img, main iframe, main script').length") == 0
    assert dialogs == []


def test_hostile_names_survive_searching_and_the_palette(page: Any, eventually: Any) -> None:
    page.goto("/t/shop/schema")
    page.click("#search")
    page.keyboard.type("<script>", delay=5)
    page.wait_for_url("**q=%3Cscript**")
    eventually(page, "document.querySelector('main').textContent.includes(\"<script>alert('table')</script>\")")
    page.keyboard.press("Control+k")
    page.keyboard.type("alert(")
    eventually(page, "[...document.querySelectorAll('.hit')].some((hit) => hit.textContent.includes('<script>'))")
