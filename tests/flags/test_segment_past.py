"""The history of segments and of bucketing, the way back to any version, also of a segment that was removed."""

import pytest
from sqlalchemy import select

from dashboard.flags.segment_models import FlagSegment
from dashboard.flags.segment_words import differences, words_of
from dashboard.security.models import AuditEntry
from dashboard.targets.models import Environment
from tests.flags.test_segments import BETA, PRODUCTION, STAGING

HISTORY, REVERT, EDIT = f"{STAGING}/beta/history", f"{STAGING}/beta/revert", f"{STAGING}/beta"
ENDS = {"ends_with": [{"var": "email"}, ".org"]}
CONFIRMED = {"reason": "launch", "typed_key": "beta"}


def back(to=1, version=2, operation="reverting-1", **more):
    return {"to": to, "version": version, "operation_id": operation} | more


@pytest.fixture
def changed(as_operator, flags):
    """Version 2, in staging and production: everybody at .org instead of those at example.com."""
    for url in (STAGING, PRODUCTION):
        as_operator.post(url, data=BETA | CONFIRMED)
        sent = BETA | CONFIRMED | {"version": "1", "rule-segment.value": ".org", "reason": "a wider test"}
        assert as_operator.post(f"{url}/beta", data=sent).status_code == 303
    return flags


def test_conditions_are_told_in_words_where_words_say_all_that_differs():
    both = {"and": [ENDS, {"in": [{"var": "plan"}, ["pro", "team"]]}]}
    assert words_of(both) == "email ends with .org and plan is one of pro, team"
    assert words_of({"<": [{"+": [1, 1]}, {"var": "age"}]}) is None
    (only,) = differences({"description": "", "rule": ENDS}, {"description": "", "rule": both})
    assert (only.field, only.before) == ("who is in it", "email ends with .org")
    other = {"and": [ENDS]}
    (only,) = differences({"description": "", "rule": ENDS}, {"description": "", "rule": other})
    assert (only.field, '"and"' in only.after) == ("rule", True)


def test_the_history_tells_who_when_why_and_what_changed_to_everybody(as_viewer, changed):
    rows = as_viewer.get(f"{HISTORY}?format=json").json["rows"]
    assert [(row["version"], row["reason"], row["changed"]) for row in rows] == [
        (2, "a wider test", "who is in it"),
        (1, "launch", "description, who is in it"),
    ]
    assert rows[0]["document"] == {"description": "Those who asked", "rule": ENDS}
    assert "a wider test" in as_viewer.get(f"{HISTORY}?format=csv").text
    for browser in (as_viewer, as_viewer.fragment):
        page = browser.get(HISTORY).text
        assert "<del><code>email ends with @example.com</code></del>" in page
        assert "Revert…" not in page
    assert HISTORY in as_viewer.get("/flags/segments").text


def test_the_way_back_is_a_new_version_made_once(as_operator, changed, store):
    assert "<del><code>email ends with .org</code></del>" in as_operator.get(f"{REVERT}?to=1").text
    for _ in range(2):
        assert as_operator.post(REVERT, data=back(reason="too wide")).status_code == 303
    there = store.scalars(select(FlagSegment).join(Environment).where(Environment.slug == "staging")).one()
    assert (there.rule["ends_with"][1], there.version) == ("@example.com", 3)
    entry = store.scalars(select(AuditEntry).where(AuditEntry.reason == "too wide")).one()
    assert (entry.action, entry.subject) == ("segment.set", "beta in staging")
    assert "reverted to version 1" in as_operator.get("/changes").text


def test_production_asks_for_a_reason_and_the_name(as_operator, changed):
    url = f"{PRODUCTION}/beta/revert"
    for browser in (as_operator, as_operator.fragment):
        assert browser.post(url, data=back(reason="oops")).status_code == 422
    assert as_operator.post(url, data=back(reason="oops", typed_key="beta")).status_code == 303


def test_what_changed_meanwhile_is_shown_with_both(as_operator, changed):
    answer = as_operator.post(REVERT, data=back(version=1))
    assert (answer.status_code, "Replace theirs" in answer.text) == (409, True)
    assert "email ends with .org" in answer.text


def test_a_removed_segment_keeps_its_history_and_comes_back(as_operator, as_viewer, changed, store):
    assert as_operator.post(f"{STAGING}/beta/remove", data={"version": "2", "reason": "over"}).status_code == 303
    listed = as_viewer.get("/flags/segments").text
    assert f'Removed: <a href="{HISTORY}">beta</a>' in listed
    assert as_operator.get(f"{STAGING}/beta").location == HISTORY
    assert "This segment was removed" in as_viewer.get(HISTORY).text
    assert as_operator.post(REVERT, data=back(to=3, version=3)).status_code == 422
    assert as_operator.get(f"{REVERT}?to=3").status_code == 422
    assert as_operator.post(REVERT, data=back(to=2, version=3, operation="bringing-back")).status_code == 303
    there = store.scalars(select(FlagSegment).join(Environment).where(Environment.slug == "staging")).one()
    assert (there.rule, there.version) == (ENDS, 4)


@pytest.mark.parametrize(
    ("url", "sent", "status"),
    [
        (REVERT, back(to=9), 404),
        (REVERT, back(to="x"), 422),
        (REVERT, back(version="x"), 422),
        (f"{STAGING}/never/revert", back(), 404),
        ("/flags/segments/nowhere/beta/revert", back(), 404),
    ],
)
def test_what_cannot_be_reverted_is_refused(as_operator, changed, store, url, sent, status):
    assert as_operator.post(url, data=sent).status_code == status
    assert as_operator.get(f"{HISTORY}?format=json").json["total"] == 2


def test_only_operators_revert(client, as_viewer, changed):
    assert client.post(REVERT, data=back()).status_code in {303, 401}
    assert client.get(HISTORY).status_code == 303
    assert as_viewer.post(REVERT, data=back()).status_code == 403
    assert as_viewer.get(f"{REVERT}?to=1").status_code == 403
    assert as_viewer.get(f"{STAGING}/never/history").status_code == 404


def test_where_others_approve_the_way_back_waits(as_operator, changed, store):
    store.scalars(select(Environment).where(Environment.slug == "staging")).one().approvals_needed = 1
    store.commit()
    assert "Ask for approval" in as_operator.get(f"{REVERT}?to=1").text
    answer = as_operator.post(REVERT, data=back(reason="too wide"))
    assert answer.location.startswith("/approvals/")
    assert as_operator.get(f"{HISTORY}?format=json").json["total"] == 2
    for url in (HISTORY, EDIT, "/flags/segments"):
        page = as_operator.get(url).text
        assert f'href="{answer.location}"' in page, url
        assert "for approval" in page, url


def test_a_removed_segment_comes_back_when_somebody_else_agrees(as_operator, as_admin, changed, store):
    assert as_operator.post(f"{STAGING}/beta/remove", data={"version": "2"}).status_code == 303
    store.scalars(select(Environment).where(Environment.slug == "staging")).one().approvals_needed = 1
    store.commit()
    asked = as_operator.post(REVERT, data=back(version=3, reason="it was needed")).location
    assert as_admin.post(f"{asked}/approve", data={}).status_code == 303
    (newest, *_) = as_operator.get(f"{HISTORY}?format=json").json["rows"]
    assert (newest["version"], newest["document"]["rule"]["ends_with"][1]) == (4, "@example.com")
    assert "it was needed (approved by" in newest["reason"]
    assert "Segment beta reverted to version 1 in staging" in as_operator.get("/changes").text


def test_segments_are_a_list_for_machines(as_viewer, changed):
    rows = as_viewer.get("/flags/segments?format=json").json["rows"]
    assert [(row["environment"], row["name"], row["version"], row["rule"]) for row in rows] == [
        ("staging", "beta", 2, ENDS),
        ("production", "beta", 2, ENDS),
    ]
    assert "email" in as_viewer.get("/flags/segments?format=csv").text


def test_bucketing_tells_who_pinned_it_and_why(as_admin, as_viewer, flags):
    page = "/flags/bucketing/staging"
    assert "from the beginning" in as_viewer.get(page).text
    sent = {"bucketing": "v3", "version": 1, "reason": "all on Python", "typed_key": "staging"}
    assert as_admin.post(page, data=sent).status_code == 303
    for url in (page, f"{page}/history"):
        text = as_viewer.get(url).text
        assert "<del><code>v2</code></del> → <ins><code>v3</code></ins>" in text
        assert "all on Python" in text
    rows = as_viewer.get(f"{page}/history?format=json").json["rows"]
    assert [(row["version"], row["document"]) for row in rows] == [(1, {"bucketing": "v3"})]


def test_a_pin_that_came_too_late_keeps_its_reason_and_asks_to_look_again(as_admin, flags):
    sent = {"bucketing": "v3", "version": 0, "reason": "all on Python", "typed_key": "staging"}
    answer = as_admin.post("/flags/bucketing/staging", data=sent)
    assert (answer.status_code, "look again at who would move" in answer.text) == (409, True)
    assert 'value="all on Python"' in answer.text


def test_where_others_approve_nobody_types_the_name_to_pin(as_admin, flags, store):
    store.scalars(select(Environment).where(Environment.slug == "staging")).one().approvals_needed = 1
    store.commit()
    page, sent = "/flags/bucketing/staging", {"bucketing": "v3", "version": 1, "operation_id": "pinning-1"}
    assert "Ask for approval" in as_admin.get(page).text
    assert as_admin.post(page, data=sent).status_code == 422
    first, second = (as_admin.post(page, data=sent | {"reason": "all on Python"}).location for _ in range(2))
    assert (first.startswith("/approvals/"), first) == (True, second)
