"""Configuration as scripts and applications see it: exact JSON in, exact JSON out, refused with the field."""

import json
import time

import pytest
from sqlalchemy import select, update

from dashboard.approvals.models import ChangeRequest
from dashboard.flags.imports import ensure_environment
from dashboard.flags.wire import read_document
from dashboard.security.key_edits import create_key
from dashboard.store import db
from dashboard.targets.models import Environment

LIST = "/configuration"
JSON = {"Accept": "application/json"}


def test_scripts_create_read_set_and_list_exact_json(as_operator, places):
    body = '{"key": "limits", "environment": "staging", "value": {"b": 1e20, "a": -0.0}, "tags": ["x"]}'
    made = as_operator.post(LIST, data=body, content_type="application/json", headers=JSON)
    assert made.status_code == 201
    assert '"value":{"b":1e+20,"a":-0.0}' in made.text.replace(" ", "").replace("\n", "")
    row = made.json["rows"][0]
    assert (row["key"], row["environment"], row["version"], row["tags"]) == ("limits", "staging", 1, ["x"])
    change = '{"value": {"a": 1.0}, "version": 1}'
    saved = as_operator.post(
        f"{LIST}/limits/in/staging", data=change, content_type="application/json", headers=JSON
    ).json["rows"][0]
    assert (saved["id"], saved["version"], saved["updated_at"] > row["created_at"]) == (row["id"], 2, True)
    assert as_operator.get(f"{LIST}/limits", headers=JSON).json["rows"] == [saved]
    listed = as_operator.get(f"{LIST}?environment=staging&q=1.0", headers=JSON).json
    assert (listed["total"], listed["rows"]) == (1, [saved])


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ("{", "body", "Line 1"),
        ("[]", "body", "in braces"),
        ('{"key": "a", "value": NaN}', "body", "NaN"),
        ('{"key": "a", "vlaue": 1}', "body", "vlaue"),
        ('{"key": "a", "environment": "staging"}', "value", "Line 1"),
        ('{"key": 1, "value": 1}', "key", "text in quotes"),
        ('{"key": "a", "value": 1, "environments": "staging"}', "environments", "list of texts"),
    ],
)
def test_a_body_that_cannot_be_used_is_refused_with_the_field(as_operator, places, body, field, words):
    answer = as_operator.post(LIST, data=body, content_type="application/json", headers=JSON)
    assert answer.status_code == 422
    assert words in answer.json["error"]["fields"][field]


def test_applications_read_it_as_any_flag(cloned_store, sign_in):
    with cloned_store.app_context():
        ensure_environment("staging")
        _, words = create_key(name="shop", kind="flags", environment="staging")
        db.session.commit()
    body = '{"key": "limits", "environment": "staging", "value": {"b": 1e20, "a": [0.0, -0.0]}}'
    sign_in(cloned_store, "operator").post(LIST, data=body, content_type="application/json", headers=JSON)
    application, key = cloned_store.test_client(), {"Authorization": f"Bearer {words}"}
    while "limits" not in (whole := application.get("/flags/v1/staging/flags.json", headers=key).text):
        time.sleep(0.01)
    assert '"variants": {"value": {"b": 1e+20, "a": [0.0, -0.0]}}, "defaultVariant": "value"' in whole
    asked = application.post("/ofrep/v1/evaluate/flags/limits", json={"context": {}}, headers=key)
    assert (asked.json["variant"], asked.json["reason"]) == ("value", "STATIC")
    assert '{"b":1e+20,"a":[0.0,-0.0]}' in asked.text.replace(" ", "")


def test_a_read_key_reads_values_exactly_and_sets_none(app, as_operator, client, places):
    body = '{"key": "limits", "environment": "staging", "value": {"b": 1e20, "a": [0.0, -0.0]}}'
    as_operator.post(LIST, data=body, content_type="application/json", headers=JSON)
    with app.app_context():
        _, words = create_key(name="script", kind="read")
        db.session.commit()
    key = {"Authorization": f"Bearer {words}"}
    rows = client.get(LIST, headers=key).json["rows"]
    assert [json.dumps(row["value"]) for row in rows] == ['{"b": 1e+20, "a": [0.0, -0.0]}']
    assert '"{""b"": 1e+20, ""a"": [0.0, -0.0]}"' in client.get(f"{LIST}?format=csv", headers=key).text
    change = client.post(f"{LIST}/limits/in/staging", json={"value": 1, "version": 1}, headers=key)
    assert change.status_code == 403


def test_null_is_kept_exactly_and_answered_without_a_value(cloned_store, sign_in):
    with cloned_store.app_context():
        ensure_environment("staging")
        _, words = create_key(name="shop", kind="flags", environment="staging")
        db.session.commit()
    body, operator = {"key": "limits", "environment": "staging", "value": None}, sign_in(cloned_store, "operator")
    row = operator.post(LIST, json=body, headers=JSON).json["rows"][0]
    assert (row["value"], row["has_value"], row["type"]) == (None, True, "object")
    assert operator.get(f"{LIST}?format=csv").text.splitlines()[1].split(",")[3:6] == ["object", "null", "true"]
    assert "null</code>" in operator.get(LIST).text
    assert "\nnull</textarea>" in operator.get(f"{LIST}/limits/in/staging").text
    application, key = cloned_store.test_client(), {"Authorization": f"Bearer {words}"}
    while "limits" not in (whole := application.get("/flags/v1/staging/flags.json", headers=key).text):
        time.sleep(0.01)
    assert '"variants": {"value": null}, "defaultVariant": "value"' in whole
    assert read_document(whole).flags[0].definition.variants == {"value": None}
    asked = application.post("/ofrep/v1/evaluate/flags/limits", json={"context": {}}, headers=key)
    assert asked.json == {"key": "limits", "reason": "STATIC", "variant": "value"}


def test_a_retried_body_asks_for_approval_once(as_operator, places, store):
    store.execute(update(Environment).where(Environment.slug == "staging").values(approvals_needed=1))
    store.commit()
    body = {"key": "limits", "environment": "staging", "value": 1, "reason": "trial", "operation_id": "operation-1"}
    made = [as_operator.post(LIST, json=body, headers=JSON) for _ in range(2)]
    change = {"value": 2, "version": 0, "reason": "trial", "operation_id": "operation-2"}
    made += [as_operator.post(f"{LIST}/limits/in/staging", json=change, headers=JSON) for _ in range(2)]
    assert made[0].status_code == made[2].status_code == 303
    assert made[2].location == made[3].location
    kept = store.scalars(select(ChangeRequest.operation_id).order_by(ChangeRequest.id)).all()
    assert kept == ["operation-1", "operation-2"]
