"""Roles per environment: who grants them, what they replace, and that pages and guards go by them."""

import pytest
from sqlalchemy import select

from dashboard.security.models import Account, AuditEntry, EnvironmentRole
from dashboard.targets.models import Environment
from tests.flags.conftest import flags  # noqa: F401 - a fixture works where it is imported

TURN = {"enabled": "on", "version": 1, "operation_id": "operation-1", "reason": "launch", "typed_key": "checkout"}
ROLES = "/settings/people/roles"
VARIANTS = {"variant_name": ["on", "off"], "variant_value": ["true", "false"], "default": "0"}


@pytest.fixture
def account(store, flags, as_admin):  # noqa: F811
    """The id of the account whose role everywhere is this one."""
    return lambda role: store.scalars(
        select(Account.id).where(Account.email.startswith(role)).order_by(Account.id)
    ).one()


@pytest.fixture
def grant(as_admin, account):
    def granted(role, **wanted):
        form = {f"role.{slug}": there for slug, there in wanted.items()}
        answer = as_admin.post(f"/settings/people/{account(role)}/roles", data={"version": 1} | form)
        assert answer.status_code == 303, answer.text

    return granted


def turn(browser, slug, operation="operation-1"):
    return browser.post(f"/flags/checkout/in/{slug}/toggle", data=TURN | {"operation_id": operation}).status_code


def test_a_grant_takes_the_place_of_the_role_everywhere_be_it_more(as_viewer, grant):
    assert (turn(as_viewer, "staging"), turn(as_viewer, "production")) == (403, 403)
    grant("viewer", staging="operator")
    assert (turn(as_viewer, "staging"), turn(as_viewer, "production")) == (303, 403)


def test_or_less(as_operator, grant):
    grant("operator", production="viewer")
    refused = as_operator.post("/flags/checkout/in/production/toggle", data=TURN)
    assert refused.status_code == 403
    assert "takes the role “operator” in production; yours is “viewer” there" in refused.text
    assert turn(as_operator, "staging") == 303


def test_pages_offer_only_what_one_may(as_operator, as_viewer, grant):
    grant("operator", production="viewer")
    grant("viewer", staging="operator")
    for page in ("/flags", "/flags/checkout"):
        for browser, may, may_not in ((as_operator, "staging", "production"), (as_viewer, "staging", "production")):
            shown = browser.get(page).text
            assert f'action="/flags/checkout/in/{may}/toggle"' in shown
            assert f"/flags/checkout/in/{may_not}/" not in shown
    assert "to=production" not in as_operator.get("/flags/checkout").text
    assert "/flags/segments/production/new" not in as_operator.get("/flags/segments").text
    assert "/flags/segments/staging/new" in as_viewer.get("/flags/segments").text


@pytest.mark.parametrize(
    "url",
    [
        "/flags/checkout/in/production",
        "/flags/checkout/in/production/confirm?enabled=on",
        "/flags/checkout/in/production/revert?to=1",
        "/flags/checkout/promote?from=staging&to=production",
        "/flags/segments/production/new",
    ],
)
def test_forms_of_an_environment_ask_for_the_role_there(as_operator, grant, url):
    assert as_operator.get(url).status_code == 200
    grant("operator", production="viewer")
    assert as_operator.get(url).status_code == 403


def test_promoting_asks_for_the_role_where_it_goes_to_and_that_place_has_to_be_named(as_operator, grant):
    form = {"from": "staging", "source_version": 1, "version": 1, "operation_id": "operation-1"}
    form |= {"reason": "launch", "typed_key": "checkout"}
    assert as_operator.post("/flags/checkout/promote", data=form).status_code == 422
    grant("operator", production="viewer")
    for url in ("/flags/checkout/promote", "/flags/compare"):
        assert as_operator.post(url, data=form | {"to": "production"}).status_code == 403
    # The address counts before the form, for the guard as for the view.
    assert as_operator.post("/flags/checkout/promote?to=production", data=form | {"to": "staging"}).status_code == 403


def test_a_new_flag_is_set_only_where_one_may(as_operator, grant, store):
    grant("operator", production="viewer")
    form = {"key": "fresh", "type": "boolean", "operation_id": "operation-1", "environments": ["staging", "production"]}
    assert as_operator.post("/flags", data=form | VARIANTS).status_code == 403
    assert as_operator.get("/flags/fresh").status_code == 404
    assert as_operator.post("/flags", data=form | VARIANTS | {"environments": ["staging"]}).status_code == 303


def test_a_file_adds_no_flag_for_who_is_an_operator_in_some_environments_only(as_viewer, as_operator, grant):
    grant("viewer", staging="operator")
    file = '{"flags": {"%s": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"}}}'
    for url in ("/flags/import/preview", "/flags/import"):
        refused = as_viewer.post(url, data={"environment": "staging", "text": file % "fresh"})
        assert (refused.status_code, "fresh is new: adding flags takes the role" in refused.text) == (422, True)
    assert as_operator.get("/flags/fresh").status_code == 404
    known = {"environment": "staging", "text": file % "checkout"}
    assert as_viewer.post("/flags/import/preview", data=known).status_code == 200


def test_a_granted_admin_pins_bucketing_there_and_manages_nobody(as_viewer, grant):
    grant("viewer", staging="admin")
    form = {"bucketing": "v3", "version": 1, "reason": "all on Python", "typed_key": "staging"}
    assert as_viewer.post("/flags/bucketing/staging", data=form).status_code == 303
    assert as_viewer.post("/flags/bucketing/production", data=form | {"typed_key": "production"}).status_code == 403
    assert as_viewer.get(ROLES).status_code == 403


def test_granting_is_written_down_and_taken_back(as_admin, as_viewer, account, store):
    url = f"/settings/people/{account('viewer')}/roles"
    row = as_admin.fragment.post(url, data={"version": 1, "role.staging": "operator", "role.production": "admin"})
    assert (row.text.strip().startswith('<tr id="roles-'), "saved" in row.text) == (True, True)
    people = as_admin.get(f"{ROLES}?format=json&environment=staging").json
    everywhere = {"development": "viewer", "staging": "operator", "production": "admin"}
    assert [row["environments"] for row in people["rows"]] == [everywhere]
    told = as_admin.get(f"{ROLES}?format=csv&q=viewer-").text.splitlines()[1]
    assert told.endswith("viewer,true,viewer,operator,admin")
    assert as_admin.post(url, data={"version": 2, "role.staging": ""}).status_code == 303
    entry = store.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(1)).one()
    assert (entry.action, entry.before, entry.after) == (
        "account.environment_roles", {"staging": "operator", "production": "admin"}, {"production": "admin"},
    )  # fmt: skip
    assert list(store.scalars(select(EnvironmentRole.role))) == ["admin"]


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"version": 1, "role.staging": "owner"}, 422),
        ({"version": 1, "role.nowhere": "admin"}, 422),
        ({"version": "x", "role.staging": "admin"}, 422),
        ({"version": 7, "role.staging": "admin"}, 409),
    ],
)
def test_what_cannot_be_granted_is_refused(as_admin, as_viewer, account, store, form, status):
    for browser in (as_admin, as_admin.fragment):
        assert browser.post(f"/settings/people/{account('viewer')}/roles", data=form).status_code == status
    assert as_admin.post("/settings/people/99999/roles", data={"version": 1}).status_code == 404
    assert list(store.scalars(select(EnvironmentRole.role))) == []


def test_granting_is_for_admins(as_operator, client, account):
    url = f"/settings/people/{account('operator')}/roles"
    form = {"version": 1, "role.production": "admin"}
    assert as_operator.post(url, data=form).status_code == 403
    assert client.post(url, data=form).status_code in {303, 401}


def test_roles_come_along_with_the_session(as_operator, grant, app, queries):
    with queries(app) as before:
        as_operator.get("/flags/segments")
    grant("operator", production="viewer", staging="admin")
    with queries(app) as after:
        as_operator.get("/flags/segments")
    assert len(after) == len(before)


def test_an_environment_that_goes_takes_its_roles_along(as_admin, as_viewer, grant, store):
    store.add(Environment(slug="trial", name="Trial", color="blue", position=9))
    store.commit()
    grant("viewer", trial="operator")
    assert as_admin.post("/settings/environments/trial/remove").status_code == 303
    assert list(store.scalars(select(EnvironmentRole.role))) == []
