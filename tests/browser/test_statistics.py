"""Why a table grew, and an index that nobody needs: from the list to the cause and the remedy, in real Chromium."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import delete, select

from dashboard.changes.record import record
from dashboard.findings.record import keep
from dashboard.findings.rules import Finding, Remedy
from dashboard.store import db
from dashboard.tables.models import TableReading, TableSample, TableState
from dashboard.targets.queries import target_by_slug

MB = 1024 * 1024
MIGRATION = "Revision 0007 add cart payload was applied"
DUPLICATE = Finding(
    key="duplicate_index:public.reviews_twice",
    rule="duplicate_index",
    level="warning",
    subject="public.reviews",
    title="reviews_twice does the same as reviews_product",
    why="Both are b-trees on (product_id).",
    remedy=Remedy(
        ("DROP INDEX CONCURRENTLY IF EXISTS public.reviews_twice",),
        ("CREATE INDEX CONCURRENTLY reviews_twice ON public.reviews (product_id)",),
        in_transaction=False,
    ),
    bytes=16 * MB,
)


@pytest.fixture
def cloned_store(shop_store: Flask) -> Flask:
    """The shop, in which the carts grew by 60 MB three hours ago, just after a migration."""
    with shop_store.app_context():
        target_id, now = target_by_slug("shop").id, datetime.now(UTC).replace(second=0, microsecond=0)
        carts = db.session.scalars(select(TableState).where(TableState.name == "carts")).one()
        begin, jump = now - timedelta(hours=25), now - timedelta(hours=3)
        carts.first_seen_at, carts.resized_at, carts.growth_24h_bytes = begin, jump, 60 * MB
        db.session.add_all(
            TableReading(target_id=target_id, slot=jump - n * timedelta(minutes=5), tables=13) for n in range(12)
        )
        db.session.execute(delete(TableSample).where(TableSample.oid == carts.oid))
        for slot, heap_bytes in ((begin, 4 * MB), (jump, 64 * MB)):
            sizes = {"heap_bytes": heap_bytes, "toast_bytes": 0, "index_bytes": MB}
            db.session.add(TableSample(target_id=target_id, oid=carts.oid, slot=slot, **sizes))
        at = jump - timedelta(minutes=4)
        record("migration", MIGRATION, subject="0007", target_id=target_id, at=at, author="ada@example.com")
        keep(target_id, "indexes", [DUPLICATE], now)
        db.session.commit()
    return shop_store


def test_why_a_table_grew_is_three_clicks_away(page: Page, eventually: Callable[..., None]) -> None:
    page.goto("/t/shop/tables")
    page.click("th a:has-text('24h')")
    page.wait_for_url("**sort=growth_24h_bytes**")
    eventually(page, "document.querySelector('tbody th').innerText.includes('carts')")
    page.click("tbody tr:first-child th a")
    jump = page.locator(".steps li").first
    expect(jump).to_contain_text("+60 MB")
    expect(jump).to_contain_text("mostly heap")
    expect(page.locator("figure.chart").first).to_contain_text(MIGRATION)
    jump.get_by_role("link", name=MIGRATION).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(MIGRATION)
    expect(page.locator("main")).to_contain_text("ada@example.com")


def test_a_duplicate_index_leads_to_its_migration_and_is_set_aside_with_a_reason(page: Page) -> None:
    page.goto("/t/shop/findings")
    page.get_by_role("link", name=DUPLICATE.title).click()
    with page.expect_download() as started:
        page.get_by_role("link", name="Download the migration").click()
    text = Path(started.value.path()).read_text()
    assert "DROP INDEX CONCURRENTLY IF EXISTS public.reviews_twice" in text
    assert "CREATE INDEX CONCURRENTLY reviews_twice" in text
    page.get_by_label("Reason").fill("the importer names it in a hint")
    page.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_role("button", name="Show it again")).to_be_visible()
    page.get_by_role("link", name="All findings").click()
    expect(page.get_by_role("link", name=DUPLICATE.title)).to_have_count(0)
    page.goto("/t/shop/findings?state=dismissed")
    expect(page.locator("tbody")).to_contain_text("the importer names it in a hint")
