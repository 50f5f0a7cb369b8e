"""The playground: what somebody would get and why, the same as applications get; who moves between two versions."""

import json

import pytest

from dashboard.flags import edits, live
from dashboard.flags.imports import ensure_environment
from dashboard.flags.queries import flag_by_key
from dashboard.flags.rules import Definition
from dashboard.flags.samples import constants_of, sampled
from dashboard.store import db
from tests.flags.conftest import make_flag
from tests.ofrep.conftest import until

SPLIT = {"fractional": [{"cat": ["seed", {"var": "targetingKey"}]}, ["on", 30], ["off", 70]]}
RULE = {"if": [{"==": [{"var": "plan"}, "pro"]}, SPLIT, "off"]}
VARIANTS = {"on": True, "off": False}
PAGE = "/flags/playground"
JSON = {"Accept": "application/json"}


@pytest.fixture
def served(cloned_store):
    """An app whose flag is targeted in staging, and which has heard of it."""
    with cloned_store.app_context():
        make_flag()
        target(cloned_store, RULE)
    yield cloned_store
    live.stop(cloned_store)


@pytest.fixture
def viewer(served, sign_in):
    return sign_in(served, "viewer")


def target(app, rule):
    with app.app_context():
        place = ensure_environment("staging")
        edits.set_in_environment(flag_by_key("checkout"), place, Definition(True, VARIANTS, "off", rule), version=None)
        db.session.commit()
        until(lambda: live.flags_of(place.id).flags["checkout"].definition.targeting == rule)


def ask(browser, **fields):
    fields = {"environment": "staging", "flag": "checkout"} | fields
    return browser.post(PAGE, data=fields)


def test_the_page_says_what_somebody_gets_and_what_decided(viewer):
    answer = ask(viewer, context='{"targetingKey": "u", "plan": "pro"}')
    assert answer.status_code == 200
    assert "Rule 1 decided: its condition holds. Bucket" in answer.text
    assert 'Bucketing value <code>"seedu"</code>' in answer.text
    assert "<html" not in viewer.fragment.post(PAGE, data={"flag": "checkout"}).text


def test_machines_get_the_answer_and_the_tree(viewer):
    found = viewer.get(f"{PAGE}?environment=staging&flag=checkout&format=json&context=%7B%7D").json
    assert found["result"] == {"key": "checkout", "reason": "TARGETING_MATCH", "value": False, "variant": "off"}
    assert found["explanation"] == "No condition holds; what stands at the end of the rule decided."
    assert [part["asked"] for part in found["tree"]["parts"]] == [1, 0, 1]


def test_all_flags_are_listed_without_a_choice(viewer):
    found = viewer.post(PAGE, data={"environment": "staging"}, headers=JSON).json
    assert [flag["key"] for flag in found["flags"]] == ["checkout"]
    assert "checkout" in ask(viewer, flag="").text


def test_two_environments_are_compared_over_people_made_up_from_the_rules(viewer):
    text = ask(viewer, other="production").text
    assert "people made up from the rules" in text
    found = viewer.post(
        PAGE, data={"environment": "staging", "flag": "checkout", "other": "production"}, headers=JSON
    ).json["comparison"]
    assert found["sampled"] == 1_000
    assert sum(move["count"] for move in found["moves"]) == 1_000
    assert {(move["before"], move["after"]) for move in found["moves"]} == {
        ("default in code", "on"), ("default in code", "off"),
    }  # fmt: skip


def test_a_version_is_compared_with_what_is_served_now(viewer):
    data = {"environment": "staging", "flag": "checkout", "other": "@2"}
    assert viewer.post(PAGE, data=data, headers=JSON).json["comparison"]["changed"] == 0
    assert viewer.post(PAGE, data=data | {"other": "@1"}, headers=JSON).json["comparison"]["changed"] == 1_000
    assert "Nobody of them gets anything else here" in ask(viewer, other="@2").text


@pytest.mark.parametrize(
    ("field", "text", "sentence"),
    [
        ("context", "{nope", "Line 1, column 2"),
        ("context", "[]", "A context is an object"),
        ("context", '{"targetingKey": 5}', "is a text"),
        ("context", json.dumps({"a": "x" * 20_000}), "at most 20,000 characters"),
        ("context", "[" * 5_000 + "]" * 5_000, "level"),
        ("other", "@99", "There is no such version here"),
        ("other", "@x", "There is no such version here"),
    ],
)
def test_what_cannot_be_used_is_refused_at_its_field(viewer, field, text, sentence):
    answer = ask(viewer, **{field: text})
    assert answer.status_code == 422
    assert sentence in answer.text


def test_a_flag_that_is_not_set_and_a_place_that_is_not_there(viewer):
    assert "is not set in" in ask(viewer, flag="nothing").text
    assert ask(viewer, environment="nowhere").status_code == 404


def test_a_stranger_is_sent_to_sign_in_and_a_post_without_a_token_is_refused(served, viewer):
    assert served.test_client().get(PAGE).status_code == 303
    assert viewer.post(PAGE, data={}, csrf=False).status_code == 400


def test_hostile_constants_are_shown_as_text(served, viewer):
    target(served, {"if": [{"==": [{"var": "<b>"}, "</code><script>alert(1)</script>"]}, "on", "off"]})
    text = ask(viewer, other="production").text
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_samples_take_the_constants_of_a_rule_and_what_lies_beside_a_limit():
    rule = {"and": [{">": [{"var": "user.age"}, 18]}, {"in": [{"var": ["plan", "x"]}, ["pro", "free"]]}, RULE]}
    assert constants_of([rule]) == {"plan": ["pro", "free"], "user.age": [18, 17, 19]} | {"plan": ["pro", "free"]}
    people = list(sampled([rule], 200))
    assert {person.get("user", {}).get("age") for person in people} == {17, 18, 19, None, "something else"}
    assert len({person["targetingKey"] for person in people}) == 200
    assert people == list(sampled([rule], 200))
