"""A schedule where others approve: asked for with its steps, planned by the approval, void when its time has passed."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from dashboard.approvals import edits
from dashboard.approvals.models import ChangeRequest
from dashboard.flags.schedule_models import FlagSchedule
from dashboard.store import db
from tests.approvals.conftest import ON

PLAN = "/flags/checkout/in/production/schedule"
SET = "/flags/checkout/in/production/set"
VARIANTS = {"variant_name": ["on", "off"], "variant_value": ["true", "false"], "default": "1"}
RAMP = {"what": "ramp", "variant": "on", "share": "80", "steps": "2", "every": "1", "unit": "days"}


def soon(**more):
    at = datetime.now(UTC) + (timedelta(**more) if more else timedelta(hours=3))
    return f"{at:%Y-%m-%dT%H:%M}"


@pytest.fixture
def schedule(store):
    """The newest schedule as the store has it now."""

    def newest():
        store.expire_all()
        return store.scalars(select(FlagSchedule).order_by(FlagSchedule.id.desc()).limit(1)).one_or_none()

    return newest


@pytest.fixture
def passed(store):
    """As if the first step of what was asked for had come."""

    def pass_time(row):
        at = int(datetime.now(UTC).timestamp()) - 60
        store.execute(update(ChangeRequest).values(steps=[[at, document] for _, document in row.steps]))
        store.commit()

    return pass_time


def test_a_ramp_is_asked_for_with_its_steps_and_planned_by_the_approval(asked, people, guarded, schedule, request_row):
    asker, url = asked(url=PLAN, at=soon(), **RAMP)
    assert (schedule(), guarded()["checkout", "production"].served) == (None, None)
    page = people().get(url).text
    for words in (
        "Approve and schedule it",
        "It begins",
        "in 2 h",
        "40\N{NO-BREAK SPACE}% on, 60\N{NO-BREAK SPACE}% off",
        "80\N{NO-BREAK SPACE}% on, 20\N{NO-BREAK SPACE}% off",
    ):
        assert words in page, words
    assert page.count("<meter") == 2
    assert people().post(f"{url}/approve").location == url
    found, row = schedule(), request_row()
    assert (found.state, found.is_approved, found.author, found.steps) == ("pending", True, row.author, row.steps)
    assert found.reason.startswith("launch day (approved by operator-")
    assert "approved and scheduled, on top of version 1" in asker.get(url).text
    assert "approved: any other change of the flag makes it void" in asker.get("/flags/checkout").text


def test_two_times_are_two_requests_though_they_end_in_the_same(people, guarded, store):
    asker = people()
    for days in (1, 2, 2):
        sent = {name: value for name, value in (ON | RAMP).items() if name != "operation_id"}
        assert asker.post(
            PLAN, data=sent | {"at": f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%dT12:00}"}
        ).location
    assert len(store.scalars(select(ChangeRequest)).all()) == 2


def test_the_form_that_edits_asks_for_a_time_too(asked, people, guarded, schedule):
    _, url = asked(url=SET, **VARIANTS, at=soon())
    assert "Turned on; 100\N{NO-BREAK SPACE}% off" in people().get(url).text
    people().post(f"{url}/approve")
    assert (schedule().state, guarded()["checkout", "production"].version) == ("pending", 1)


def test_approved_after_its_time_it_is_void_and_says_so_before_anybody_tries(
    asked, people, schedule, request_row, passed
):
    _, url = asked(url=PLAN, what="on", at=soon())
    passed(request_row())
    approver = people()
    assert "It is void: The time at which it was to begin passed" in approver.get(url).text
    assert approver.get("/approvals?format=json&state=void").json["total"] == 1
    assert approver.post(f"{url}/approve").status_code == 409
    assert (request_row().state, schedule()) == ("void", None)


def test_what_passed_unapproved_is_written_down_by_the_job(asked, people, app, request_row, passed):
    asked(url=PLAN, what="on", at=soon())
    passed(request_row())
    with app.app_context():
        assert (edits.tidy(), edits.tidy()) == (1, 0)
        db.session.remove()
    assert request_row().decision == "The time at which it was to begin passed before it was approved."


def test_a_flag_that_changed_since_makes_the_request_void(asked, people, guarded, schedule):
    _, url = asked(url=PLAN, what="on", at=soon())
    _, other = asked(url=SET, **VARIANTS, enabled="off", operation_id="operation-2")
    people().post(f"{other}/approve")
    assert people().post(f"{url}/approve").status_code == 409
    assert schedule() is None
    assert "It is void: checkout was changed in production since" in people().get(url).text


def test_of_two_that_are_approved_only_the_first_is_planned(asked, people, schedule, store):
    _, first = asked(url=PLAN, what="on", at=soon())
    _, second = asked(url=PLAN, at=soon(), operation_id="operation-2", **RAMP)
    assert people().post(f"{first}/approve").status_code == 303
    assert people().post(f"{second}/approve").status_code == 409
    assert "Something is scheduled for checkout in production already" in people().get(second).text
    assert len(store.scalars(select(FlagSchedule)).all()) == 1


def test_once_approved_any_other_change_makes_it_void_and_nothing_of_it_is_served(asked, people, guarded, schedule):
    _, url = asked(url=PLAN, what="on", at=soon())
    people().post(f"{url}/approve")
    assert guarded()["checkout", "production"].served is not None
    _, other = asked(url=SET, **VARIANTS, enabled="off", operation_id="operation-2")
    people().post(f"{other}/approve")
    assert (schedule().state, guarded()["checkout", "production"].served) == ("void", None)
    assert schedule().why == "The flag changed after it was approved, to version 2."


@pytest.fixture
def approved(asked, people, schedule, guarded):
    """`approved("off")`: that is to come in production, as others approved; the address that cancels it."""

    def planning(what):
        guarded(0)
        turned = ON | {"operation_id": "turned-first", "typed_key": "checkout", "view": "confirm"}
        version = 1 if what == "on" else 2
        if what == "off":
            people().post("/flags/checkout/in/production/toggle", data=turned)
        guarded(1)
        _, url = asked(url=PLAN, what=what, at=soon(), version=version)
        assert people().post(f"{url}/approve").status_code == 303
        return f"/flags/schedules/{schedule().public_id}/cancel"

    return planning


def test_what_others_approved_others_give_up_too(approved, people, schedule, guarded):
    cancel, asker, form = approved("off"), people(), {"reason": "not on a Friday"}
    served = guarded()["checkout", "production"].served
    assert people("viewer").post(cancel, data=form).status_code == 403
    assert asker.post(cancel).status_code == 422
    url, again = (asker.post(cancel, data=form).location for _ in range(2))
    assert (url, url[:11]) == (again, "/approvals/")
    assert (schedule().state, guarded()["checkout", "production"].served) == ("pending", served)
    assert "Ask to cancel the schedule" in asker.get("/flags/checkout").text
    assert "Cancel…" in asker.get("/flags/schedules").text
    assert "nothing more of it" in people().get(url).text
    assert asker.post(f"{url}/approve").status_code == 403
    assert people().post(f"{url}/approve").status_code == 303
    assert (schedule().state, guarded()["checkout", "production"].served) == ("cancelled", None)
    assert (schedule().ended_by[:9], schedule().why[:28]) == ("operator-", "not on a Friday (approved by")


def test_a_flag_that_is_off_stays_off_at_once_and_somebody_looks_at_it(approved, people, schedule, request_row):
    cancel, operator = approved("on"), people()
    assert "The flag stays off, without approval" in operator.get("/flags/checkout").text
    assert operator.post(cancel, data={"reason": "payments fail"}).location == "/flags/checkout"
    assert (schedule().state, schedule().why) == ("cancelled", "payments fail")
    assert (request_row().kind, request_row().state, request_row().reason) == ("review", "open", "payments fail")
    assert "did this at once" in operator.get("/flags/checkout").text


def test_giving_up_what_is_over_already_is_void(approved, people, schedule):
    url = people().post(approved("off"), data={"reason": "not on a Friday"}).location
    turned = {"enabled": "off", "version": 2, "operation_id": "operation-3", "reason": "x", "typed_key": "checkout"}
    assert people().post("/flags/checkout/in/production/toggle", data=turned | {"view": "confirm"}).status_code == 303
    assert schedule().state == "void"
    assert "What was scheduled is over, or was given up already." in people().get(url).text
    assert people().post(f"{url}/approve").status_code == 409


def test_what_nobody_approved_is_cancelled_by_one(guarded, people, schedule):
    guarded(0)
    operator = people()
    plan = ON | {"what": "on", "at": soon(), "typed_key": "checkout"}
    assert operator.post(PLAN, data=plan).location == "/flags/checkout"
    guarded(1)
    assert operator.post(f"/flags/schedules/{schedule().public_id}/cancel").status_code == 303
    assert schedule().state == "cancelled"


def test_a_second_click_asks_once(asked, people, store):
    asker, _ = asked(url=PLAN, what="on", at=soon())
    again = {"what": "on", "version": 1, "operation_id": "operation-1", "reason": "launch day", "at": soon()}
    assert asker.post(PLAN, data=again).status_code == 303
    assert len(store.scalars(select(ChangeRequest)).all()) == 1
