"""An admin says for each environment whether recent contexts are kept; nobody else, and not by default."""

from sqlalchemy import select

from dashboard.security.models import AuditEntry

EDIT = "/settings/environments/staging"
FORM = {"version": 1, "name": "Staging", "color": "amber", "position": "2"}


def listed(browser):
    rows = browser.get("/settings/environments?format=json").json["rows"]
    return {row["slug"]: row["keeps_contexts"] for row in rows}


def test_an_admin_chooses_it_and_that_is_written_down(as_admin, as_viewer, places, store):
    assert set(listed(as_viewer).values()) == {False}
    assert "checked" not in as_admin.get(f"{EDIT}/edit").text.split("keeps_contexts")[1].split(">")[0]
    assert as_admin.post(EDIT, data=FORM | {"keeps_contexts": "on"}).status_code == 303
    assert [slug for slug, keeps in listed(as_viewer).items() if keeps] == ["staging"]
    assert "checked" in as_admin.get(f"{EDIT}/edit").text.split('name="keeps_contexts"')[1].split(">")[0]
    assert as_viewer.get("/settings/environments").text.count("keeps recent contexts") == 1
    entry = store.scalars(select(AuditEntry).where(AuditEntry.action == "environment.change")).one()
    assert (entry.before["keeps_contexts"], entry.after["keeps_contexts"]) == (False, True)


def test_an_operator_may_not_choose_it(as_operator, places):
    assert as_operator.post(EDIT, data=FORM | {"keeps_contexts": "on"}).status_code == 403
    assert set(listed(as_operator).values()) == {False}
