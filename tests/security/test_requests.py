"""What every answer carries, and which writes are taken for our own."""

import re

import pytest
from flask import Flask

from dashboard.security.access import init_app
from dashboard.security.guards import public
from dashboard.security.headers import FIXED
from dashboard.settings import load_settings

POLICY = re.compile(
    r"default-src 'none'; script-src 'nonce-[\w-]{24}'; style-src 'self'; img-src 'self'; font-src 'self'; "
    r"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    r"require-trusted-types-for 'script'; trusted-types htmx"
)


@public
def fail() -> str:
    raise RuntimeError


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/settings/account", 200),
        ("GET", "/settings/sessions?format=csv", 200),
        ("GET", "/no-such-page", 404),
        ("GET", "/logout", 405),
        ("GET", "/settings/people", 403),
        ("GET", "/settings/sessions?page=0", 422),
        ("GET", "/static/no-such-file", 404),
        ("GET", "/healthz", 200),
        ("OPTIONS", "/settings/people", 200),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"HX-Request-Type": "partial"}])
def test_every_answer_carries_the_security_headers(as_viewer, method, path, status, headers) -> None:
    answer = as_viewer.open(path, method=method, headers=headers)
    assert answer.status_code == status
    assert POLICY.fullmatch(answer.headers["Content-Security-Policy"])
    assert {name: answer.headers[name] for name in FIXED} == FIXED
    answer.close()


def test_an_unexpected_error_carries_them_too_and_tells_nothing(cloned_store: Flask, sign_in) -> None:
    cloned_store.add_url_rule("/broken", "broken", fail)
    answer = sign_in(cloned_store, "viewer").get("/broken")
    assert answer.status_code == 500
    assert POLICY.fullmatch(answer.headers["Content-Security-Policy"])
    assert "RuntimeError" not in answer.text


def test_each_response_has_a_nonce_of_its_own_and_its_scripts_carry_it(as_viewer) -> None:
    first, second = as_viewer.get("/settings/account"), as_viewer.get("/settings/account")
    nonces = [re.search(r"nonce-([\w-]+)'", one.headers["Content-Security-Policy"])[1] for one in (first, second)]
    assert nonces[0] != nonces[1]
    assert set(re.findall(r'nonce="([^"]*)"', first.text)) == {nonces[0]}
    assert len(re.findall(r"<script\b", first.text)) == len(re.findall(r'<script [^>]*nonce="', first.text))


def test_a_persons_pages_are_never_kept(as_viewer, app: Flask) -> None:
    assert as_viewer.get("/settings/account").headers["Cache-Control"] == "no-store"
    with as_viewer.get("/static/icons.svg") as answer:
        assert answer.headers["Cache-Control"] != "no-store"


def test_only_https_promises_https(app: Flask) -> None:
    client = app.test_client()
    assert "Strict-Transport-Security" not in client.get("/login").headers
    secure = client.get("/login", base_url="https://localhost")
    assert secure.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"


def test_a_write_without_the_token_changes_nothing(as_admin) -> None:
    form = {"email": "eve@example.org", "role": "admin", "password": "violet tram under snow"}
    answer = as_admin.post("/settings/people", data=form, csrf=False)
    assert answer.status_code == 400
    assert "Reload it and try again." in answer.text
    assert as_admin.get("/settings/people?format=json&q=eve").json["total"] == 0


def test_a_token_of_another_session_is_refused(as_admin, as_viewer) -> None:
    as_viewer.csrf_token = as_admin.csrf_token
    assert as_viewer.post("/logout").status_code == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "same-site"}, 400),
        ({"Sec-Fetch-Site": "cross-site"}, 400),
        ({"Sec-Fetch-Site": "none"}, 400),
        ({"Sec-Fetch-Site": "cross-site", "HX-Request": "true", "Origin": "http://localhost"}, 400),
        ({"Origin": "http://localhost"}, 303),
        ({"Origin": "https://localhost"}, 400),
        ({"Origin": "http://localhost:8000"}, 400),
        ({"Origin": "null"}, 400),
    ],
)
def test_a_write_from_another_site_is_refused_even_with_the_token(as_viewer, headers, status) -> None:
    assert as_viewer.post("/logout", headers=headers).status_code == status


def test_a_proxy_that_was_configured_is_believed(cloned_store: Flask) -> None:
    init_app(cloned_store, load_settings({"PILOTHOUSE_PROXIES": "1", "PILOTHOUSE_TRUSTED_HOSTS": "pilot.example"}))
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "pilot.example", "X-Forwarded-For": "192.0.2.7"}
    answer = cloned_store.test_client().get("/login", headers=forwarded)
    assert answer.headers["Set-Cookie"].startswith("__Host-pilothouse=")
    wrong = cloned_store.test_client().get("/login", headers=forwarded | {"X-Forwarded-Host": "evil.example"})
    assert wrong.status_code == 400
