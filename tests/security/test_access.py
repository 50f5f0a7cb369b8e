"""Deny by default: every route of the app, generated from its map, against everybody who might ask."""

import re

import pytest
from flask import Flask
from werkzeug.routing import Rule

from dashboard.security.guards import Right, includes, public, right_of

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}


def rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]


def right(app: Flask, rule: Rule) -> Right:
    found = right_of(app.view_functions[rule.endpoint])
    assert found is not None, rule.endpoint
    return found


def filled(rule: Rule) -> str:
    """An address of this rule; every parameter becomes 1, or the first word that it may be."""
    return re.sub(r"<(?:any\((\w+)[^<>]*\):)?[^<>]+>", lambda found: found[1] or "1", rule.rule)


def test_every_view_declares_its_right(app: Flask) -> None:
    assert [rule.endpoint for rule in rules(app) if right_of(app.view_functions[rule.endpoint]) is None] == []


def test_a_view_without_a_right_answers_nobody(cloned_store: Flask, sign_in) -> None:
    cloned_store.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    answer = sign_in(cloned_store, "admin").get("/forgotten")
    assert answer.status_code == 403
    assert "secret" not in answer.text


def test_only_these_views_are_public(app: Flask) -> None:
    open_to_all = {rule.rule for rule in rules(app) if right(app, rule).public}
    assert open_to_all <= {"/login", "/healthz", "/readyz", "/readyz/flags", "/preferences"}


def test_every_write_takes_an_operator_or_an_admin_or_is_about_oneself(app: Flask) -> None:
    own = ("/settings/account", "/settings/sessions", "/logout", "/preferences")
    asks = ("/flags/playground",)  # writes nothing: posted so that what is typed stands in no log
    for rule in rules(app):
        needed = right(app, rule)
        if rule.methods & UNSAFE and needed.role and not rule.rule.startswith(own + asks):
            assert includes(needed.role, "operator"), rule.rule


def test_every_change_of_flags_in_an_environment_asks_for_the_role_in_that_environment(app: Flask) -> None:
    for rule in rules(app):
        needed = right(app, rule)
        if rule.rule.startswith("/flags/") and "slug" in rule.arguments and needed.role not in {None, "viewer"}:
            assert needed.within == "slug", rule.rule
        if rule.endpoint.startswith("flags.promote.") and needed.role != "viewer":
            assert needed.within == "to", rule.rule


def test_nobody_reads_anything_without_signing_in(app: Flask) -> None:
    stranger = app.test_client()
    for rule in rules(app):
        needed = right(app, rule)
        if needed.public or needed.loopback or "GET" not in rule.methods:
            continue
        answer = stranger.get(filled(rule))
        expected = 303 if needed.role and not rule.rule.startswith(("/ofrep/", "/flags/v1/")) else 401
        assert answer.status_code == expected, rule.rule


def test_nobody_writes_anything_without_signing_in(client, app: Flask) -> None:
    for rule in rules(app):
        if right(app, rule).public:
            continue
        for method in rule.methods & UNSAFE:
            assert client.open(filled(rule), method=method).status_code in {303, 401}, rule.rule


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_a_role_is_refused_wherever_a_higher_one_is_needed(role, app: Flask, request) -> None:
    browser = request.getfixturevalue(f"as_{role}")
    for rule in rules(app):
        needed = right(app, rule)
        if needed.role is None or includes(role, needed.role):
            continue
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            assert browser.open(filled(rule), method=method).status_code == 403, rule.rule
            partial = browser.open(filled(rule), method=method, headers={"HX-Request-Type": "partial"})
            assert (partial.status_code, partial.headers["HX-Retarget"]) == (403, "#notices"), rule.rule


def test_asking_for_a_write_by_get_is_405(as_admin, app: Flask) -> None:
    readable = {rule.rule for rule in rules(app) if "GET" in rule.methods}
    for rule in rules(app):
        if not rule.methods & {"GET"} and rule.rule not in readable:
            assert as_admin.get(filled(rule)).status_code in {404, 405}, rule.rule


def test_whoever_is_not_signed_in_is_led_to_the_page_and_back(app: Flask) -> None:
    stranger = app.test_client()
    assert stranger.get("/audit?q=a%26b").location == "/login?next=%2Faudit%3Fq%3Da%2526b"
    partial = stranger.get("/audit", headers={"HX-Request-Type": "partial"})
    assert (partial.status_code, partial.headers["HX-Redirect"]) == (401, "/login?next=%2Faudit")
    machine = stranger.get("/audit?format=json")
    assert (machine.status_code, machine.json["error"]["message"]) == (401, "Sign in first.")


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "localhost:0", "a b", ""])
def test_a_foreign_host_name_is_refused(as_admin, host) -> None:
    answer = as_admin.get("/settings/account", headers={"Host": host})
    assert answer.status_code == 400
    assert "PILOTHOUSE_TRUSTED_HOSTS" in answer.text


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000"])
def test_loopback_names_are_trusted(app: Flask, host) -> None:
    assert app.test_client().get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["//settings/account", "/settings//account", "//evil.example/.."])
def test_double_slashes_are_no_address(as_admin, path) -> None:
    assert as_admin.get("/", environ_overrides={"PATH_INFO": path}).status_code == 404


def test_forwarded_headers_are_ignored_without_a_configured_proxy(app: Flask) -> None:
    answer = app.test_client().get("/login", headers={"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"})
    assert "Strict-Transport-Security" not in answer.headers
    assert "__Host-" not in answer.headers["Set-Cookie"]


def test_more_than_two_megabytes_are_refused(as_admin) -> None:
    assert as_admin.post("/settings/people", data={"email": "x" * 2_200_000}).status_code == 413


def test_declaring_a_right_keeps_the_view() -> None:
    def view() -> str:
        return "seen"

    assert public(view)() == "seen"
    assert right_of(view) == Right(public=True)
