"""The first page and a target's summary: full, empty, unreachable, asked as page, fragment, JSON and CSV."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from dashboard.changes.models import Change
from dashboard.findings.models import Finding
from dashboard.server.models import DatabaseSample, DatabaseState
from dashboard.targets.models import Target

NOW = datetime.now(UTC).replace(second=0, microsecond=0)


@pytest.fixture
def collected(store: Session, target: Target) -> Target:
    """Ten minutes of samples: 600 commits a minute, nine in ten blocks found in memory."""
    for minute in range(10):
        store.add(
            DatabaseSample(
                target_id=target.id, slot=NOW - timedelta(minutes=10 - minute), size_bytes=10_000_000,
                connections=7, connections_max=100, commits=600 * minute, rollbacks=0,
                blocks_hit=900 * minute, blocks_read=100 * minute,
            )
        )  # fmt: skip
    store.add(
        DatabaseState(
            target_id=target.id, slot=NOW, size_bytes=10_000_000, growth_24h_bytes=None, connections=7,
            connections_max=100, cache_hit_share=0.9, commits_per_s=10.0, detail={},
        )
    )  # fmt: skip
    store.commit()
    return target


def test_every_target_is_a_row_with_its_raw_numbers(as_viewer: Any, collected: Target) -> None:
    (row,) = as_viewer.get("/?format=json").json["rows"]
    assert (row["slug"], row["size_bytes"], row["connections"]) == (collected.slug, 10_000_000, 7)
    assert row["growth_24h_bytes"] is None
    assert row["cache_hit_share"] == 0.9


def test_open_findings_are_counted_beside_the_target(as_viewer: Any, store: Session, collected: Target) -> None:
    for number, level in enumerate(("critical", "critical", "warning")):
        store.add(
            Finding(
                target_id=collected.id, source="indexes", key=str(number), rule="unused", subject=f"i{number}",
                level=level, title="An index", why="Nobody used it.", up=[], down=[], in_transaction=False,
                detail={}, version=1, first_seen_at=NOW, opened_at=NOW,
            )
        )  # fmt: skip
    assert "2 critical" in as_viewer.get("/").text
    assert "2 critical, 1 warning" in as_viewer.get(f"/t/{collected.slug}/").text
    store.execute(update(Finding).values(level="info"))
    store.commit()
    assert "3 info" in as_viewer.get("/").text


def test_what_is_unknown_says_why(as_viewer: Any, collected: Target) -> None:
    page = as_viewer.get("/").text
    assert "needs samples that are 24 hours apart" in page


def test_the_same_rows_leave_as_csv(as_viewer: Any, collected: Target) -> None:
    header, row, _ = as_viewer.get("/?format=csv").text.split("\r\n")
    assert header.startswith("slug,name,environment,state")
    assert row.startswith(f"{collected.slug},")


@pytest.mark.parametrize("asked", ["q=nobody", "environment=nowhere"])
def test_a_search_without_a_hit_says_so(as_viewer: Any, collected: Target, asked: str) -> None:
    assert "No target fits" in as_viewer.get(f"/?{asked}").text


def test_without_targets_an_admin_is_led_to_add_one_and_a_viewer_to_ask(as_admin: Any, as_viewer: Any) -> None:
    assert 'href="/settings/targets/new"' in as_admin.get("/").text
    assert "Ask an admin to add one." in as_viewer.get("/").text


def test_the_summary_draws_rates_and_the_window_is_checked(as_viewer: Any, collected: Target) -> None:
    page = as_viewer.get(f"/t/{collected.slug}/?window=1h")
    assert page.status_code == 200
    assert "Commits and rollbacks per second" in page.text
    assert as_viewer.get(f"/t/{collected.slug}/?window=1y").status_code == 422


def test_a_target_that_is_down_says_since_when_and_why(as_viewer: Any, store: Session, collected: Target) -> None:
    row = store.get_one(Target, collected.id)
    row.state, row.unreachable_since, row.unreachable_reason = "unreachable", NOW, "The password <b>fails</b>."
    page = as_viewer.get(f"/t/{collected.slug}/").text
    assert "The password &lt;b&gt;fails&lt;/b&gt;." in page
    assert "<b>fails</b>" not in page


def test_a_target_that_was_never_reached_promises_no_numbers(as_viewer: Any, store: Session, target: Target) -> None:
    row = store.get_one(Target, target.id)
    row.state, row.unreachable_since, row.unreachable_reason = "unreachable", NOW, "Nobody answers."
    page = as_viewer.get(f"/t/{target.slug}/").text
    assert "Nobody answers." in page
    assert "Last changes" in page
    assert "Tables are read every five minutes" not in page


def test_the_summary_marks_changes_of_the_target(as_viewer: Any, store: Session, collected: Target) -> None:
    row = Change(at=NOW - timedelta(minutes=5), kind="schema", title="orders grew a column", author=None,
                 target_id=collected.id, subject="orders", detail={})  # fmt: skip
    store.add(row)
    assert as_viewer.get(f"/t/{collected.slug}/").text.count("orders grew a column") > 1


def test_an_unknown_target_is_404_as_page_fragment_and_json(as_viewer: Any) -> None:
    assert as_viewer.get("/t/nobody/").status_code == 404
    assert as_viewer.fragment.get("/t/nobody/").headers["HX-Retarget"] == "#notices"


def test_visitors_are_sent_to_sign_in(client: Any, target: Target) -> None:
    assert client.get("/").status_code == 303
    assert client.get(f"/t/{target.slug}/").status_code == 303


def test_the_first_page_asks_as_many_questions_for_one_target_as_for_many(
    app: Flask, as_viewer: Any, collected: Target, queries: Callable[[Flask], AbstractContextManager[list[str]]]
) -> None:
    with queries(app) as seen:
        as_viewer.get("/")
    assert len(seen) <= 14


@pytest.mark.parametrize("page", ["tables", "indexes", "queries", "schema", "schema/diagram", "migrations"])
def test_a_page_of_a_target_that_was_never_reached_says_since_when_and_why(
    page: str, as_viewer: Any, store: Session, target: Target
) -> None:
    new = as_viewer.get(f"/t/shop/{page}").text
    target.state, target.unreachable_since = "unreachable", datetime(2026, 11, 21, 7, 5, tzinfo=UTC)
    target.unreachable_reason = "No PostgreSQL server answers <b>here</b>."
    store.flush()
    shown = as_viewer.get(f"/t/shop/{page}").text
    assert "Unreachable since" not in new
    assert re.search(r"Unreachable since [^<]*07:05[^<]* UTC", shown)
    assert shown.count("No PostgreSQL server answers &lt;b&gt;here&lt;/b&gt;.") == 1
    assert not re.search("on its way|under way|Collecting the first|first collection|Not collected yet", shown)
