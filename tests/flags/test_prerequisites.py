"""Flags that need others: by the form, refused where nobody could meet it, seen by whoever changes what is needed."""

import json

import pytest
from sqlalchemy import select

from dashboard.flags.imports import ensure_environment
from dashboard.flags.models import FlagVersion
from dashboard.flags.prerequisites import circle, dependants, in_order, needed_by
from dashboard.flags.queries import document_of
from dashboard.store import db
from dashboard.targets.queries import environment_by_slug
from tests.flags.conftest import make_flag

EDIT = "/flags/checkout/in/staging"
NEEDS = {"needs": ["payments"], "needs:payments": ["on"], "unmet": "variant:off"}
FORM = {
    "variant_name": ["on", "off"], "variant_value": ["true", "false"], "default": "0", "enabled": "on",
    "rules_view": "form", "targeting": "", "otherwise.outcome": "default", "version": "1",
}  # fmt: skip
NEED = {"a": ["b", "c"], "b": ["d"], "c": ["d"], "x": ["y"], "y": ["x"]}


@pytest.fixture
def two(app, flags):
    with app.app_context():
        make_flag("payments")
    return flags


@pytest.fixture
def needing(as_operator, two):
    assert as_operator.post(f"{EDIT}/set", data=FORM | NEEDS).status_code == 303
    return two


def test_who_needs_whom_is_told_over_several_steps():
    assert dependants(NEED, ["d"]) == {"a", "b", "c"}
    assert needed_by(NEED, ["a"]) == {"b", "c", "d"}
    assert in_order(NEED, ["a", "b", "d", "c"]) == ["d", "b", "c", "a"]
    assert circle(NEED, "x") == ["x", "y", "x"]
    assert circle(NEED, "a") == []
    assert circle({"a": ["a"]}, "a") == ["a", "a"]


def test_the_form_adds_a_flag_with_its_variants_to_tick(as_operator, two):
    page = as_operator.post(f"{EDIT}/set", data=FORM | {"needs_key": "payments", "action": "need-add"})
    assert page.status_code == 200
    assert page.text.count('name="needs:payments"') == 2
    assert "Whoever does not meet them gets" in page.text
    gone = as_operator.post(f"{EDIT}/set", data=FORM | NEEDS | {"action": "need-remove:payments"})
    assert 'name="needs:payments"' not in gone.text


def test_what_is_saved_is_shown_kept_and_told_apart(as_operator, needing, store):
    setting = needing["checkout", "staging"]
    assert (setting.prerequisites, setting.unmet_variant) == ({"payments": ["on"]}, "off")
    newest = store.scalars(select(FlagVersion).order_by(FlagVersion.id.desc()).limit(1)).one()
    assert (newest.document["prerequisites"], newest.document["unmetVariant"]) == ({"payments": ["on"]}, "off")
    assert "needs payments" in as_operator.get("/flags/checkout").text
    assert "checked> <code>on</code>" in as_operator.get(EDIT).text


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"needs": ["payments"]}, "Tick the variants of payments that count."),
        ({"needs_key": "payments"}, "Tick the variants of payments that count."),
        ({"needs_key": "no such key"}, "No flag has such a key."),
        (NEEDS | {"needs:payments": ["gone"]}, "payments has no variant “gone” in Staging."),
        ({"needs": ["gone"], "needs:gone": ["on"]}, "gone is not set in Staging"),
        (NEEDS | {"unmet": "variant:gone"}, "There is no variant “gone”."),
        ({"needs": ["checkout"], "needs:checkout": ["on"]}, "checkout, which needs checkout"),
    ],
)
def test_what_nobody_could_meet_is_refused_in_a_sentence(as_operator, two, sent, sentence):
    answer = as_operator.post(f"{EDIT}/set", data=FORM | sent)
    assert (answer.status_code, sentence in answer.text) == (422, True)
    assert two["checkout", "staging"].version == 1


def test_a_circle_is_refused_with_its_way(as_operator, needing):
    back = FORM | {"needs": ["checkout"], "needs:checkout": ["on"]}
    answer = as_operator.post("/flags/payments/in/staging/set", data=back)
    assert answer.status_code == 422
    assert "payments, which needs checkout, which needs payments" in answer.text


def test_whoever_archives_or_turns_off_sees_who_needs_it(as_operator, needing):
    for address in ("", "/in/staging/confirm?enabled=off", "/in/staging"):
        page = as_operator.get(f"/flags/payments{address}").text
        assert "1 flag needs" in page
        assert 'href="/flags/checkout"' in page
    assert "1 flag needs" not in as_operator.get("/flags/payments/in/production").text


def test_a_variant_that_another_flag_needs_stays(as_operator, needing):
    less = FORM | {"variant_name": ["off"], "variant_value": ["false"]}
    answer = as_operator.post("/flags/payments/in/staging/set", data=less)
    assert answer.status_code == 422
    assert "checkout needs the variant “on” of this flag." in answer.text


def test_two_people_who_add_different_flags_both_succeed(app, as_operator, needing):
    with app.app_context():
        make_flag("search")
    both = FORM | NEEDS | {"version": "2"}
    mine = both | {"needs": ["payments", "search"], "needs:search": ["on"]}
    theirs = both | {"unmet": "none"}
    assert as_operator.post(f"{EDIT}/set", data=theirs).status_code == 303
    assert as_operator.post(f"{EDIT}/set", data=mine).status_code == 303
    setting = needing["checkout", "staging"]
    assert setting.prerequisites == {"payments": ["on"], "search": ["on"]}
    assert setting.unmet_variant is None


def test_on_the_same_flag_the_second_sees_all_three_and_nothing_is_lost(as_operator, needing):
    both = FORM | NEEDS | {"version": "2"}
    assert as_operator.post(f"{EDIT}/set", data=both | {"needs:payments": ["off"]}).status_code == 303
    answer = as_operator.post(f"{EDIT}/set", data=both | {"needs:payments": ["on", "off"]})
    assert answer.status_code == 409
    assert answer.text.count("needs payments") == 1
    assert answer.text.count('name="needs:payments"') == 2


def test_a_version_with_prerequisites_can_be_gone_back_to(as_operator, needing):
    assert as_operator.post(f"{EDIT}/set", data=FORM | {"version": "2"}).status_code == 303
    assert needing["checkout", "staging"].prerequisites is None
    assert as_operator.post(f"{EDIT}/revert", data={"to": "2", "version": "3"}).status_code == 303
    assert needing["checkout", "staging"].prerequisites == {"payments": ["on"]}


def test_a_flag_is_promoted_with_those_that_it_needs_before_it(app, as_operator, needing):
    up = {"from": "staging", "to": "fresh", "operation_id": "operation-1"}
    with app.app_context():
        ensure_environment("fresh")
        db.session.commit()
    alone = as_operator.post("/flags/compare", data=up | {"flags": ["checkout:2:0"]})
    assert (alone.status_code, "payments is not set in Fresh" in alone.text) == (422, True)
    together = as_operator.post("/flags/compare", data=up | {"flags": ["checkout:2:0", "payments:1:0"]})
    assert together.status_code == 303
    assert needing["checkout", "fresh"].prerequisites == {"payments": ["on"]}


def test_applications_are_told_plain_flagd(app, as_operator, needing):
    with app.app_context():
        document = json.loads(document_of(environment_by_slug("staging")))
    assert document["flags"]["checkout"] == {
        "state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off",
    }  # fmt: skip
