"""Findings set aside with a reason and an end, and back again."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.findings.models import Finding
from dashboard.findings.record import keep
from dashboard.security.models import AuditEntry
from dashboard.store import db
from tests.findings.conftest import LIST, NOW, UNUSED, Keep, only, rows
from tests.people import Browser

REASON = {"reason": "Needed for the yearly report", "days": "30", "version": "1"}


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
