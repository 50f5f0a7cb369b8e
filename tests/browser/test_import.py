"""A file by hand in real Chromium: pasted, looked at, imported; readable and accessible when it is refused too."""

import json

import pytest
from playwright.sync_api import expect

from dashboard.flags import edits, live
from dashboard.flags.imports import ensure_environment
from dashboard.flags.rules import Definition
from dashboard.store import db

ON = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on"}
RULE = {"if": [{"nope": [1]}, "on", {"fractional": [["on", 25], ["off", 75]]}]}
FILE = json.dumps({"flags": {"checkout": ON, "fresh": ON | {"targeting": RULE}}}, indent=1)
LONG = "a-key-that-is-too-long-for-a-window" * 2
REFUSED = json.dumps({"flags": {"a": ON, LONG: {}}}, indent=1)
QUARTER = {"name": "flexibleRollout", "parameters": {"rollout": "25", "stickiness": "default", "groupId": "f"}}
UNLEASH = json.dumps({"features": [{"name": "f", "enabled": True, "strategies": [QUARTER]}]})


@pytest.fixture
def staged(cloned_store):
    with cloned_store.app_context():
        flag = edits.create_flag("checkout", "boolean")
        definition = Definition(True, {"on": True, "off": False}, "off")
        edits.set_in_environment(flag, ensure_environment("staging"), definition, version=0)
        db.session.commit()
    yield
    live.stop(cloned_store)


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_an_operator_sees_what_changes_and_imports_it(staged, new_page, axe, width, theme):
    page = new_page("operator", width=width, theme=theme)
    for text, words in (
        (REFUSED, "All or nothing"),
        (UNLEASH, "25 % stay 25 %"),
        (FILE, "Import 2 flags into Staging"),
    ):
        page.goto("/flags/import?environment=staging")
        page.fill("#text", text)
        page.click("button:has-text('Preview')")
        expect(page.locator("main")).to_contain_text(words)
        page.locator("main details").last.evaluate("one => { one.open = true }") if text is FILE else None
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert axe(page) == []
    page.click("button:has-text('Import 2 flags')")
    expect(page.locator("main")).to_contain_text("fresh")
    page.goto("/flags/import?environment=staging")
    page.fill("#text", FILE)
    page.click("button:has-text('Preview')")
    expect(page.locator("main")).to_contain_text("Everything in the file is here already")
