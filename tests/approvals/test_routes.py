"""/approvals: the list, a request's page, and what is refused."""

import uuid

import pytest
from sqlalchemy import select, update

from dashboard.approvals.models import ChangeRequest
from dashboard.approvals.routes import SPEC
from dashboard.security.models import Account, AuditEntry, EnvironmentRole
from dashboard.targets.models import Environment

WRITES = ("approve", "reject", "withdraw", "reviewed")


def test_nothing_asked_for_is_said_so(as_viewer):
    assert "Nothing was ever asked for" in as_viewer.get("/approvals").text
    assert "Nothing fits" in as_viewer.get("/approvals?state=open").text


def test_the_list_tells_what_waits_where_and_how_far_it_is(asked, guarded, people, as_viewer):
    guarded(2)
    _, url = asked()
    people().post(f"{url}/approve")
    row = as_viewer.get("/approvals?format=json").json["rows"][0]
    assert (row["title"], row["flag"], row["environment"]) == (
        "checkout turned on in production", "checkout", "production",
    )  # fmt: skip
    assert (row["state"], row["approvals"], row["needed"], row["reason"]) == ("open", 1, 2, "launch day")
    assert "1 of 2" in as_viewer.get("/approvals").text
    assert "launch day" in as_viewer.get("/approvals?format=csv").text
    assert "<!doctype" not in as_viewer.fragment.get("/approvals").text


@pytest.mark.parametrize("sort", SPEC.sorts)
def test_it_sorts_and_filters(asked, as_viewer, sort):
    asked()
    for direction in ("asc", "desc"):
        assert as_viewer.get(f"/approvals?format=json&sort={sort}&dir={direction}").json["total"] == 1
    for found, total in (("q=LAUNCH", 1), ("q=%25", 0), ("environment=staging", 0), ("state=open&kind=change", 1)):
        assert as_viewer.get(f"/approvals?format=json&{found}").json["total"] == total
    assert as_viewer.get("/approvals?state=nothing").status_code == 422


def test_a_request_shows_the_difference_and_who_may_do_what(asked, people, as_viewer):
    asker, url = asked()
    for browser, button in ((asker, "Withdraw it"), (people(), "Approve and make the change"), (as_viewer, "yours is")):
        page = browser.get(url).text
        assert ("<del><code>off</code></del>" in page, button in page) == (True, True)
    assert "Approve and make" not in as_viewer.get(url).text
    assert "<!doctype" not in people().fragment.get(url).text


@pytest.mark.parametrize("action", WRITES)
def test_writes_refuse_strangers_viewers_get_and_what_is_not_there(asked, people, client, as_viewer, action):
    _, url = asked()
    form = {"comment": "why not"}
    assert client.post(f"{url}/{action}", data=form).status_code in {303, 401}
    assert as_viewer.post(f"{url}/{action}", data=form).status_code == 403
    assert as_viewer.fragment.post(f"{url}/{action}", data=form).headers["HX-Retarget"] == "#notices"
    operator = people()
    assert operator.get(f"{url}/{action}").status_code == 405
    for other in (uuid.uuid4(), "nothing", "%00"):
        assert operator.post(f"/approvals/{other}/{action}", data=form).status_code == 404
    assert operator.get(f"/approvals/{uuid.uuid4()}").status_code == 404
    assert operator.post(f"{url}/{action}", data=form, csrf=False).status_code == 400


def test_the_role_in_the_environment_counts(asked, people, store, guarded):
    _, url = asked()
    narrowed, granted = people(), people("viewer")
    place = store.scalars(select(Environment.id).where(Environment.slug == "production")).one()
    ids = list(store.scalars(select(Account.id).order_by(Account.id.desc()).limit(2)))
    for account_id, role in zip(ids, ("operator", "viewer"), strict=True):
        store.add(EnvironmentRole(account_id=account_id, environment_id=place, role=role))
    store.commit()
    assert narrowed.post(f"{url}/approve").status_code == 403
    assert granted.post(f"{url}/approve").status_code == 303
    assert guarded()["checkout", "production"].enabled is True


def test_rejecting_takes_a_reason_and_ends_it(asked, people, guarded, store):
    asker, url = asked()
    other = people()
    empty = other.post(f"{url}/reject", data={"comment": ""})
    assert (empty.status_code, "Say why" in empty.text) == (422, True)
    assert other.post(f"{url}/reject", data={"comment": "x" * 1001}).status_code == 422
    for _ in range(2):
        assert other.post(f"{url}/reject", data={"comment": "not on a Friday"}).status_code == 303
    assert "rejected it: not on a Friday" in asker.get(url).text
    assert people().post(f"{url}/approve").status_code == 409
    assert store.scalars(select(AuditEntry.reason).where(AuditEntry.action == "approval.reject")).one() == (
        "not on a Friday"
    )
    assert guarded()["checkout", "production"].version == 1


def test_only_whoever_asked_withdraws_and_then_it_is_over(asked, people):
    asker, url = asked()
    assert people().post(f"{url}/withdraw").status_code == 403
    for _ in range(2):
        assert asker.post(f"{url}/withdraw").location == url
    assert people().post(f"{url}/approve").status_code == 409
    assert "withdrew it" in people().get(url).text


def test_a_fragment_that_is_refused_lands_on_the_page(asked, people, store):
    _, url = asked()
    store.execute(update(ChangeRequest).values(base_version=7))
    store.commit()
    answer = people().fragment.post(f"{url}/approve")
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (409, "#main")
    assert people().post(f"{url}/reject", headers={"Accept": "application/json"}).json["error"]["fields"].keys() == {
        "comment"
    }


def test_where_too_few_may_approve_it_is_said_before_and_after(guarded, people, asked):
    guarded(3)
    asker = people()
    people()
    form = asker.get("/flags/checkout/in/production").text
    assert "3 other people have to agree first, and only 1 has the role operator in Production" in form
    _, url = asked(asker)
    assert "3 more approvals are needed, and 1 may still give one" in asker.get(url).text


def test_open_ones_stand_in_the_navigation_and_at_the_flag(asked, people, as_viewer):
    assert "open</span>" not in as_viewer.get("/flags").text
    asker, url = asked()
    assert 'aria-label="1 open"' in as_viewer.get("/flags").text
    for page in ("/flags/checkout", "/flags/checkout/in/production"):
        assert url in people().get(page).text
    assert url not in people().get("/flags/checkout/in/staging").text
    asker.post(f"{url}/withdraw")
    assert 'aria-label="1 open"' not in as_viewer.get("/flags").text


def test_forms_say_that_they_ask(guarded, people):
    operator = people()
    pages = ("", "/confirm?enabled=on", "/revert?to=1")
    for page in pages:
        shown = operator.get(f"/flags/checkout/in/production{page}").text
        assert ("Ask for approval" in shown) == (page != "/revert?to=1")
        assert "Type checkout to confirm" not in shown
    assert "Ask for approval" not in operator.get("/flags/checkout/in/staging").text


def test_a_reason_is_needed_to_ask(guarded, people):
    form = {"enabled": "on", "version": 1, "operation_id": "operation-1", "view": "confirm"}
    answer = people().post("/flags/checkout/in/production/toggle", data=form)
    assert (answer.status_code, "somebody else reads it to decide" in answer.text) == (422, True)


@pytest.mark.parametrize(("typed", "status"), [("2", 303), ("", 303), ("21", 422), ("x", 422)])
def test_admins_say_how_many_have_to_approve(as_admin, flags, store, typed, status):
    form = {"version": 1, "name": "Production", "color": "red", "position": "3", "is_production": "on"}
    answer = as_admin.post("/settings/environments/production", data=form | {"approvals_needed": typed})
    assert answer.status_code == status
    if typed == "2":
        entry = store.scalars(select(AuditEntry).where(AuditEntry.action == "environment.change")).one()
        assert (entry.before["approvals_needed"], entry.after["approvals_needed"]) == (0, 2)
        assert "who have the role operator here" in as_admin.get("/settings/environments/production/edit").text


def test_the_navigation_asks_one_question_for_both_counts(as_viewer, app, queries):
    with queries(app) as seen:
        as_viewer.get("/approvals")
    assert len([one for one in seen if "FROM alert" in one or "count(change_request.id)" in one]) == 1
