"""Pages that name what a database holds, hostile names too: axe, the policy and the width of a phone are content."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from dashboard.flags.models import Flag
from dashboard.jobs import COLLECTORS
from dashboard.store import db
from dashboard.targets.run import collect_target
from tests.browser.conftest import dark_phone

HOSTILE = (Path(__file__).parent.parent / "hostile.sql").read_text("utf-8")
PAGES = (
    "/", "/flags", "/changes", "/alerts", "/palette?q=a", "/nothing/here", "/t/shop/", "/t/shop/schema",
    "/t/shop/schema/diagram", "/t/shop/tables", "/t/shop/indexes", "/t/shop/queries", "/t/shop/activity",
    "/t/shop/migrations",
)  # fmt: skip
NO_OVERFLOW = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
FIRST_LINKS = "[...new Set([...document.querySelectorAll('main tbody tr a')].map((a) => a.pathname))].slice(0, 2)"


@pytest.fixture
def full(live_server: Any, target_db: Any, watch: Callable[..., int]) -> Any:
    """The site with one collected target and one flag."""
    target_db.execute(HOSTILE)
    target_id = watch(live_server.app, target_db)
    with live_server.app.app_context():
        db.session.add(Flag(key="checkout.v2", type="boolean", created_by="alice@example.com"))
        db.session.commit()
        minute = datetime.now(UTC).replace(second=0, microsecond=0)
        for ago in (2, 1):
            collect_target(target_id, minute - timedelta(minutes=ago), COLLECTORS, by_hand=True)
        db.session.commit()
    yield live_server
    live_server.app.extensions["pilothouse_target_pools"].close()


def visited(page: Page) -> list[str]:
    """These pages, and the first two that the lists of a target link to."""
    found = list(PAGES)
    for path in ("/t/shop/schema", "/t/shop/tables", "/t/shop/queries"):
        page.goto(path)
        found += [link for link in page.evaluate(FIRST_LINKS) if link not in found]
    return found


def test_axe_and_the_policy_find_nothing_on_any_page_and_none_scrolls_sideways_on_a_phone(
    full: Any, page: Page, watched: Any, axe: Callable[[Page], list[str]]
) -> None:
    watched.expected = ("404",)
    found = {}
    for path in visited(page):
        page.goto(path)
        light = axe(page)
        with dark_phone(page):
            found[path] = (light, axe(page), page.evaluate(NO_OVERFLOW))
    assert {path: one for path, one in found.items() if one != ([], [], True)} == {}
