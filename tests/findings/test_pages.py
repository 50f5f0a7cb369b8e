"""The findings pages: lists, one finding, dismissals with reason and expiry."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.findings.models import Finding
from dashboard.findings.queries import open_counts
from dashboard.findings.record import keep
from dashboard.history.models import Revision
from dashboard.security.models import AuditEntry
from dashboard.store import db
from dashboard.targets.models import Target
from tests.findings.conftest import NOW, UNUSED, Keep, many
from tests.people import Browser

CRITICAL = replace(UNUSED, key="wraparound:shop", rule="wraparound", level="critical", title="Ids run out", remedy=None)
SMALL = replace(UNUSED, key="unused_index:public.small", title="small is not used", bytes=10)
LIST = "/t/shop/findings"
REASON = {"reason": "Needed for the yearly report", "days": "30", "version": "1"}


def only(store: Session) -> Finding:
    store.expire_all()
    return store.scalars(select(Finding)).one()


def rows(browser: Browser, query: str = "") -> list[dict[str, Any]]:
    return browser.get(f"{LIST}?format=json{query}").json["rows"]


def test_the_worst_come_first_then_what_gives_back_most(as_viewer: Browser, judged: Keep) -> None:
    judged(SMALL, UNUSED, CRITICAL)
    assert [row["title"] for row in rows(as_viewer)] == [CRITICAL.title, UNUSED.title, SMALL.title]


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


def test_an_operator_sets_a_finding_aside_for_a_while(as_operator: Browser, judged: Keep, store: Session) -> None:
    judged(UNUSED)
    answer = as_operator.post(f"{LIST}/{only(store).id}/dismiss", data=REASON)
    row = only(store)
    assert (answer.status_code, row.dismissed_reason, row.version) == (303, "Needed for the yearly report", 2)
    assert row.dismissed_by
    assert row.dismissed_until
    assert timedelta(days=29) < row.dismissed_until - datetime.now(UTC) < timedelta(days=30)
    entry = store.scalars(select(AuditEntry).where(AuditEntry.action == "finding.dismiss")).one()
    assert (entry.subject, entry.reason) == (f"finding:shop/{UNUSED.key}", "Needed for the yearly report")
    assert rows(as_operator) == []
    assert [one["dismissed_reason"] for one in rows(as_operator, "&state=dismissed")] == [row.dismissed_reason]


def test_a_dismissed_finding_says_who_why_and_until_when(as_operator: Browser, judged: Keep, store: Session) -> None:
    judged(UNUSED)
    url = f"{LIST}/{only(store).id}"
    as_operator.post(f"{url}/dismiss", data=REASON)
    page = as_operator.get(url).text
    assert "Needed for the yearly report" in page
    assert str(only(store).dismissed_by) in page
    assert "Show it again" in page


def test_a_dismissal_expires_by_itself(as_operator: Browser, judged: Keep, store: Session) -> None:
    judged(UNUSED)
    url = f"{LIST}/{only(store).id}"
    as_operator.post(f"{url}/dismiss", data=REASON)
    only(store).dismissed_until = datetime.now(UTC) - timedelta(seconds=1)
    assert [row["title"] for row in rows(as_operator)] == [UNUSED.title]
    assert "It was set aside and came back" in as_operator.get(url).text


def test_a_dismissed_finding_that_gets_worse_comes_back(as_operator: Browser, judged: Keep, store: Session) -> None:
    judged(UNUSED)
    as_operator.post(f"{LIST}/{only(store).id}/dismiss", data=REASON)
    judged(replace(UNUSED, level="critical"), at=NOW + timedelta(hours=1))
    assert [row["level"] for row in rows(as_operator)] == ["critical"]


def test_a_dismissal_outlives_the_end_of_the_finding(as_operator: Browser, judged: Keep, store: Session) -> None:
    judged(UNUSED)
    as_operator.post(f"{LIST}/{only(store).id}/dismiss", data=REASON)
    judged(at=NOW + timedelta(hours=1))
    judged(UNUSED, at=NOW + timedelta(hours=2))
    assert rows(as_operator) == []


def test_a_dismissal_is_taken_back(as_operator: Browser, judged: Keep, store: Session) -> None:
    judged(UNUSED)
    url = f"{LIST}/{only(store).id}"
    as_operator.post(f"{url}/dismiss", data=REASON)
    assert as_operator.post(f"{url}/reopen", data={"version": "2"}).status_code == 303
    assert [row["title"] for row in rows(as_operator)] == [UNUSED.title]
    assert store.scalars(select(AuditEntry.action).order_by(AuditEntry.seq.desc()).limit(1)).one() == "finding.reopen"


def test_as_a_fragment_the_answer_sends_the_page_on(as_operator: Browser, judged: Keep, store: Session) -> None:
    judged(UNUSED)
    url = f"{LIST}/{only(store).id}"
    answer = as_operator.fragment.post(f"{url}/dismiss", data=REASON)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, url)


def test_of_two_dismissals_the_second_is_told_about_the_first(
    as_operator: Browser, judged: Keep, store: Session
) -> None:
    judged(UNUSED)
    url = f"{LIST}/{only(store).id}/dismiss"
    as_operator.post(url, data=REASON)
    second = as_operator.fragment.post(url, data=REASON | {"reason": "Mine"})
    assert second.status_code == 409
    assert "Needed for the yearly report" in second.text
    assert only(store).dismissed_reason == "Needed for the yearly report"


def test_two_people_at_once_dismiss_once(cloned_store: Flask, target_db: Any, watch: Any, sign_in: Any) -> None:
    target_id = watch(cloned_store, target_db)
    with cloned_store.app_context():
        keep(target_id, "indexes", [UNUSED], NOW)
        db.session.commit()
        url = f"{LIST}/{db.session.scalars(select(Finding.id)).one()}/dismiss"
    people = [sign_in(cloned_store, "operator") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda person: person.post(url, data=REASON).status_code, people))
    assert sorted(answers) == [303, 409, 409, 409]


@pytest.mark.parametrize(
    ("typed", "field"),
    [({"reason": " "}, "Say why"), ({"reason": "x" * 501}, "at most 500"), ({"days": "1000"}, "comes back after"),
     ({"version": "x"}, "version is missing")],
)  # fmt: skip
def test_what_cannot_be_used_is_named_and_nothing_is_set_aside(
    typed: dict[str, str], field: str, as_operator: Browser, judged: Keep, store: Session
) -> None:
    judged(UNUSED)
    answer = as_operator.fragment.post(f"{LIST}/{only(store).id}/dismiss", data=REASON | typed)
    assert (answer.status_code, field in answer.text) == (422, True)
    assert only(store).dismissed_until is None


def test_an_ended_finding_cannot_be_set_aside(as_operator: Browser, judged: Keep, store: Session) -> None:
    judged(UNUSED)
    judged(at=NOW + timedelta(hours=1))
    assert as_operator.post(f"{LIST}/{only(store).id}/dismiss", data=REASON).status_code == 409
    assert "This has ended" in as_operator.get(f"{LIST}/{only(store).id}").text


@pytest.mark.parametrize("act", ["dismiss", "reopen"])
def test_a_viewer_and_nobody_cannot(
    act: str, as_viewer: Browser, client: Browser, judged: Keep, store: Session
) -> None:  # fmt: skip
    judged(UNUSED)
    url = f"{LIST}/{only(store).id}"
    assert as_viewer.post(f"{url}/{act}", data=REASON).status_code == 403
    assert client.post(f"{url}/{act}", data=REASON).status_code in {302, 303, 401}
    assert as_viewer.get(f"{url}/{act}").status_code == 405
    assert "takes the role operator" in as_viewer.get(url).text


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
