"""Findings as the judging rooms hand them in."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.findings.models import Finding as FindingRow
from dashboard.findings.record import keep
from dashboard.findings.rules import Finding, Remedy
from dashboard.store import db
from dashboard.targets.models import Target
from tests.people import Browser

LIST = "/t/shop/findings"
NOW = datetime(2026, 4, 12, 9, 0, tzinfo=UTC)
UNUSED = Finding(
    key="unused_index:public.orders_note_idx",
    rule="unused_index",
    level="warning",
    subject="public.orders_note_idx",
    title="orders_note_idx is never used",
    why="0 scans in 40 days.",
    href="/t/shop/tables/public.orders",
    since=NOW - timedelta(days=40),
    remedy=Remedy(
        up=('DROP INDEX CONCURRENTLY "public"."orders_note_idx"',),
        down=("CREATE INDEX CONCURRENTLY orders_note_idx ON public.orders USING btree (note)",),
        in_transaction=False,
    ),
    bytes=16_384,
    detail={"scans": 0},
)
Keep = Callable[..., None]


@pytest.fixture
def judged(app: Flask, target: Target) -> Keep:
    """`judged(finding, …, at=NOW, source="indexes")` is one run of a collector that found exactly these."""
    target_id = target.id

    def handed_in(*findings: Finding, at: datetime = NOW, source: str = "indexes") -> None:
        with app.app_context():
            keep(target_id, source, findings, at)
            db.session.commit()

    return handed_in


def many(count: int) -> list[Finding]:
    return [replace(UNUSED, key=f"unused_index:public.i{n}", subject=f"public.i{n}", bytes=n) for n in range(count)]


def rows(browser: Browser, query: str = "") -> list[dict[str, Any]]:
    return browser.get(f"{LIST}?format=json{query}").json["rows"]


def only(store: Session) -> FindingRow:
    store.expire_all()
    return store.scalars(select(FindingRow)).one()
