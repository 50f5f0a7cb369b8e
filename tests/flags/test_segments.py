"""Segments: shared conditions that rules refer to, exported as `$evaluators`, kept while a rule needs them."""

import json

import pytest
from sqlalchemy import select

from dashboard.flags.queries import document_of
from dashboard.flags.segment_models import FlagSegment
from dashboard.flags.wire import read_document
from dashboard.security.models import AuditEntry
from dashboard.targets.queries import environment_by_slug

STAGING, PRODUCTION = "/flags/segments/staging", "/flags/segments/production"
BETA = {
    "name": "beta", "description": "Those who asked", "rules_view": "form", "rule": "rule-segment", "version": "0",
    "rule-segment.attribute": "email", "rule-segment.operator": "ends_with", "rule-segment.value": "@example.com",
}  # fmt: skip
RULE = {"ends_with": [{"var": "email"}, "@example.com"]}
IN_BETA = {
    "variant_name": ["on", "off"], "variant_value": ["true", "false"], "default": "1", "rules_view": "form",
    "targeting": "", "version": "1", "rule": "rule-1", "rule-1.attribute": "", "rule-1.operator": "segment",
    "rule-1.value": "beta", "rule-1.outcome": "variant:on", "enabled": "on",
}  # fmt: skip


def segment(store, name="beta"):
    store.expire_all()
    return store.scalar(select(FlagSegment).where(FlagSegment.name == name))


def test_a_segment_is_added_changed_and_removed_with_a_trace(as_operator, flags, store):
    assert as_operator.post(STAGING, data=BETA).status_code == 303
    assert (segment(store).rule, segment(store).version) == (RULE, 1)
    assert "beta" in as_operator.get("/flags/segments").text
    changed = BETA | {"version": "1", "rule-segment.value": ".org"}
    assert as_operator.post(f"{STAGING}/beta", data=changed).status_code == 303
    assert segment(store).rule == {"ends_with": [{"var": "email"}, ".org"]}
    assert as_operator.post(f"{STAGING}/beta", data=changed | {"rule-segment.value": ".net"}).status_code == 409
    assert as_operator.post(f"{STAGING}/beta/remove", data={"version": "2"}).status_code == 303
    assert segment(store) is None
    traced = select(AuditEntry.action).where(AuditEntry.subject == "beta in staging")
    assert sorted(store.scalars(traced)) == ["segment.remove", "segment.set", "segment.set"]


@pytest.mark.parametrize("name", ["new", ".", "a b", ""])
def test_a_name_that_no_address_can_lead_to_is_refused(as_operator, flags, store, name):
    assert as_operator.post(STAGING, data=BETA | {"name": name}).status_code == 422
    assert segment(store, name) is None


def test_a_rule_refers_to_it_and_flags_json_carries_both(app, as_operator, flags, store):
    as_operator.post(STAGING, data=BETA)
    assert as_operator.post("/flags/checkout/in/staging/set", data=IN_BETA).status_code == 303
    assert flags["checkout", "staging"].targeting == {"if": [{"and": ["rule-1", {"$ref": "beta"}]}, "on"]}
    assert "checkout" in as_operator.get("/flags/segments").text
    with app.app_context():
        text = document_of(environment_by_slug("staging"))
    assert json.loads(text)["$evaluators"] == {"beta": RULE}
    (entry,) = read_document(text).flags
    assert entry.definition.targeting == {"if": [{"and": ["rule-1", RULE]}, "on"]}


def test_a_segment_in_use_stays(as_operator, flags, store):
    as_operator.post(STAGING, data=BETA)
    as_operator.post("/flags/checkout/in/staging/set", data=IN_BETA)
    refused = as_operator.post(f"{STAGING}/beta/remove", data={"version": "1"})
    assert (refused.status_code, "used by checkout" in refused.text) == (409, True)
    assert segment(store) is not None
    page = as_operator.get(f"{STAGING}/beta").text
    assert "reaches 1 flag at once" in page


def test_a_rule_cannot_refer_to_a_segment_of_another_environment(as_operator, flags):
    as_operator.post(STAGING, data=BETA)
    url, confirmed = "/flags/checkout/in/production/set", {"reason": "test", "typed_key": "checkout"}
    answer = as_operator.post(url, data=IN_BETA | confirmed)
    assert (answer.status_code, "Choose a segment of this environment" in answer.text) == (422, True)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": "not a name"}, "name"),
        ({"rule-segment.value": ""}, "rule-segment.0"),
        ({"rules_view": "json", "text": "{"}, "rule"),
        ({"rules_view": "json", "text": '{"$ref": "beta"}'}, "rule"),
        ({"rules_view": "json", "text": '{"guess": 1}'}, "rule"),
        ({"rules_view": "json", "text": "[]"}, "rule"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(as_operator, flags, store, wrong, field):
    answer = as_operator.post(STAGING, data=BETA | wrong)
    assert (answer.status_code, f'href="#{field}"' in answer.text) == (422, True)
    assert segment(store) is None


def test_production_asks_for_a_reason_and_the_name(as_operator, flags, store):
    assert as_operator.post(PRODUCTION, data=BETA).status_code == 422
    assert as_operator.post(PRODUCTION, data=BETA | {"reason": "test", "typed_key": "beta"}).status_code == 303


def test_the_form_and_json_show_the_same(as_operator, flags):
    as_json = as_operator.post(STAGING, data=BETA | {"action": "rules-json"})
    assert "ends_with" in as_json.text
    text = json.dumps(RULE)
    as_form = as_operator.post(STAGING, data={"rules_view": "json", "text": text, "action": "rules-form"})
    assert 'value="@example.com"' in as_form.text
    more = as_operator.post(STAGING, data=BETA | {"action": "condition-add:rule-segment"})
    assert "Value of condition 2" in more.text


@pytest.mark.parametrize("url", [STAGING, f"{STAGING}/beta", f"{STAGING}/beta/remove"])
def test_writes_refuse_strangers_and_viewers(client, as_viewer, flags, url):
    assert client.post(url, data=BETA).status_code in {303, 401}
    assert as_viewer.post(url, data=BETA).status_code == 403


def test_unknown_ones_are_404(as_operator, flags):
    assert as_operator.get(f"{STAGING}/gone").status_code == 404
    assert as_operator.post("/flags/segments/nowhere", data=BETA).status_code == 404
