"""Two changes from one version: different fields go together, the same field is contested, nothing is lost."""

import json

import pytest

from dashboard.flags.merging import merge

BASE = {"state": "DISABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on", "metadata": {"team": "a"}}
RULES = {"if": [
    {"and": ["rule-1", {"==": [{"var": "country"}, "de"]}]}, "on",
    {"and": ["rule-2", {"==": [{"var": "country"}, "fr"]}]}, "on", "off",
]}  # fmt: skip
JSON_ONLY = {"if": [{"<": [{"var": "age"}, {"+": [1, 2]}]}, "on", "off"]}


def but(**changes):
    return {name: value for name, value in (BASE | changes).items() if value is not None}


def rules(*changes):
    text = json.dumps(RULES)
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return but(targeting=json.loads(text))


@pytest.mark.parametrize(
    ("theirs", "yours", "together"),
    [
        (but(state="ENABLED"), but(defaultVariant="off"), but(state="ENABLED", defaultVariant="off")),
        (but(state="ENABLED"), BASE, but(state="ENABLED")),
        (but(defaultVariant="off"), but(defaultVariant="off"), but(defaultVariant="off")),
        (but(variants={"on": True, "off": False, "x": True}), but(variants={"on": False, "off": False}),
         but(variants={"on": False, "off": False, "x": True})),
        (but(metadata={"team": "b"}), but(metadata={"team": "a", "more": 1}), but(metadata={"team": "b", "more": 1})),
        (but(metadata=None), but(state="ENABLED"), but(metadata=None, state="ENABLED")),
        (but(targeting=JSON_ONLY), but(state="ENABLED"), but(targeting=JSON_ONLY, state="ENABLED")),
        (but(defaultVariant=None), but(targeting=JSON_ONLY), but(defaultVariant=None, targeting=JSON_ONLY)),
        (but(variants={"off": False, "on": True}), but(state="ENABLED"),
         but(variants={"off": False, "on": True}, state="ENABLED")),
        (but(state="ENABLED"), but(variants={"off": False, "on": True}),
         but(variants={"off": False, "on": True}, state="ENABLED")),
    ],
)  # fmt: skip
def test_different_fields_go_together(theirs, yours, together):
    merged = merge([BASE, theirs], yours)
    assert json.dumps(merged.document, sort_keys=False) == json.dumps(
        {name: together[name] for name in merged.document}, sort_keys=False
    )
    assert (set(merged.document), merged.contested) == (set(together), ())


@pytest.mark.parametrize(
    ("theirs", "yours", "contested"),
    [
        (but(defaultVariant="off"), but(defaultVariant=None), ("default variant",)),
        (but(variants={"on": 1}), but(variants={"on": 1.0, "off": False}), ("variant on",)),
        (but(variants={"on": True}), but(defaultVariant="off"), ("default variant", "variant off")),
        (but(targeting=JSON_ONLY), but(variants={"off": False}, defaultVariant="off"), ("targeting", "variant on")),
        (but(targeting=JSON_ONLY), but(targeting={"if": [{"<": [1, {"+": [1, 1]}]}, "on"]}), ("targeting",)),
        (but(metadata={"team": "b"}), but(metadata=None), ("metadata team",)),
    ],
)
def test_the_same_field_is_contested(theirs, yours, contested):
    assert merge([BASE, theirs], yours) == merge([BASE, BASE, theirs], yours)
    assert merge([BASE, theirs], yours).contested == contested


def test_a_field_that_was_changed_there_and_back_is_contested_too():
    assert merge([BASE, but(state="ENABLED"), BASE], but(state="ENABLED")).contested == ("state",)


def test_two_people_on_different_rules_both_succeed():
    theirs, yours = rules(('"de"', '"at"')), rules(('"fr"', '"be"'))
    together = rules(('"de"', '"at"'), ('"fr"', '"be"'))
    assert json.dumps(merge([rules(), theirs], yours).document) == json.dumps(together)


def test_two_people_on_the_same_rule_do_not():
    theirs, yours = rules(('"de"', '"at"')), rules(('"de"', '"be"'))
    assert merge([rules(), theirs], yours).contested == ("rule rule-1",)


def test_a_rule_added_by_one_and_one_removed_by_the_other():
    added = but(targeting={"if": [{"and": ["rule-9", {"==": [{"var": "a"}, 1]}]}, "off", *RULES["if"]]})
    removed = but(targeting={"if": RULES["if"][2:]})
    together = merge([rules(), added], removed).document["targeting"]["if"]
    assert [operand["and"][0] for operand in together if isinstance(operand, dict)] == ["rule-9", "rule-2"]


def test_what_comes_after_the_rules_is_a_field_of_its_own():
    yours = but(targeting={"if": RULES["if"][:-1]})
    together = merge([rules(), rules(('"de"', '"at"'))], yours).document["targeting"]
    assert json.dumps(together) == json.dumps({"if": rules(('"de"', '"at"'))["targeting"]["if"][:-1]})
