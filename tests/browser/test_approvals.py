"""Two people and a change that waits: asked for by one, made by the other one's approval."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from dashboard.flags.models import FlagSetting
from dashboard.store import db
from dashboard.targets.models import Environment
from tests.flags.conftest import make_flag

Axe = Callable[[Page], list[str]]


@pytest.fixture
def cloned_store(cloned_store: Flask) -> Flask:
    with cloned_store.app_context():
        make_flag()
        db.session.execute(update(Environment).where(Environment.slug == "production").values(approvals_needed=1))
        db.session.commit()
    return cloned_store


def is_on(app: Flask) -> bool:
    wanted = select(FlagSetting.enabled).join(Environment).where(Environment.slug == "production")
    with app.app_context():
        return db.session.scalars(wanted).one()


def ask(page: Page) -> None:
    page.goto("/flags/checkout")
    page.click("a[aria-label='Turn on checkout in Production']")
    expect(page.locator("main")).to_contain_text("the one other person who may approve in Production has to agree")
    page.fill("input[name=reason]", "launch at noon")
    page.click("button:has-text('Ask for approval')")
    page.wait_for_url("**/approvals/*")


def approve(page: Page) -> None:
    page.goto("/flags/checkout")
    page.click("a:has-text('See it: 0 of 1 approvals')")
    page.fill("input[name=comment]", "the shop is ready")
    page.click("button:has-text('Approve and make the change')")
    expect(page.locator("main")).to_contain_text("It was approved and made: version 2.")


def turn_off(page: Page) -> None:
    page.goto("/flags/checkout/in/production/confirm?enabled=off")
    page.fill("input[name=reason]", "payments fail")
    page.fill("input[name=typed_key]", "checkout")
    page.click("button:has-text('Turn off in Production')")
    page.wait_for_url("**/flags/checkout")


def test_one_asks_another_one_approves_and_off_in_a_hurry_is_looked_at(
    new_page: Any, cloned_store: Flask, axe: Axe
) -> None:
    asker, other = new_page("operator"), new_page("operator", width=390, theme="dark")
    ask(asker)
    expect(asker.locator("#decide")).to_contain_text("It is your own: somebody else has to approve it.")
    expect(asker.get_by_role("button", name="Approve")).to_have_count(0)
    assert not is_on(cloned_store)
    approve(other)
    assert is_on(cloned_store)
    asker.goto("/flags/checkout/history?environment=production")
    expect(asker.locator("tbody tr").first).to_contain_text("launch at noon (approved by operator-")
    turn_off(asker)
    assert not is_on(cloned_store)
    other.goto("/approvals?kind=review")
    other.click("a:has-text('checkout turned off in production')")
    assert axe(other) == []
    other.fill("input[name=comment]", "the provider was down")
    other.click("button:has-text('Mark as reviewed')")
    expect(other.locator("main")).to_contain_text("looked at it: the provider was down")
