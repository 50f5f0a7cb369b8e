"""The history of a flag, and the way back to any of its versions."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from dashboard.changes.models import Change
from dashboard.security.models import AuditEntry

REVERT = "/flags/checkout/in/staging/revert"
IN_PRODUCTION = "/flags/checkout/in/production/revert"
VARIANTS = {"variant_name": ["on", "off"], "variant_value": ["true", "false"], "default": "1"}


def back(to=1, version=2, operation="operation-1", **more):
    return {"to": to, "version": version, "operation_id": operation} | more


@pytest.fixture
def turned(as_operator, flags):
    for slug in ("staging", "production"):
        form = {"enabled": "on", "version": 1, "operation_id": f"turning-{slug}", "typed_key": "checkout"}
        as_operator.post(f"/flags/checkout/in/{slug}/toggle", data=form | {"reason": "launch"})
    return flags


def test_reverting_makes_the_old_version_the_next_one_once(as_operator, turned, store):
    for _ in range(2):
        assert as_operator.post(REVERT, data=back(reason="too early")).status_code == 303
    assert (turned["checkout", "staging"].enabled, turned["checkout", "staging"].version) == (False, 3)
    entry = store.scalars(select(AuditEntry).where(AuditEntry.action == "flag.revert")).one()
    assert (entry.before["state"], entry.after["state"], entry.reason) == ("on", "off", "too early")
    titles = list(store.scalars(select(Change.title).where(Change.subject == "checkout")))
    assert titles.count("checkout reverted to version 1 in staging") == 1


def test_production_asks_for_a_reason_and_the_key_before_it_reverts(as_operator, turned):
    for browser in (as_operator, as_operator.fragment):
        assert browser.post(IN_PRODUCTION, data=back(reason="oops")).status_code == 422
    assert turned["checkout", "production"].version == 2
    form = back(reason="oops", typed_key="checkout")
    assert as_operator.post(IN_PRODUCTION, data=form).status_code == 303
    assert turned["checkout", "production"].version == 3


def test_a_revert_of_what_changed_meanwhile_is_refused(as_operator, turned):
    answer = as_operator.post(REVERT, data=back(version=1))
    assert answer.status_code == 409
    assert "Replace theirs" in answer.text
    assert turned["checkout", "staging"].version == 2


@pytest.mark.parametrize(
    ("url", "form", "status"),
    [
        (REVERT, back(to=9), 404),
        (REVERT, back(to="x"), 422),
        (REVERT, back(version="x"), 422),
        ("/flags/nothing/in/staging/revert", back(), 404),
        ("/flags/checkout/in/nowhere/revert", back(), 404),
    ],
)
def test_what_cannot_be_reverted_is_refused(as_operator, turned, url, form, status):
    assert as_operator.post(url, data=form).status_code == status
    assert turned["checkout", "staging"].version == 2


def test_only_operators_revert(client, as_viewer, turned):
    assert client.post(REVERT, data=back()).status_code in {303, 401}
    assert as_viewer.post(REVERT, data=back()).status_code == 403
    assert as_viewer.get(f"{REVERT}?to=1").status_code == 403
    assert "Revert…" not in as_viewer.get("/flags/checkout/history").text
    assert turned["checkout", "staging"].version == 2


def test_the_form_shows_what_would_change(as_operator, turned):
    for browser in (as_operator, as_operator.fragment):
        page = browser.get(f"{REVERT}?to=1").text
        assert "Revert checkout to version 1" in page
        assert "<del><code>on</code></del>" in page
    assert "It is what it was then already" in as_operator.get(f"{REVERT}?to=2").text


def test_the_history_is_a_list_of_one_environment_or_of_all(as_viewer, turned):
    rows = as_viewer.get("/flags/checkout/history?environment=production&format=json").json["rows"]
    assert [(row["version"], row["reason"], row["changed"]) for row in rows] == [
        (2, "launch", "state"),
        (1, None, "state, variant on, variant off, order of variants, defaultVariant"),
    ]
    assert as_viewer.get("/flags/checkout/history?format=json").json["total"] == 5
    assert as_viewer.get("/flags/checkout/history?environment=everywhere&format=json").json["total"] == 1
    assert as_viewer.get("/flags/checkout/history?environment=nowhere").status_code == 404
    assert rows[0]["document"]["state"] == "ENABLED"
    assert "launch" in as_viewer.get("/flags/checkout/history?format=csv").text


def test_the_history_shows_who_when_why_and_the_difference(client, as_viewer, turned):
    assert client.get("/flags/checkout/history").status_code == 303
    for browser in (as_viewer, as_viewer.fragment):
        page = browser.get("/flags/checkout/history").text
        for words in (
            "operator-",
            " UTC</time>",
            "<strong>launch</strong>",
            "<del><code>off</code></del>",
            "version 2",
        ):
            assert words in page, words
    assert as_viewer.get("/flags/nothing/history").status_code == 404
    assert as_viewer.get("/flags/checkout/history?page=0").status_code == 422


def test_while_something_is_scheduled_the_way_back_says_so_and_leaves_it(as_operator, turned):
    at = f"{datetime.now(UTC) + timedelta(hours=3):%Y-%m-%dT%H:%M}"
    form = VARIANTS | {"enabled": "on", "version": 2, "operation_id": "planning-1", "at": at}
    assert as_operator.post("/flags/checkout/in/staging/set", data=form).status_code == 303
    assert "Cancel the schedule" in as_operator.get(f"{REVERT}?to=1").text
    compared = "/flags/compare?from=production&to=staging"
    form = {"enabled": "off", "version": 2, "operation_id": "turning-off"}
    assert as_operator.post("/flags/checkout/in/staging/toggle", data=form).status_code == 303
    assert "something is scheduled there" in as_operator.get(compared).text
    assert as_operator.post(REVERT, data=back(to=2, version=3)).status_code == 303
    row = as_operator.get("/flags/schedules?format=json").json["rows"][0]
    assert (row["state"], turned["checkout", "staging"].version) == ("pending", 4)


def test_every_version_has_a_page(as_operator, turned):
    for number in range(2, 55):
        word = "off" if number % 2 == 0 else "on"
        form = {"enabled": word, "version": number, "operation_id": f"operation-{number}"}
        assert as_operator.post("/flags/checkout/in/staging/toggle", data=form).status_code == 303
    asked = "/flags/checkout/history?environment=staging"
    assert as_operator.get(f"{asked}&format=json").json["rows"][0]["version"] == 55
    second = as_operator.get(f"{asked}&format=json&page=2").json["rows"]
    assert [row["version"] for row in second] == [5, 4, 3, 2, 1]
    assert "Page 2 of 2" in as_operator.get(f"{asked}&page=2").text
