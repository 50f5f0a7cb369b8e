"""Off is always possible, with a reason, and somebody else looks at it afterwards."""

import pytest
from sqlalchemy import select

from dashboard.approvals.models import ChangeRequest
from dashboard.security.models import AuditEntry
from tests.approvals.conftest import ON, TURN

OFF = {
    "enabled": "off",
    "version": 2,
    "operation_id": "turning-off",
    "reason": "payments fail",
    "typed_key": "checkout",
}


@pytest.fixture
def turned_off(guarded, people):
    """Who turned the flag off in a hurry."""
    guarded(0)
    operator = people()
    operator.post(TURN, data=ON | {"typed_key": "checkout"})
    guarded(1)
    assert operator.post(TURN, data=OFF | {"view": "confirm"}).location == "/flags/checkout"
    return operator


def url_of(browser):
    row = browser.get("/approvals?format=json&kind=review").json["rows"][0]
    return f"/approvals/{row['id']}"


def test_off_happens_at_once_and_opens_one_review(turned_off, guarded, store):
    assert turned_off.post(TURN, data=OFF).status_code == 303
    setting = guarded()["checkout", "production"]
    assert (setting.enabled, setting.version) == (False, 3)
    review = store.scalars(select(ChangeRequest)).one()
    assert (review.kind, review.state, review.base_version, review.reason) == ("review", "open", 3, "payments fail")
    assert "did this at once" in turned_off.get("/flags/checkout").text


def test_off_takes_a_reason_and_the_key_of_production(guarded, people):
    guarded(0)
    operator = people()
    operator.post(TURN, data=ON | {"typed_key": "checkout"})
    guarded(1)
    for missing in ("reason", "typed_key"):
        assert operator.post(TURN, data=OFF | {missing: ""}).status_code == 422
    assert guarded()["checkout", "production"].enabled is True
    assert "It happens at once, without approval" in operator.get(TURN.replace("toggle", "confirm?enabled=off")).text


def test_somebody_else_reviews_it_with_a_comment(turned_off, people, store):
    url, other = url_of(turned_off), people()
    own = turned_off.post(f"{url}/reviewed", data={"comment": "fine"})
    assert (own.status_code, "somebody else has to look at it" in own.text) == (403, True)
    empty = other.post(f"{url}/reviewed", data={"comment": " "})
    assert (empty.status_code, 'id="comment-error"' in empty.text) == (422, True)
    for _ in range(2):
        assert other.post(f"{url}/reviewed", data={"comment": "the shop was down"}).location == url
    assert people().post(f"{url}/reviewed", data={"comment": "me too"}).status_code == 409
    assert "looked at it: the shop was down" in turned_off.get(url).text
    entry = store.scalars(select(AuditEntry).where(AuditEntry.action == "review.reviewed")).one()
    assert (entry.subject, entry.reason) == ("checkout in production", "the shop was down")
    assert "did this at once" not in turned_off.get("/flags/checkout").text


def test_a_review_is_no_request_and_the_other_way_round(turned_off, asked, people):
    review, other = url_of(turned_off), people()
    assert other.post(f"{review}/approve").status_code == 404
    assert turned_off.post(f"{review}/withdraw").status_code == 404
    _, request = asked(version=3, operation_id="operation-3")
    assert other.post(f"{request}/reviewed", data={"comment": "x"}).status_code == 404


def test_turning_it_on_again_waits(turned_off, asked, guarded):
    asked(turned_off, version=3, operation_id="operation-3")
    assert guarded()["checkout", "production"].enabled is False
