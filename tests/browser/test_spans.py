"""Two times become the page's window: dragged on a chart, or typed."""

import re

import pytest
from flask import Flask
from playwright.sync_api import Page

PICKED = re.compile(r"from=\d{4}-\d\d-\d\dT\d\d%3A\d\dZ&to=")


@pytest.fixture
def cloned_store(shop_store: Flask) -> Flask:
    """Every journey of this file begins with the shop."""
    return shop_store


def test_a_stretch_dragged_on_a_chart_becomes_the_window(page: Page) -> None:
    page.goto("/t/shop/server?window=24h")
    chart = page.locator("[data-pick] .canvas-area").first
    box = chart.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 30, steps=4)
    page.mouse.up()
    page.wait_for_url(PICKED)
    assert "UTC" in page.inner_text(".span summary")


def test_a_click_on_a_chart_goes_nowhere(page: Page) -> None:
    page.goto("/t/shop/server?window=24h")
    page.locator("[data-pick] .canvas-area").first.click()
    assert page.url.endswith("window=24h")


def test_two_times_can_be_typed(page: Page) -> None:
    page.goto("/t/shop/server")
    page.click(".span summary")
    page.fill("input[name=from]", "2026-11-01T08:00")
    page.fill("input[name=to]", "2026-11-01T09:30")
    page.click(".span-form button")
    page.wait_for_url("**from=2026-11-01T08%3A00&to=2026-11-01T09%3A30**")
    assert page.inner_text(".span summary") == "01 Nov 08:00 \N{EN DASH} 09:30 UTC"
