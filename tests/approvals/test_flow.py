"""A change that waits: asked for, approved by others and thereby made, or void as soon as it stands no longer."""

import pytest
from sqlalchemy import select, update

from dashboard.approvals import edits
from dashboard.approvals.models import ChangeRequest
from dashboard.changes.models import Change
from dashboard.flags.models import FlagVersion
from dashboard.security.models import Account, AuditEntry, EnvironmentRole
from dashboard.store import db
from dashboard.targets.models import Environment
from tests.approvals.conftest import ON, TURN

VARIANTS = {"variant_name": ["on", "off"], "variant_value": ["true", "false"], "default": "1"}
SET = "/flags/checkout/in/production/set"


def in_production(flags):
    setting = flags["checkout", "production"]
    return setting.enabled, setting.version


def test_a_change_waits_until_somebody_else_approves_and_is_then_the_asker_s(asked, guarded, people, store):
    asker, url = asked()
    assert in_production(guarded()) == (False, 1)
    approver = people()
    assert approver.post(f"{url}/approve", data={"comment": "seen"}).location == url
    assert in_production(guarded()) == (True, 2)
    version = store.scalars(select(FlagVersion).where(FlagVersion.version == 2)).one()
    lane = store.scalars(select(Change).where(Change.title == "checkout turned on in production")).one()
    audited = store.scalars(select(AuditEntry).where(AuditEntry.action == "flag.toggle")).one()
    did = dict(store.execute(select(AuditEntry.action, AuditEntry.author)).all())
    askers, approvers = did["approval.ask"], did["approval.approve"]
    assert askers != approvers
    for told in (version, lane, audited):
        assert told.author == askers
    assert version.reason == lane.detail["reason"] == audited.reason == f"launch day (approved by {approvers})"
    assert "It was approved and made: version 2" in asker.get(url).text


def test_nobody_approves_their_own(asked, guarded):
    asker, url = asked()
    answer = asker.post(f"{url}/approve")
    assert (answer.status_code, "somebody else has to approve it" in answer.text) == (403, True)
    assert "somebody else has to approve it" in asker.get(url).text
    assert asker.post(f"{url}/reject", data={"comment": "no"}).status_code == 403
    assert in_production(guarded()) == (False, 1)


def test_two_approvals_take_two_people(asked, guarded, people):
    guarded(2)
    _, url = asked()
    first = people()
    for _ in range(2):
        assert first.post(f"{url}/approve").status_code == 303
    assert in_production(guarded(2)) == (False, 1)
    assert "You have approved it" in first.get(url).text
    assert people("admin").post(f"{url}/approve").status_code == 303
    assert in_production(guarded(2)) == (True, 2)


def test_a_request_that_enough_have_approved_by_now_is_made_when_one_of_them_says_so_again(asked, guarded, people):
    guarded(2)
    _, url = asked()
    first = people()
    first.post(f"{url}/approve")
    guarded(1)
    assert "Approve and make the change" in first.get(url).text
    assert first.post(f"{url}/approve").status_code == 303
    assert in_production(guarded()) == (True, 2)


def test_an_approval_of_somebody_who_lost_the_right_does_not_count(asked, guarded, people, store):
    guarded(2)
    _, url = asked()
    first = people()
    first.post(f"{url}/approve")
    newest = store.scalars(select(Account.id).order_by(Account.id.desc()).limit(1)).one()
    place = store.scalars(select(Environment.id).where(Environment.slug == "production")).one()
    store.add(EnvironmentRole(account_id=newest, environment_id=place, role="viewer"))
    store.commit()
    assert people().post(f"{url}/approve").status_code == 303
    assert in_production(guarded(2)) == (False, 1)
    assert first.post(f"{url}/approve").status_code == 403
    assert "may not any more" in first.get(url).text
    assert people().post(f"{url}/approve").status_code == 303
    assert in_production(guarded(2)) == (True, 2)


def test_two_clicks_ask_once_and_approve_once(asked, guarded, people, store):
    asker, url = asked()
    again = asker.post(TURN, data=ON)
    assert again.status_code == 303
    assert len(store.scalars(select(ChangeRequest)).all()) == 1
    approver = people()
    for _ in range(2):
        assert approver.post(f"{url}/approve").status_code == 303
    assert in_production(guarded()) == (True, 2)
    assert people().post(f"{url}/approve").status_code == 409


@pytest.mark.parametrize(
    ("url", "form"),
    [
        (SET, VARIANTS | {"enabled": "off"}),
        ("/flags/checkout/promote", {"from": "staging", "to": "production", "source_version": 2}),
        ("/flags/compare", {"from": "staging", "to": "production", "flags": ["checkout:2:1"]}),
    ],
)
def test_editing_and_promoting_wait_too(asked, guarded, people, url, form):
    asker = people()
    asker.post("/flags/checkout/in/staging/toggle", data=ON | {"operation_id": "in-staging"})
    _, there = asked(asker, url, **form)
    assert in_production(guarded()) == (False, 1)
    assert people().post(f"{there}/approve").status_code == 303
    assert guarded()["checkout", "production"].version == 2


def test_reverting_waits_too(asked, guarded, people):
    guarded(0)
    operator = people()
    operator.post(TURN, data=ON | {"typed_key": "checkout"})
    guarded(1)
    _, url = asked(operator, "/flags/checkout/in/production/revert", to=1, version=2, operation_id="operation-2")
    people().post(f"{url}/approve")
    assert in_production(guarded()) == (False, 3)


def test_a_new_flag_waits_where_others_approve_and_is_there_where_not(asked, guarded, people):
    form = {"key": "fresh", "type": "boolean", "environments": ["staging", "production"]}
    _, url = asked(people(), "/flags", **form, **VARIANTS)
    flags = guarded()
    assert flags["fresh", "staging"].version == 1
    assert people().get(url).text.count("not set there") == 1
    people().post(f"{url}/approve")
    assert flags["fresh", "production"].version == 1


def test_many_promoted_at_once_are_asked_for_one_by_one(guarded, people, store, app):
    from tests.flags.conftest import make_flag

    guarded(0)
    with app.app_context():
        make_flag("search")
    guarded(1)
    asker = people()
    for key in ("checkout", "search"):
        asker.post(f"/flags/{key}/in/staging/toggle", data=ON | {"operation_id": f"turning-{key}"})
    form = {"from": "staging", "to": "production", "flags": ["checkout:2:1", "search:2:1"], "operation_id": "promoting"}
    assert asker.post("/flags/compare", data=ON | form).location == "/approvals?state=open"
    assert sorted(store.scalars(select(ChangeRequest.subject))) == ["checkout", "search"]


def test_it_is_void_as_soon_as_the_flag_changed(asked, guarded, people):
    _, url = asked()
    _, other = asked(url=SET, **VARIANTS, enabled="off", operation_id="operation-2")
    people().post(f"{other}/approve")
    assert in_production(guarded()) == (False, 2)
    assert "It is void: checkout was changed in production since, by operator-" in people().get(url).text
    assert people().get("/approvals?format=json&state=void").json["total"] == 1
    assert people().post(f"{url}/approve").status_code == 409
    assert in_production(guarded()) == (False, 2)
    row = people().get("/approvals?format=json&state=void").json["rows"][0]
    assert (row["decided_by"][:9], row["decision"][:33]) == ("operator-", "checkout was changed in productio")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (update(Account).where(Account.email.like("operator-%")).values(active=False), "may not change flags"),
        (update(Account).where(Account.email.like("operator-%")).values(role="viewer"), "may not change flags"),
        (update(ChangeRequest).values(asked_at="2026-01-01"), "Nobody decided within 30 days"),
    ],
)
def test_it_is_void_when_the_asker_may_not_any_more_or_nobody_cared(asked, guarded, people, store, change, why):
    _, url = asked()
    store.execute(change)
    store.commit()
    admin = people("admin")
    answer = admin.post(f"{url}/approve")
    assert (answer.status_code, why in answer.text) == (409, True)
    row = admin.get("/approvals?format=json").json["rows"][0]
    assert (row["state"], why in row["decision"]) == ("void", True)
    assert in_production(guarded()) == (False, 1)


def test_it_is_void_when_the_flag_is_archived_and_stays_so(asked, guarded, people, app):
    _, url = asked()
    ended = {"reason": "gone", "typed_key": "checkout"}
    guarded(0)
    people().post("/flags/checkout/archive", data=ended | {"version": 1})
    guarded(1)
    with app.app_context():
        assert edits.tidy() == 1
        assert edits.tidy() == 0
        db.session.remove()
    guarded(0)
    people().post("/flags/checkout/restore", data=ended | {"version": 2})
    guarded(1)
    assert people().post(f"{url}/approve").status_code == 409
    assert in_production(guarded()) == (False, 1)


def test_what_became_invalid_meanwhile_is_void_and_changes_nothing(asked, guarded, people, store, request_row):
    _, url = asked()
    document = {"state": "ENABLED", "variants": {"on": True}, "defaultVariant": "on", "targeting": {"$ref": "beta"}}
    store.execute(update(ChangeRequest).values(document=document))
    store.commit()
    assert people().post(f"{url}/approve").status_code == 409
    assert (request_row().state, request_row().decision) == ("void", "There is no segment beta any more.")
    assert in_production(guarded()) == (False, 1)


def test_one_is_enough_where_approvals_are_needed_no_more(asked, guarded, people):
    _, url = asked()
    guarded(0)
    assert people().post(f"{url}/approve").status_code == 303
    assert in_production(guarded(0)) == (True, 2)


@pytest.mark.parametrize("kind", ["change", "review"])
def test_what_waits_goes_with_its_environment(asked, people, store, app, kind):
    _, url = asked()
    store.execute(update(ChangeRequest).values(kind=kind, environment_id=None))
    store.commit()
    assert "checkout or production is not there any more" in people().get(url).text
    with app.app_context():
        assert edits.tidy() == 1
        db.session.remove()
    row = people().get("/approvals?format=json").json["rows"][0]
    assert (row["state"], row["environment"], row["decided_by"]) == ("void", "production", None)
    assert "It is void" in people().get(url).text
