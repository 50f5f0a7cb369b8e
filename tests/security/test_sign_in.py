"""Signing in: who may, who waits, what is written down."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from dashboard.security import passwords
from dashboard.security.edits import create_account
from dashboard.security.models import Account, AuditEntry, BrowserSession, FailedSignIn
from dashboard.security.sessions import hash_of
from dashboard.store import db

EMAIL = "ada@example.org"
PASSWORD = "violet tram under snow"


@pytest.fixture(autouse=True)
def _ada(app: Flask) -> None:
    app.config["ARGON2_MEMORY_KIB"] = 64
    with app.app_context():
        create_account(email=EMAIL, name="Ada", role="operator", password=PASSWORD)
        db.session.commit()


def sign_in(client, email=EMAIL, password=PASSWORD, **form):
    return client.post("/login", data={"email": email, "password": password} | form)


def test_the_right_password_opens_a_session_and_is_recorded(client, store: Session) -> None:
    answer = sign_in(client)
    assert (answer.status_code, answer.location) == (303, "/")
    assert client.get("/settings/account").status_code == 200
    entry = store.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(1)).one()
    assert (entry.action, entry.author, entry.subject) == ("account.sign_in", EMAIL, EMAIL)


def test_the_form_works_with_the_hidden_token_alone(client) -> None:
    page = client.get("/login").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    form = {"email": EMAIL.upper(), "password": PASSWORD, "csrf_token": token}
    assert client.post("/login", data=form, csrf=False).status_code == 303


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.org", "", "a\x00b", "ü@ö"])
def test_a_wrong_sign_in_says_one_sentence_whatever_was_wrong(client, email) -> None:
    answer = sign_in(client, email, "wrong words entirely")
    assert answer.status_code == 401
    assert "E-mail and password do not match an account." in answer.text
    assert "wrong words" not in answer.text


def test_whoever_is_signed_in_is_led_on(as_viewer) -> None:
    assert as_viewer.get("/login?next=/audit").location == "/audit"
    assert as_viewer.get("/login?next=//evil.example").location == "/"


def test_a_disabled_account_cannot_sign_in(client, store: Session) -> None:
    store.execute(update(Account).where(Account.email == EMAIL).values(active=False))
    assert sign_in(client).status_code == 401


def test_the_session_gets_a_new_id(client, store: Session) -> None:
    before = client.get_cookie("pilothouse").value
    sign_in(client)
    after = client.get_cookie("pilothouse").value
    assert before != after
    assert len(after) >= 43
    client.set_cookie("pilothouse", before)
    assert client.get("/settings/account").status_code == 303


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client) -> None:
    cookie = sign_in(client).headers["Set-Cookie"]
    assert cookie.startswith("pilothouse=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_behind_https_the_cookie_is_bound_to_this_host(app: Flask) -> None:
    client = app.test_client()
    cookie = client.get("/login", base_url="https://localhost").headers["Set-Cookie"]
    assert cookie.startswith("__Host-pilothouse=")
    assert "Secure; HttpOnly; Path=/; SameSite=Lax" in cookie
    assert "Domain" not in cookie


def test_after_six_failures_one_waits_and_is_told_how_long(client) -> None:
    statuses = [sign_in(client, password="wrong words entirely").status_code for _ in range(7)]
    assert statuses == [401] * 6 + [429]
    refused = sign_in(client)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) in {1, 2}


def test_the_wait_ends_by_itself(client, store: Session) -> None:
    for _ in range(7):
        sign_in(client, password="wrong words entirely")
    store.execute(update(FailedSignIn).values(at=func.now() - timedelta(seconds=3)))
    assert sign_in(client).status_code == 303
    counted = store.scalar(select(func.count()).select_from(FailedSignIn))
    assert counted == 6


@pytest.mark.parametrize(
    ("asked", "location"),
    [
        ("/t/shop/tables?q=a", "/t/shop/tables?q=a"),
        ("//evil.example/", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/a\r\nX: y", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_sign_in_leads_to_pages_of_ours_only(client, asked, location) -> None:
    assert sign_in(client, next=asked).location == location


def test_signing_out_ends_the_session_and_clears_the_browser(client, store: Session) -> None:
    sign_in(client)
    token = client.get_cookie("pilothouse").value
    page = client.get("/settings/account").text
    client.csrf_token = page.split('name="csrf_token" value="')[1].split('"')[0]
    answer = client.post("/logout")
    assert (answer.status_code, answer.headers["Clear-Site-Data"]) == (303, '"cache", "storage"')
    client.set_cookie("pilothouse", token)
    assert client.get("/settings/account").status_code == 303


def test_a_password_is_hashed_again_when_the_cost_has_changed(client, app: Flask, store: Session) -> None:
    app.config["ARGON2_MEMORY_KIB"] = 128
    assert sign_in(client).status_code == 303
    assert "m=128" in store.scalars(select(Account.password_hash).where(Account.email == EMAIL)).one()


def test_the_usual_cost_is_64_mib_of_argon2id(app: Flask) -> None:
    del app.config["ARGON2_MEMORY_KIB"]
    with app.app_context():
        assert passwords.hashed(PASSWORD).startswith("$argon2id$v=19$m=65536,t=2,p=1$")


def test_the_store_never_holds_the_id_of_a_session(client, store: Session) -> None:
    sign_in(client)
    token = client.get_cookie("pilothouse").value
    stored = store.scalars(select(BrowserSession.id_hash)).all()
    assert [bytes(one) for one in stored] == [hash_of(token)]
