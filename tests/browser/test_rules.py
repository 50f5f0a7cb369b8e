"""The form of rules in real Chromium: a rollout grows, a flag comes to need another one; readable and accessible."""

import os

import pytest
from playwright.sync_api import expect

from dashboard.flags import edits, live, segments
from dashboard.flags.imports import ensure_environment
from dashboard.flags.rules import Definition
from dashboard.store import db

ON_OFF = {"on": True, "off": False}
RULE = {
    "if": [
        {"and": ["rule-1", {"in": [{"var": "country"}, ["de", "at"]]}, {"$ref": "beta"}]},
        "on",
        {"and": ["rule-2", {"sem_ver": [{"var": "version"}, ">=", "2.0.0"]}]},
        {"fractional": [{"cat": ["checkout", {"var": "targetingKey"}]}, ["on", 10], ["off", 90]]},
        "off",
    ]
}
BROKEN = 'input[name="rule-1.attribute"]'


@pytest.fixture
def shop(cloned_store):
    """`checkout` needs `payments` in staging."""
    with cloned_store.app_context():
        place = ensure_environment("staging")
        segments.save(place, "beta", "", {"ends_with": [{"var": "email"}, "@shop.example"]}, version=0)
        for key, rule, needs in (("payments", None, {}), ("checkout", RULE, {"payments": ["on"]})):
            definition = Definition(True, ON_OFF, "off", rule, {}, needs, "off" if needs else None)
            edits.set_in_environment(edits.create_flag(key, "boolean"), place, definition, version=0)
        edits.create_flag("empty", "string")
        db.session.commit()
    yield
    live.stop(cloned_store)


def shot(page, name):
    if folder := os.environ.get("RULES_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_a_rollout_grows_and_who_would_move_is_said_before(shop, new_page):
    page = new_page("operator")
    page.goto("/flags/checkout/in/staging")
    share = page.get_by_role("spinbutton").or_(page.locator('input[name="rule-2.share"]'))
    share.first.fill("25")
    share.last.fill("75")
    page.get_by_role("button", name="Preview who would move").click()
    expect(page.locator("#moves")).to_contain_text("Of those who meet rule 2, 15 % move from off to on.")
    page.get_by_role("button", name="Save in Staging").click()
    expect(page.get_by_role("heading", name="checkout", exact=True)).to_be_visible()
    page.goto("/flags/checkout/in/staging")
    assert [box.input_value() for box in page.locator('input[name="rule-2.share"]').all()] == ["25", "75"]


def test_a_prerequisite_is_added_and_a_circle_is_refused(shop, new_page, watched):
    watched.expected = ("422",)
    page = new_page("operator")
    page.goto("/flags/payments/in/staging")
    expect(page.get_by_text("1 flag needs this one")).to_be_visible()
    page.get_by_label("Key of a flag that is needed").fill("checkout")
    page.get_by_role("button", name="Add a prerequisite").click()
    page.locator('input[name="needs:checkout"]').first.check()
    page.get_by_role("button", name="Save in Staging").click()
    refused = "This closes a circle: payments, which needs checkout, which needs payments."
    expect(page.locator("#prerequisites")).to_contain_text(refused)
    page.get_by_role("button", name="Remove the prerequisite checkout").click()
    expect(page.locator('input[name="needs:checkout"]')).to_have_count(0)
    page.get_by_role("button", name="Save in Staging").click()
    expect(page.get_by_role("heading", name="payments", exact=True)).to_be_visible()


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")])
def test_the_form_is_readable_full_empty_and_broken(shop, new_page, axe, watched, width, theme):
    watched.expected = ("422",)
    page = new_page("operator", width=width, theme=theme)
    for name, address in (("full", "checkout/in/staging"), ("empty", "empty/in/staging"), ("card", "checkout")):
        page.goto(f"/flags/{address}")
        shot(page, f"{name}-{width}-{theme}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert axe(page) == []
    page.goto("/flags/checkout/in/staging")
    page.locator(BROKEN).first.fill("")
    page.locator('input[name="rule-2.share"]').first.fill("200")
    page.locator('input[name="needs:payments"][checked]').uncheck()
    page.get_by_role("button", name="Save in Staging").click()
    expect(page.locator("#rule-1")).to_contain_text("Name the attribute")
    shot(page, f"broken-{width}-{theme}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert axe(page) == []
