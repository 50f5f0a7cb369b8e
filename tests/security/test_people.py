"""Accounts: added, changed and disabled by admins; the last admin stays; one's own password."""

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.security.edits import create_account, ensure_first_admin
from dashboard.security.models import Account, AuditEntry, BrowserSession
from dashboard.security.passwords import matches, weakness
from dashboard.settings import load_settings
from dashboard.store import db

GOOD = "violet tram under snow"
EVE = {"email": "eve@example.org", "name": "Eve", "role": "viewer", "password": GOOD}


@pytest.fixture(autouse=True)
def _cheap(app: Flask) -> None:
    app.config["ARGON2_MEMORY_KIB"] = 64


@pytest.fixture
def eve(app: Flask, store: Session) -> Account:
    with app.app_context():
        create_account(**EVE)
        db.session.commit()
    return store.scalars(select(Account).where(Account.email == EVE["email"])).one()


def last_entry(store: Session) -> AuditEntry:
    return store.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(1)).one()


def test_an_admin_adds_somebody_who_can_sign_in(as_admin, client, store: Session) -> None:
    assert as_admin.post("/settings/people", data=EVE).location == "/settings/people"
    assert client.post("/login", data=EVE).status_code == 303
    added = store.scalars(select(AuditEntry).order_by(AuditEntry.seq)).first()
    assert added.author.startswith("admin-")
    assert added.after == {"email": "eve@example.org", "name": "Eve", "role": "viewer"}


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"email": "eve"}, "email"),
        ({"email": "@"}, "email"),
        ({"email": ""}, "email"),
        ({"email": "EVE@example.org"}, "email"),
        ({"email": "a\x00b@example.org"}, "email"),
        ({"name": "x" * 101}, "name"),
        ({"role": "owner"}, "role"),
        ({"password": "too short"}, "password"),
        ({"password": "passwordpassword"}, "password"),
    ],
)
def test_what_cannot_be_used_is_422_and_names_the_field(as_admin, eve, form, field) -> None:
    asked = EVE | {"email": "other@example.org"} | form
    page = as_admin.fragment.post("/settings/people", data=asked)
    assert (page.status_code, f'id="{field}-error"' in page.text) == (422, True)
    assert GOOD not in page.text
    assert as_admin.get("/settings/people?format=json&q=example.org&role=viewer").json["total"] == 1


def test_a_new_role_is_recorded_and_ends_the_sessions(as_admin, client, eve, store: Session) -> None:
    client.post("/login", data=EVE)
    row = as_admin.fragment.post(f"/settings/people/{eve.id}/role", data={"role": "operator", "version": "1"})
    assert f'id="person-{eve.id}"' in row.text
    assert client.get("/settings/account").status_code == 303
    entry = last_entry(store)
    assert (entry.action, entry.before, entry.after) == ("account.role", {"role": "viewer"}, {"role": "operator"})


def test_two_admins_do_not_overwrite_each_other(as_admin, eve, store: Session) -> None:
    url = f"/settings/people/{eve.id}"
    assert as_admin.post(f"{url}/role", data={"role": "operator", "version": "1"}).status_code == 303
    late = as_admin.post(f"{url}/disable", data={"version": "1"})
    assert late.status_code == 409
    assert "Somebody changed eve@example.org in the meantime" in late.text
    assert store.scalar(select(Account.active).where(Account.id == eve.id)) is True


def test_disabling_ends_sessions_and_a_second_click_does_nothing(as_admin, client, eve, store: Session) -> None:
    client.post("/login", data=EVE)
    assert as_admin.post(f"/settings/people/{eve.id}/disable", data={"version": "1"}).status_code == 303
    assert store.scalars(select(BrowserSession).where(BrowserSession.account_id == eve.id)).all() == []
    again = as_admin.post(f"/settings/people/{eve.id}/disable", data={"version": "2"})
    assert again.status_code == 303
    assert [one.action for one in store.scalars(select(AuditEntry))].count("account.disable") == 1
    assert as_admin.post(f"/settings/people/{eve.id}/enable", data={"version": "2"}).status_code == 303
    assert last_entry(store).action == "account.enable"


def test_the_last_admin_cannot_be_lost(as_admin, store: Session) -> None:
    admin = store.scalars(select(Account).where(Account.role == "admin")).one()
    for action, form in (("role", {"role": "viewer"}), ("disable", {})):
        refused = as_admin.post(f"/settings/people/{admin.id}/{action}", data=form | {"version": str(admin.version)})
        assert refused.status_code == 422
        assert "is the last admin" in refused.text


def test_a_reset_password_is_shown_once_and_works(as_admin, client, eve, app: Flask, store: Session) -> None:
    page = as_admin.post(f"/settings/people/{eve.id}/reset-password", data={"version": "1"}).text
    password = page.split("<code>")[1].split("</code>")[0]
    store.expire_all()
    with app.app_context():
        assert matches(eve.password_hash, password)
    assert (last_entry(store).action, last_entry(store).after) == ("account.reset_password", None)


@pytest.mark.parametrize("action", ["role", "disable", "enable", "reset-password"])
def test_an_unknown_account_is_404_and_a_version_is_needed(as_admin, eve, action) -> None:
    form = {"role": "viewer", "version": "1"}
    assert as_admin.post(f"/settings/people/999999/{action}", data=form).status_code == 404
    assert as_admin.post(f"/settings/people/{eve.id}/{action}", data=form | {"version": "x"}).status_code == 422


def test_changing_ones_password_takes_the_present_one_and_ends_the_other_sessions(client, eve, store) -> None:
    client.post("/login", data=EVE)
    page = client.get("/settings/account").text
    client.csrf_token = page.split('name="csrf_token" value="')[1].split('"')[0]
    change = {"current": GOOD, "new": "quiet harbour nine lamps", "again": "quiet harbour nine lamps"}
    wrong = client.post("/settings/account/password", data=change | {"current": "x", "again": "y"})
    assert wrong.status_code == 422
    assert all(f'id="{field}-error"' in wrong.text for field in ("current", "again"))
    before = client.get_cookie("pilothouse").value
    assert client.post("/settings/account/password", data=change).status_code == 303
    assert client.get_cookie("pilothouse").value != before
    assert len(store.scalars(select(BrowserSession).where(BrowserSession.account_id == eve.id)).all()) == 1
    assert last_entry(store).action == "account.password"


def test_guessing_the_present_password_is_slowed_down_too(as_viewer) -> None:
    answers = [as_viewer.post("/settings/account/password", data={"current": "x", "new": GOOD}) for _ in range(7)]
    assert [answer.status_code for answer in answers] == [422] * 6 + [429]
    assert int(answers[-1].headers["Retry-After"]) in {1, 2}


@pytest.mark.parametrize(
    "password",
    [
        "", "short", "fourteen chars", "x" * 1025, "x1y2" * 256, "passwordpassword", "P@ssw0rd-P@ssw0rd!",
        "123456789012345", "aaaaaaaaaaaaaaaaaaaa", "abcabcabcabcabcabc", "qwertyuiopasdfghjkl",
        "correct horse battery staple", "pilothouse-2026-password", "eve@example.org", "abcdefghijklmnop",
        "Welcome Summer 2026!!",
    ],
)  # fmt: skip
def test_weak_passwords_are_refused(password) -> None:
    assert weakness(password, "eve@example.org") is not None


@pytest.mark.parametrize("password", [GOOD, "k3J-9fQ_x1Zb-77aP", "ünïcödé wörds ärë fïne", "операция ы домик тут"])
def test_long_and_foreign_passwords_are_fine(password) -> None:
    assert weakness(password, "eve@example.org") is None


def test_the_first_admin_is_made_once(app: Flask, store: Session) -> None:
    with app.app_context():
        email, password = ensure_first_admin(load_settings({}))
        assert (email, len(password)) == ("admin@localhost", 23)
        assert ensure_first_admin(load_settings({"PILOTHOUSE_ADMIN_EMAIL": "b@c.d"})) == ("admin@localhost", None)
    assert store.scalars(select(Account.role)).all() == ["admin"]


def test_the_first_admin_comes_from_the_settings(app: Flask, client) -> None:
    chosen = {"PILOTHOUSE_ADMIN_EMAIL": "boss@example.org", "PILOTHOUSE_ADMIN_PASSWORD": GOOD}
    with app.app_context():
        assert ensure_first_admin(load_settings(chosen)) == ("boss@example.org", None)
    assert client.post("/login", data={"email": "boss@example.org", "password": GOOD}).status_code == 303
