"""Every page, wide and light, then dark on a phone: nothing for axe, the policy or the console, nothing too wide."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from flask import Flask, url_for
from playwright.sync_api import Page
from sqlalchemy import func, select
from werkzeug.routing import Rule

from dashboard.alerts.models import Alert, AlertChannel
from dashboard.approvals.models import ChangeRequest
from dashboard.changes.models import Change
from dashboard.embedded import Server
from dashboard.findings.models import Finding
from dashboard.plans.models import Plan
from dashboard.store import db
from tests.browser.conftest import Site, Watched, dark_phone
from tests.browser.shop import break_target

FOR_MACHINES = ("/static/", "/flags/v1/", "/healthz", "/readyz", "/metrics")
NOT_PAGES = {"plans.document", "plans.section", "findings.migration", "flags.imports.export"}
QUERIES = {
    "flags.setting.confirm": {"enabled": "off"},
    "flags.past.revert": {"to": "1"},
    "flags.past.revert_shared": {"to": "1"},
    "flags.segments.past.revert": {"to": "1"},
    "flags.promote.one": {"from": "staging", "to": "production"},
}
MORE = (
    "/t/shop/schema/diagram?focus=public.orders",
    "/t/shop/tables?q=nothing-is-called-so",
    "/t/shop/queries?q=nothing-is-asked-so",
    "/flags?archived=1",
    "/approvals?q=nobody-asked-for-this",
    "/flags/schedules?q=nobody-planned-this",
    "/flags/theme-of-the-shop",
    "/flags/segments/production/old-friends/history",
    "/flags/theme-of-the-shop/in/production/schedule",
    "/flags/limits/in/production/schedule?what=ramp",
)
OVERHANG = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
Axe = Callable[[Page], list[str]]
LookAt = Callable[..., dict[str, list[str]]]
Looks = tuple[Callable[[Page], AbstractContextManager[None]], ...]
BOTH: Looks = (nullcontext, dark_phone)


def known(rule: Rule) -> dict[str, Any]:
    """What the store knows of the parameters of an address."""
    plan = db.session.scalars(select(Plan).order_by(Plan.id).limit(1)).one()
    firsts = {"alert": Alert, "channel": AlertChannel, "change": Change, "finding": Finding}
    first = {f"{name}_id": db.session.scalar(select(func.min(model.id))) for name, model in firsts.items()}
    values = {
        "slug": "shop" if rule.rule.startswith(("/t/", "/settings/targets/")) else "production",
        "key": "connections" if rule.rule.startswith("/alerts/") else "limits",
        "name": "beta-testers" if rule.rule.startswith("/flags/") else "work_mem",
        "address": "public.orders",
        "pid": 1,
        "born": 1,
        "revision": "9e8ab5c3d624",
        "family_id": plan.family_id,
        "plan_id": plan.id,
        "uuid": db.session.scalars(select(ChangeRequest.public_id).order_by(ChangeRequest.id).limit(1)).one(),
    } | first
    compared = {"a": plan.id, "b": plan.id} if rule.endpoint == "plans.comparison" else {}
    return {name: values[name] for name in rule.arguments} | compared


def pages(app: Flask) -> list[str]:
    """The address of every page."""
    with app.test_request_context():
        rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())]
        wanted = [rule for rule in rules if not rule.rule.startswith(FOR_MACHINES) and rule.endpoint not in NOT_PAGES]
        return sorted(url_for(rule.endpoint, **known(rule), **QUERIES.get(rule.endpoint, {})) for rule in wanted)


def pages_of(app: Flask, target: str) -> list[str]:
    """The pages of a target of which nothing is known but its name."""
    rules = [rule.rule for rule in app.url_map.iter_rules() if rule.arguments == {"slug"} and "GET" in rule.methods]
    return sorted(rule.replace("<slug>", target) for rule in rules if rule.startswith(("/t/", "/settings/targets/")))


@pytest.fixture
def problems_of(axe: Axe) -> LookAt:
    """What is wrong with each page: what axe and the policy say, how far it reaches beyond the window."""

    def seen(page: Page) -> list[str]:
        overhang = page.evaluate(OVERHANG)
        return [*axe(page), *page.evaluate("violations.splice(0)"), *([f"{overhang} px too wide"] if overhang else [])]

    def look(page: Page, addresses: list[str], status: int = 200, looks: Looks = BOTH) -> dict[str, list[str]]:
        found = {}
        for address in addresses:
            response = page.goto(address)
            answered = response.status if response else None
            problems = [] if answered == status else [f"answered with {answered}"]
            for worn in looks:
                with worn(page):
                    problems += seen(page)
            if problems:
                found[address] = problems
        return found

    return look


class TestOfAShop:
    @pytest.fixture
    def cloned_store(self, shop_store: Flask) -> Flask:
        return shop_store

    def test_every_page_is_in_order(self, page: Page, live_server: Site, problems_of: LookAt) -> None:
        assert problems_of(page, [*pages(live_server.app), *MORE]) == {}

    def test_so_is_what_is_said_of_a_page_that_is_not_there(
        self, page: Page, problems_of: LookAt, watched: Watched
    ) -> None:
        watched.expected = ("404",)
        assert problems_of(page, ["/nothing", "/t/shop/tables/public.nothing"], 404) == {}

    @pytest.mark.parametrize(("target", "worn"), [("away", nullcontext), ("poor", dark_phone)])
    def test_so_is_a_target_that_cannot_be_reached_or_read(
        self, page: Page, live_server: Site, problems_of: LookAt, server: Server, target: str, worn: Any
    ) -> None:
        app = live_server.app
        with app.app_context():
            break_target(server, target)
        assert problems_of(page, ["/", "/alerts", *pages_of(app, target)], looks=(worn,)) == {}


def test_a_store_with_nothing_in_it_is_in_order(page: Page, problems_of: LookAt) -> None:
    addresses = [
        "/",
        "/flags",
        "/flags/import",
        "/flags/schedules",
        "/approvals",
        "/changes",
        "/alerts",
        "/settings/targets",
        "/settings/keys",
        "/settings/environments",
    ]
    assert problems_of(page, addresses) == {}
