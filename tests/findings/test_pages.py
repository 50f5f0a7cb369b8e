"""The findings pages: lists, one finding, dismissals with reason and expiry."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from dashboard.findings.queries import open_counts
from dashboard.findings.record import keep
from dashboard.history.models import Revision
from dashboard.store import db
from dashboard.targets.models import Target
from tests.findings.conftest import LIST, NOW, UNUSED, Keep, many, only, rows
from tests.people import Browser

CRITICAL = replace(UNUSED, key="wraparound:shop", rule="wraparound", level="critical", title="Ids run out", remedy=None)
SMALL = replace(UNUSED, key="unused_index:public.small", title="small is not used", bytes=10)


def test_the_worst_come_first_then_what_gives_back_most(as_viewer: Browser, judged: Keep) -> None:
    judged(SMALL, UNUSED, CRITICAL)
    assert [row["title"] for row in rows(as_viewer)] == [CRITICAL.title, UNUSED.title, SMALL.title]


def test_foreign_keys_come_by_what_deletes_read_for_want_of_their_index(as_viewer: Browser, judged: Keep) -> None:
    reads = {"calm": 0.0, "idle": None, "busy": 5_000_000.0, "some": 90.5}
    key = replace(UNUSED, rule="unindexed_foreign_key", bytes=None)
    keys = [replace(key, key=name, title=name, detail={"rows_read_a_day": day}) for name, day in reads.items()]
    judged(*keys, UNUSED, CRITICAL)
    assert [row["title"] for row in rows(as_viewer)] == [
        CRITICAL.title, "busy", "some", UNUSED.title, "calm", "idle",
    ]  # fmt: skip


def test_a_row_says_everything_in_raw_units(as_viewer: Browser, judged: Keep) -> None:
    judged(UNUSED)
    row = rows(as_viewer)[0]
    assert (row["bytes"], row["since"], row["level"]) == (16_384, "2026-03-03T09:00:00.000Z", "warning")
    assert row["up"] == ['DROP INDEX CONCURRENTLY "public"."orders_note_idx"']
    assert "orders_note_idx is never used" in as_viewer.get(f"{LIST}?format=csv").text


@pytest.mark.parametrize(
    ("query", "expected"),
    [("&level=critical", ["Ids run out"]), ("&rule=wraparound", ["Ids run out"]), ("&q=SMALL", ["small is not used"]),
     ("&state=ended", []),
     ("&sort=bytes&dir=asc&level=warning", ["small is not used", "orders_note_idx is never used"])],
)  # fmt: skip
def test_filters_search_and_order(query: str, expected: list[str], as_viewer: Browser, judged: Keep) -> None:
    judged(SMALL, UNUSED, CRITICAL)
    assert [row["title"] for row in rows(as_viewer, query)] == expected


@pytest.mark.parametrize("query", ["?level=bad", "?state=x", "?sort=up", "?page=0"])
def test_what_cannot_be_asked_is_named(query: str, as_viewer: Browser, target: Target) -> None:
    assert as_viewer.get(f"{LIST}{query}").status_code == 422


def test_before_the_first_judgement_the_page_says_so(as_viewer: Browser, target: Target) -> None:
    assert "Not judged yet" in as_viewer.get(LIST).text


def test_nothing_found_comes_with_what_could_not_be_judged(app: Flask, as_viewer: Browser, target: Target) -> None:
    with app.app_context():
        keep(target.id, "indexes", [], NOW, note="14 of 16 indexes cannot be called unused yet.")
        db.session.commit()
    page = as_viewer.get(LIST).text
    assert "Nothing found" in page
    assert "14 of 16 indexes cannot be called unused yet." in page


def test_the_list_asks_the_store_little_however_long_it_is(
    app: Flask, as_viewer: Browser, judged: Keep, queries: Callable[[Flask], Any]
) -> None:
    judged(*many(5))
    as_viewer.get(LIST)
    with queries(app) as few:
        as_viewer.get(LIST)
    judged(*many(10_000), at=NOW + timedelta(hours=1))
    with queries(app) as lots:
        page = as_viewer.get(LIST).text
    assert len(few) == len(lots) <= 12
    assert "10 k" in page.replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert len(page) < 120_000


def test_a_finding_shows_reason_window_statements_and_the_way_back(
    as_viewer: Browser, judged: Keep, store: Session
) -> None:
    judged(UNUSED)
    page = as_viewer.get(f"{LIST}/{only(store).id}").text
    for part in ("0 scans in 40 days.", "unused_index:public.orders_note_idx", "CREATE", "The way back", "Copy SQL"):
        assert part in page


def test_a_finding_asks_the_store_little(
    app: Flask, as_viewer: Browser, judged: Keep, store: Session, queries: Callable[[Flask], Any]
) -> None:
    judged(UNUSED)
    url = f"{LIST}/{only(store).id}"
    as_viewer.get(url)
    with queries(app) as seen:
        as_viewer.get(url)
    assert len(seen) <= 11


def test_hostile_words_of_a_finding_are_only_words(as_viewer: Browser, judged: Keep, store: Session) -> None:
    nasty = "<script>alert(1)</script>\"'"
    judged(replace(UNUSED, title=nasty, why=nasty, subject=nasty, detail={nasty: nasty, "list": [nasty]}))
    for url in (LIST, f"{LIST}/{only(store).id}"):
        assert "<script>alert" not in as_viewer.get(url).text


def test_the_migration_follows_the_newest_revision_of_the_target(
    as_viewer: Browser, judged: Keep, store: Session, target: Target
) -> None:
    for name, down in (("aaa", []), ("bbb", ["aaa"])):
        store.add(Revision(target_id=target.id, revision=name, tool="alembic", down_revisions=down, depends_on=[],
                           labels=[], message="", path=f"{name}.py", position=0, is_head=name == "bbb"))  # fmt: skip
    judged(UNUSED)
    answer = as_viewer.get(f"{LIST}/{only(store).id}/migration.py")
    assert "down_revision = 'bbb'" in answer.text
    assert answer.headers["Content-Disposition"].endswith('_orders_note_idx_is_never_used.py"')
    assert answer.mimetype == "text/x-python"


def test_a_finding_without_statements_has_no_migration(as_viewer: Browser, judged: Keep, store: Session) -> None:
    judged(CRITICAL)
    assert as_viewer.get(f"{LIST}/{only(store).id}/migration.py").status_code == 404


@pytest.mark.parametrize("part", ["", "/migration.py"])
def test_a_finding_of_another_target_or_none_is_not_found(part: str, as_viewer: Browser, target: Target) -> None:
    assert as_viewer.get(f"{LIST}/999999{part}").status_code == 404
    assert as_viewer.get(f"{LIST}/99999999999999999999{part}").status_code == 404


def test_open_findings_are_counted_by_level_for_many_targets(app: Flask, judged: Keep, target: Target) -> None:
    judged(UNUSED, SMALL, CRITICAL)
    with app.app_context():
        assert open_counts([target.id, 0], NOW) == {target.id: {"critical": 1, "warning": 2}}


def test_judgements_of_long_ago_are_marked(as_viewer: Browser, judged: Keep) -> None:
    judged(UNUSED, at=datetime.now(UTC))
    assert 'class="as-of"><' in as_viewer.get(LIST).text.replace("\n", "")
    judged(UNUSED, at=datetime.now(UTC) - timedelta(hours=4))
    assert 'class="as-of" data-tone="warn"' in as_viewer.get(LIST).text
