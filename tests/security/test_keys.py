"""API keys: shown once, scoped, expiring, never able to write."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from dashboard.security import tokens
from dashboard.security.key_edits import create_key
from dashboard.security.models import ApiKey, AuditEntry
from dashboard.store import db
from dashboard.targets.models import Environment


@pytest.fixture
def staging(store: Session) -> str:
    """An environment, whether or not a new store brings its own."""
    if not store.scalars(select(Environment).where(Environment.slug == "staging")).first():
        store.add(Environment(slug="staging", name="Staging", color="amber", position=9))
        store.commit()
    return "staging"


def made(app: Flask, **fields) -> str:
    with app.app_context():
        _, words = create_key(**({"name": "script", "kind": "read"} | fields))
        db.session.commit()
    return words


def ask(app: Flask, url: str, words: str, method: str = "GET", **headers: str):
    return app.test_client().open(url, method=method, headers={"Authorization": f"Bearer {words}"} | headers)


def test_a_read_key_reads_lists(app: Flask) -> None:
    words = made(app)
    assert words.startswith("ph_read_")
    answer = ask(app, "/audit?format=json", words)
    assert (answer.status_code, answer.json["rows"][0]["subject"]) == (200, "key:script")
    assert ask(app, "/audit?format=csv", words).mimetype == "text/csv"


@pytest.mark.parametrize("words", ["ph_read_wrong", "", "x" * 5000, "ph_flags_wrong"])
def test_an_unknown_key_is_401(app: Flask, words) -> None:
    answer = ask(app, "/audit?format=json", words)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("column", ["revoked_at", "expires_at"])
def test_a_revoked_or_expired_key_is_401(app: Flask, store: Session, column) -> None:
    words = made(app)
    store.execute(update(ApiKey).values({column: func.now() - timedelta(seconds=1)}))
    store.commit()
    assert ask(app, "/audit?format=json", words).status_code == 401


def test_no_key_is_accepted_where_something_is_written(app: Flask) -> None:
    words = made(app)
    for rule in app.url_map.iter_rules():
        right = getattr(app.view_functions[rule.endpoint], "right", None)
        if right and right.role and "POST" in rule.methods:
            path = rule.rule.replace("<int:", "<").translate({ord("<"): "", ord(">"): ""})
            assert ask(app, path, words, "POST").status_code in {403, 404, 405}, rule.rule


def test_a_key_does_not_reach_what_takes_an_admin(app: Flask) -> None:
    assert ask(app, "/settings/people?format=json", made(app)).status_code == 403


def test_a_flags_key_evaluates_and_reads_nothing(app: Flask, staging) -> None:
    words = made(app, kind="flags", environment=staging)
    assert ask(app, "/audit?format=json", words).status_code == 403
    with app.app_context():
        found = tokens.principal_of_key(words)
        assert (found.key_kind, found.author) == ("flags", "key:script")
        assert db.session.get(Environment, found.environment_id).slug == staging


def test_a_browser_key_is_refused_from_elsewhere_and_off_evaluation(app: Flask, staging) -> None:
    shop = "https://shop.example"
    words = made(app, kind="flags", environment=staging, browser=True, origins=[shop])
    assert ask(app, "/flags/v1/staging/flags.json", words, Origin=shop).status_code == 403
    for headers in ({}, {"Origin": "https://evil.example"}):
        assert ask(app, "/ofrep/v1/evaluate/flags", words, "POST", **headers).status_code == 403
    assert ask(app, "/ofrep/v1/evaluate/flags", words, "POST", Origin=shop).status_code not in {401, 403}


def test_use_is_noted_once_a_minute(app: Flask, store: Session, queries) -> None:
    words = made(app)
    ask(app, "/audit?format=json", words)
    assert store.scalar(select(ApiKey.used_at)) is not None
    with queries(app) as seen:
        ask(app, "/audit?format=json", words)
    assert not [one for one in seen if one.startswith("UPDATE")]


def test_a_key_is_shown_once_and_kept_as_a_hash(as_admin, store: Session) -> None:
    page = as_admin.post("/settings/keys", data={"name": "ci", "kind": "read", "expires_days": "30"}).text
    words = page.split("ph_read_")[1][:43]
    stored = store.scalars(select(ApiKey)).one()
    assert bytes(stored.key_hash) == tokens.hash_of(f"ph_read_{words}")
    assert words not in as_admin.get("/settings/keys").text
    assert words not in str(store.scalars(select(AuditEntry.after)).all())
    assert as_admin.get("/settings/keys?format=json").json["rows"][0]["prefix"] == stored.prefix


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"kind": "write"}, "kind"),
        ({"kind": "flags"}, "environment"),
        ({"kind": "flags", "environment": "nowhere"}, "environment"),
        ({"expires_days": "0"}, "expires_days"),
        ({"expires_days": "soon"}, "expires_days"),
        ({"browser": "on"}, "browser"),
        ({"origins": "https://shop.example"}, "origins"),
    ],
)
def test_what_cannot_be_used_is_422_and_names_the_field(as_admin, form, field) -> None:
    asked = {"name": "ci", "kind": "read"} | form
    page = as_admin.post("/settings/keys", data=asked)
    assert (page.status_code, f'id="{field}-error"' in page.text) == (422, True)
    machine = as_admin.post("/settings/keys", data=asked, headers={"Accept": "application/json"})
    assert list(machine.json["error"]["fields"]) == [field]
    assert as_admin.get("/settings/keys?format=json").json["total"] == 0


def test_revoking_is_for_good_and_recorded_once(as_admin, app: Flask, store: Session) -> None:
    words = made(app)
    key_id = store.scalar(select(ApiKey.id))
    row = as_admin.fragment.post(f"/settings/keys/{key_id}/revoke")
    assert "revoked" in row.text
    assert as_admin.post(f"/settings/keys/{key_id}/revoke").status_code == 303
    assert ask(app, "/audit?format=json", words).status_code == 401
    assert store.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)).all() == ["key.create", "key.revoke"]
    assert as_admin.post("/settings/keys/999999/revoke").status_code == 404


def test_metrics_are_for_this_machine_and_for_read_keys(app: Flask) -> None:
    words = made(app)
    here, elsewhere = {"REMOTE_ADDR": "127.0.0.1"}, {"REMOTE_ADDR": "192.0.2.7"}
    stranger = app.test_client()
    assert stranger.get("/metrics", environ_overrides=here).status_code == 200
    proxied = stranger.get("/metrics", environ_overrides=here, headers={"X-Forwarded-For": "192.0.2.7"})
    assert proxied.status_code == 401
    assert stranger.get("/metrics", environ_overrides=elsewhere).status_code == 401
    with_key = stranger.get("/metrics", environ_overrides=elsewhere, headers={"Authorization": f"Bearer {words}"})
    assert with_key.status_code == 200


@pytest.mark.parametrize(("browser", "shown"), [({}, True), ({"browser": "on", "origins": "https://a.example"}, False)])
def test_a_new_key_for_servers_comes_with_the_variables_that_providers_read(as_admin, staging, browser, shown) -> None:
    form = {"name": "shop", "kind": "flags", "environment": staging} | browser
    page = as_admin.post("/settings/keys", data=form).text
    words = re.search(r"ph_flags_[\w-]+", page)[0]
    assert ("export OFREP_ENDPOINT=http://localhost\n" in page) is shown
    assert (f"OFREP_HEADERS=&#34;Authorization=Bearer%20{words}&#34;" in page) is shown
