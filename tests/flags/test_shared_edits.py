"""What all environments share of a flag: two people at once, and the way back to any of its versions."""

import re
from html import unescape
from itertools import count

import pytest
from sqlalchemy import select

from dashboard.changes.models import Change
from dashboard.security.models import AuditEntry

SHARED, REVERT = "/flags/checkout/shared", "/flags/checkout/shared/revert"
NUMBERS = count()
FIRST = {"description": "", "kind": "release", "owner": "", "tags": "", "expected_life_d": ""}


def form(version=1, **more):
    return FIRST | {"version": version, "operation_id": f"operation-{next(NUMBERS)}"} | more


def back(to=1, version=2, operation="reverting-1", **more):
    return {"to": to, "version": version, "operation_id": operation} | more


@pytest.fixture
def described(as_operator, flags):
    """Version 2 of what all share, made after the page of version 1 was opened."""
    assert as_operator.post(SHARED, data=form(description="Theirs", tags="a, b")).status_code == 303
    return flags


def test_two_people_on_different_fields_both_succeed_and_the_second_one_is_told(as_operator, described):
    answer = as_operator.post(SHARED, data=form(owner="shop team", kind="experiment"))
    assert (answer.status_code, answer.location) == (303, "/flags/checkout?merged=:1:3")
    flag = described.flag("checkout")
    assert (flag.description, flag.tags, flag.owner, flag.kind) == ("Theirs", ["a", "b"], "shop team", "experiment")
    page = as_operator.get(answer.location).text
    assert "Version 3 of what all environments share holds your change" in page
    assert "<ins><code>Theirs</code></ins>" in page


def test_on_the_same_field_the_second_one_sees_all_three_and_nothing_is_lost(as_operator, described):
    yours = form(description="Yours", owner="shop team")
    page = as_operator.post(SHARED, data=yours)
    assert (page.status_code, "both changed it" in page.text) == (409, True)
    assert described.flag("checkout").description == "Theirs"
    sent = re.findall(r'<textarea class="hidden" name="(\w+)"[^>]*>\n([^<]*)</textarea>', page.text)
    again = {name: unescape(value) for name, value in sent} | {"version": 2, "operation_id": "on-top-1"}
    assert as_operator.post(SHARED, data=again).status_code == 303
    flag = described.flag("checkout")
    assert (flag.description, flag.owner, flag.tags, flag.version) == ("Yours", "shop team", ["a", "b"], 3)


def test_tags_are_one_field_and_what_both_made_alike_is_no_new_version(as_operator, described):
    assert as_operator.post(SHARED, data=form(tags="a")).status_code == 409
    assert as_operator.post(SHARED, data=form(tags="a, b")).status_code == 303
    assert described.flag("checkout").version == 2


def test_a_field_that_was_changed_there_and_back_is_contested(as_operator, described):
    assert as_operator.post(SHARED, data=form(2, description="", tags="")).status_code == 303
    assert as_operator.post(SHARED, data=form(description="Mine")).status_code == 409


def test_what_both_may_do_alone_may_still_not_fit_together(as_operator, described):
    answer = as_operator.post(SHARED, data=form(json_schema='{"type": "object"}'))
    assert (answer.status_code, "Only object flags have one" in answer.text) == (422, True)


def test_the_way_back_is_a_new_version_made_once_with_its_reason(as_operator, described, store):
    for _ in range(2):
        assert as_operator.post(REVERT, data=back(reason="too chatty")).status_code == 303
    flag = described.flag("checkout")
    assert (flag.version, flag.description, flag.tags) == (3, "", [])
    entry = store.scalars(select(AuditEntry).where(AuditEntry.action == "flag.revert")).one()
    assert (entry.before["description"], entry.after["description"], entry.reason) == ("Theirs", "", "too chatty")
    titles = store.scalars(select(Change.title).where(Change.subject == "checkout"))
    assert list(titles).count("checkout reverted to version 1 of what all share") == 1


def test_the_way_back_archives_and_restores_nothing(as_operator, described):
    confirmed = {"version": 2, "operation_id": "archiving", "reason": "gone", "typed_key": "checkout"}
    assert as_operator.post("/flags/checkout/archive", data=confirmed).status_code == 303
    assert as_operator.post(REVERT, data=back(version=3)).status_code == 303
    flag = described.flag("checkout")
    assert (flag.description, flag.archived_at is None) == ("", False)


def test_the_page_shows_what_would_change_and_the_history_leads_to_it(as_operator, as_viewer, described):
    for browser in (as_operator, as_operator.fragment):
        page = browser.get(f"{REVERT}?to=1").text
        assert "<del><code>Theirs</code></del>" in page
    assert "It is what it was then already" in as_operator.get(f"{REVERT}?to=2").text
    address = f"{REVERT}?to=1"
    assert address in as_operator.get("/flags/checkout/history").text
    assert address not in as_viewer.get("/flags/checkout/history").text


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (back(to=9), 404),
        (back(to="x"), 422),
        (back(version="x"), 422),
        (back(version=1), 409),
        (back(reason="x" * 1_001), 422),
    ],
)
def test_what_cannot_be_reverted_is_refused(as_operator, described, sent, status):
    assert as_operator.post(REVERT, data=sent).status_code == status
    assert described.flag("checkout").version == 2


def test_only_operators_revert(client, as_viewer, described):
    assert client.post(REVERT, data=back()).status_code in {303, 401}
    assert as_viewer.post(REVERT, data=back()).status_code == 403
    assert as_viewer.get(f"{REVERT}?to=1").status_code == 403


def test_an_archiving_that_came_too_late_asks_again_for_what_it_needs(as_operator, described):
    late = {"version": 1, "operation_id": "archiving", "reason": "unused", "typed_key": "checkout"}
    page = as_operator.post("/flags/checkout/archive", data=late)
    assert (page.status_code, 'name="typed_key"' in page.text, 'value="unused"' in page.text) == (409, True, True)
