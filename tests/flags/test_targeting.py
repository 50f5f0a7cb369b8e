"""Rules of the form and flagd's JSON: one reads back as the other, and means what the form says."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.flags import conditions, rollout, targeting
from dashboard.flags.conditions import OPERATORS, Condition
from dashboard.flags.evaluate import compile_rule
from dashboard.flags.targeting import Rule, Rules

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=8)
NUMBERS = st.integers(-1000, 1000) | st.floats(-1e6, 1e6, allow_nan=False)
SCALARS = TEXTS | NUMBERS | st.booleans() | st.sampled_from(["", "12", "true", ' "a', "a, b", '"'])
VALUES = {
    "value": st.tuples(SCALARS),
    "list": st.lists(SCALARS, min_size=1, max_size=3).map(tuple),
    "text": st.tuples(TEXTS),
    "number": st.tuples(NUMBERS),
    "range": st.tuples(NUMBERS, NUMBERS),
    "version": st.tuples(st.sampled_from(["1.2.3", "v2.0.0-beta.1", "3.1"])),
    "nothing": st.just(()),
    "segment": st.tuples(st.sampled_from(["beta", "staff"])),
}
ATTRIBUTES = ("email", "user.age", "$flagd.timestamp")
VARIANTS = ("a", "b", "c")


@st.composite
def asked(draw):
    name = draw(st.sampled_from(sorted(OPERATORS)))
    takes = OPERATORS[name].takes
    attribute = "" if takes == "segment" else draw(st.sampled_from(ATTRIBUTES))
    return Condition(attribute, name, draw(VALUES[takes]))


ROLLOUTS = st.integers(1, 99).map(lambda share: rollout.fresh("seed", {"a": share * 1000, "b": 100_000 - share * 1000}))
OUTCOMES = st.none() | st.sampled_from(VARIANTS) | ROLLOUTS
LISTS = st.lists(st.tuples(st.lists(asked(), min_size=1, max_size=3).map(tuple), OUTCOMES), max_size=4)


@st.composite
def written(draw):
    named = draw(st.booleans())
    rules = [Rule(f"rule-{n}" if named else "", *pair) for n, pair in enumerate(draw(LISTS))]
    return Rules(tuple(rules), draw(OUTCOMES))


@settings(max_examples=300, deadline=None)
@given(written())
def test_rules_read_back_from_their_json_as_they_were(rules):
    document = targeting.write(rules)
    assert repr(targeting.read(json.loads(json.dumps(document)))) == repr(rules)
    assert targeting.write(targeting.read(document)) == document
    assert not compile_rule(document, {"beta": True, "staff": False}).problems


@settings(max_examples=300, deadline=None)
@given(asked())
def test_a_value_reads_back_from_its_text(condition):
    read_back = conditions.values_of(conditions.text_of(condition), condition.operator)
    assert json.dumps(read_back) == json.dumps(condition.values)
    assert conditions.problem_of(condition, ("beta", "staff")) is None


@pytest.mark.parametrize(
    ("operator", "text", "yes", "no"),
    [
        ("equals", "eu", "eu", "us"),
        ("equals", "12", 12, 13),
        ("not_equals", "eu", "us", "eu"),
        ("one_of", 'de, "a, b", 7', "a, b", "b"),
        ("one_of", "de, 7", 7, "fr"),
        ("not_one_of", "de, at", None, "at"),
        ("contains", "@example", "me@example.com", "me@other.com"),
        ("not_contains", "12", "3", "123"),
        ("starts_with", "admin", "administrator", "an admin"),
        ("not_starts_with", "admin", "an admin", "admin"),
        ("ends_with", ".com", "a.com", "a.net"),
        ("not_ends_with", ".com", "a.net", "a.com"),
        ("above", "18", 19, 18),
        ("at_least", "18", 18, 17.5),
        ("below", "1.5", 1, 1.5),
        ("at_most", "1.5", 1.5, 2),
        ("between", "18, 65", 65, 66),
        ("version>=", "1.2.0", "1.10", "1.1.9"),
        ("version^", "2.0.0", "2.9.1", "3.0.0"),
        ("exists", "", False, None),
        ("not_exists", "", None, 0),
    ],
)
def test_each_operator_means_its_words(operator, text, yes, no):
    condition = Condition("user.it", operator, conditions.values_of(text, operator))
    assert conditions.problem_of(condition, ()) is None
    rule = compile_rule(targeting.write(Rules((Rule("rule-1", (condition,), "a"),), "b")))
    assert [rule.value({"user": {"it": value}}) for value in (yes, no)] == ["a", "b"]


def test_all_conditions_must_hold_and_the_first_rule_that_holds_decides():
    adult, member = Condition("age", "at_least", (18,)), Condition("", "segment", ("members",))
    rules = Rules((Rule("rule-1", (adult, member), "a"), Rule("rule-2", (adult,), "b")), "c")
    rule = compile_rule(targeting.write(rules), {"members": {"==": [{"var": "plan"}, "member"]}})
    people = [{"age": 20, "plan": "member"}, {"age": 20}, {"age": 2, "plan": "member"}]
    assert [rule.value(person) for person in people] == ["a", "b", "c"]
    assert targeting.references(targeting.write(rules)) == {"members"}


@pytest.mark.parametrize(
    "document",
    [
        {"==": [{"var": "email"}, "a"]},
        {"if": [{"==": [{"var": "email"}, "a"]}, True]},
        {"if": [{"or": [{"==": [{"var": "email"}, "a"]}]}, "a"]},
        {"if": [{"and": ["not an id", {"==": [{"var": "email"}, "a"]}]}, "a"]},
        {"if": [{"and": ["rule-1"]}, "a"]},
        {"if": [{"and": ["rule-1", {"==": [1, 1]}]}, "a"]},
        {"if": [{"==": [{"var": ["email", "x"]}, "a"]}, "a"]},
        {"if": [{"in": [{"var": "email"}, [None]]}, "a"]},
        {"if": [{"sem_ver": [{"var": "v"}, "=", "x"]}, "a"]},
        {"if": [{"==": [{"var": "a"}, 1]}, {"fractional": [["a", 1], ["b", 1]]}]},
        {"if": "a"},
        {"if": []},
    ],
)
def test_other_json_is_left_to_json(document):
    assert targeting.read(document) is None


def test_the_announcement_is_exact_by_rule():
    adult = Condition("age", "at_least", (18,))
    held, grown = (rollout.fresh("s", {"a": share, "b": 100_000 - share}) for share in (10_000, 13_100))
    before, after = (Rules((Rule("rule-1", (adult,), split),)) for split in (held, grown))
    assert targeting.announced(before, after, "b", "b") == ["Of those who meet rule 1, 3.1 % move from b to a."]
    assert targeting.announced(before, before, "b", "b") == []
    assert targeting.announced(before, before, "b", None) == [
        "Of all others, 100 % move from b to the default in code."
    ]
    assert targeting.announced(Rules(), Rules(otherwise=held), "b", "b") == ["10 % move from b to a."]
    assert targeting.announced(before, Rules(), "b", "b") == ["1 rule is gone: who met it goes on to the next."]
