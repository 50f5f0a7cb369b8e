"""What load balancers and Prometheus are told, and that nothing is written on another schema."""

from html import unescape

import pytest
from sqlalchemy import text

from dashboard.store import db


@pytest.fixture
def behind(cloned_store):
    """An app whose store is one migration behind."""
    with cloned_store.app_context():
        db.session.execute(text("update alembic_version set version_num = '0001'"))
        db.session.commit()
    return cloned_store


def test_healthz_answers_without_the_store(client, queries, app):
    with queries(app) as seen:
        answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})
    assert seen == []


def test_readyz_answers_when_the_store_is_at_head(client):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"status": "ready"})


def test_readyz_says_that_the_schema_is_another(behind):
    answer = behind.test_client().get("/readyz")
    assert answer.status_code == 503
    assert "The store's schema is at 0001" in answer.json["reason"]


def test_readyz_says_that_the_store_does_not_answer(cloned_store, server):
    name = cloned_store.config["SQLALCHEMY_DATABASE_URI"].partition("?")[0].rpartition("/")[2]
    with server.connect() as connection:
        connection.execute(f'alter database "{name}" rename to "{name}_away"')
        answer = cloned_store.test_client().get("/readyz")
        connection.execute(f'alter database "{name}_away" rename to "{name}"')
    assert (answer.status_code, answer.json["reason"]) == (503, "The store does not answer.")


def test_another_schema_refuses_writes_but_not_reads(behind, sign_in):
    browser = sign_in(behind, "admin")
    refused = browser.post("/logout")
    assert refused.status_code == 503
    assert "Nothing was changed. The store's schema is at 0001" in unescape(refused.get_data(as_text=True))
    assert browser.get("/settings/account").status_code == 200


def test_metrics_are_open_metrics_for_this_machine(client, target):
    answer = client.get("/metrics")
    assert answer.content_type.startswith("application/openmetrics-text")
    lines = answer.get_data(as_text=True).splitlines()
    assert "pilothouse_store_up 1.0" in lines
    assert lines[-1] == "# EOF"


def test_metrics_name_the_state_and_lag_of_each_target(client, target, store):
    target.state = "reachable"
    target.collected_at = target.created_at
    store.commit()
    lines = client.get("/metrics").get_data(as_text=True).splitlines()
    assert 'pilothouse_target_reachable{target="shop"} 1.0' in lines
    assert any(line.startswith('pilothouse_collector_lag_seconds{target="shop"}') for line in lines)


def test_metrics_are_not_for_strangers(app):
    answer = app.test_client().get("/metrics", environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
    assert answer.status_code == 401


def test_metrics_say_when_the_store_is_down(cloned_store, server):
    name = cloned_store.config["SQLALCHEMY_DATABASE_URI"].partition("?")[0].rpartition("/")[2]
    with server.connect() as connection:
        connection.execute(f'alter database "{name}" rename to "{name}_away"')
        answer = cloned_store.test_client().get("/metrics")
        connection.execute(f'alter database "{name}_away" rename to "{name}"')
    assert "pilothouse_store_up 0.0" in answer.get_data(as_text=True).splitlines()
