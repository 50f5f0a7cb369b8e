"""Forms as a browser sends them: what is offered is taken, and what is not needed is not asked."""

import pytest
from playwright.sync_api import expect

from dashboard.flags import live
from dashboard.flags.imports import ensure_environment
from dashboard.store import db


@pytest.fixture
def places(cloned_store):
    with cloned_store.app_context():
        ensure_environment("staging")
        ensure_environment("production")
        db.session.commit()
    yield
    live.stop(cloned_store)


def test_the_choices_that_a_form_begins_with_are_taken(places, new_page):
    page = new_page("operator")
    page.goto("/configuration/new")
    page.get_by_label("Key", exact=True).fill("mail.sender")
    page.get_by_label("Value as JSON").fill('"post@shop.example"')
    page.get_by_role("checkbox", name="Staging").check()
    page.get_by_role("button", name="Save the key").click()
    expect(page.get_by_text("mail.sender is", exact=False).first).to_be_visible()
    page.goto("/flags/mail.sender")
    page.get_by_label("Description").fill("From whom mails come")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".lead")).to_have_text("From whom mails come")
    page.goto("/flags/playground")
    page.get_by_role("button", name="Evaluate").click()
    expect(page.get_by_role("group", name="All flags")).to_contain_text("mail.sender")
