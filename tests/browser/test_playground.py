"""The playground in real Chromium: typed, asked, explained, compared; readable and accessible."""

import os

import pytest
from playwright.sync_api import expect
from sqlalchemy import func

from dashboard.flags import edits, live
from dashboard.flags.imports import ensure_environment
from dashboard.flags.recent_models import RecentContext
from dashboard.flags.rules import Definition
from dashboard.store import db

RULE = {
    "if": [
        {"and": [{"==": [{"var": "plan"}, "pro"]}, {"in": [{"var": "country"}, ["de", "at"]]}]},
        {"fractional": [{"cat": ["seed", {"var": "targetingKey"}]}, ["on", 25], ["off", 75]]},
        {"ends_with": [{"var": "email"}, "@shop.example"]},
        "on",
        "off",
    ]
}


@pytest.fixture
def targeted(cloned_store):
    with cloned_store.app_context():
        flag = edits.create_flag("checkout", "boolean")
        for slug, rule in (("staging", RULE), ("production", None)):
            definition = Definition(True, {"on": True, "off": False}, "off", rule)
            edits.set_in_environment(flag, ensure_environment(slug), definition, version=0)
        db.session.commit()
    yield
    live.stop(cloned_store)


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_a_viewer_asks_what_somebody_gets_and_who_moves(targeted, new_page, axe, width, theme):
    page = new_page("viewer", width=width, theme=theme)
    page.goto("/flags/playground?environment=staging&flag=checkout")
    page.fill("#context", '{"targetingKey": "u", "plan": "pro", "country": "de"}')
    page.select_option("#other", "production")
    page.click("button:has-text('Evaluate')")
    expect(page.locator("#result")).to_contain_text("Rule 1 decided: its condition holds. Bucket")
    expect(page.locator("#comparison")).to_contain_text("get something else here")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert axe(page) == []
    if folder := os.environ.get("PLAYGROUND_SHOTS"):
        page.screenshot(path=f"{folder}/{width}.png", full_page=True)


def test_an_operator_takes_over_what_an_application_sent(targeted, cloned_store, new_page, axe):
    with cloned_store.app_context():
        place = ensure_environment("staging")
        place.keeps_contexts = True
        sent = '{"targetingKey": "zoe", "email": "zoe@shop.example"}'
        db.session.add(RecentContext(environment_id=place.id, digest="1", context=sent, seen_at=func.now()))
        db.session.commit()
    page = new_page("operator", width=390, theme="light")
    page.goto("/flags/playground?environment=staging&flag=checkout")
    page.select_option("#other", "production")
    page.locator("#recent summary").click()
    assert axe(page) == []
    page.click("button[aria-label='Use the context of zoe']")
    expect(page.locator("#context")).to_have_value(sent)
    expect(page.locator("#comparison")).to_contain_text("1 of 1 whom applications asked for lately")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
