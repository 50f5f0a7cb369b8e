"""Explanations: the same answer as an evaluation, every part's value, the bucket and its interval, what decided."""

from hypothesis import given
from hypothesis import strategies as st

from dashboard.flags.bucketing import drawn
from dashboard.flags.explain import explain, tree
from dashboard.flags.flagset import Common, FlagSet, ReadyFlag
from dashboard.flags.rules import Definition
from tests.flags.generated import contexts, rules
from tests.flags.test_oracle import VARIANTS, seldom

SPLIT = {"fractional": [{"cat": ["seed", {"var": "targetingKey"}]}, ["on", 25], ["off", 75]]}
RULE = {"if": [{"$ref": "staff"}, "on", {"==": [{"var": "plan"}, "pro"]}, SPLIT, "off"]}
SHARED = {"staff": {"ends_with": [{"var": "email"}, "@shop.example"]}}


def explained(rule, enabled=True, default="off", evaluators=SHARED, bucketing="v2", **context):
    common = Common(evaluators=evaluators, bucketing=bucketing)
    flag = ReadyFlag("flag", "string", Definition(enabled, VARIANTS, default, rule), common)
    whole = FlagSet("test", "1", {"flag": flag}, common).context(context, 1_000)
    return explain(flag, whole), flag.resolve(whole)


@seldom
@given(rules.map(lambda rule: {"if": [True, rule]}), st.sampled_from(["v2", "v3"]), st.integers(0, 2**32))
def test_an_explanation_comes_to_what_the_evaluation_comes_to(rule, bucketing, seed):
    for context in contexts(seed, 20):
        explanation, resolution = explained(rule, bucketing=bucketing, **context)
        assert explanation.resolution == resolution


def test_the_branch_that_decided_is_named_and_others_were_not_asked():
    explanation, _ = explained(RULE, email="x@shop.example", targetingKey="u")
    assert explanation.sentence == "Rule 1 decided: its condition holds."
    staff, on, is_pro, split, off = explanation.root.parts
    assert (staff.title, staff.values, staff.parts[0].title) == ("$ref staff", [True], "ends_with")
    assert on.values == ["on"]
    assert not any(part.was_asked for part in (is_pro, split, off))
    assert explanation.decided == (explanation.root, on)


def test_the_bucket_and_its_interval_are_shown():
    explanation, _ = explained(RULE, plan="pro", targetingKey="u")
    draw = drawn("seedu", [["on", 25], ["off", 75]])
    low, high = (0, 24) if draw.index == 0 else (25, 99)
    expected = (
        f"Rule 2 decided: its condition holds. Bucket {draw.bucket} of 100 lies in the interval from {low} to {high}."
    )
    assert explanation.sentence == expected
    assert explanation.root.parts[3].draws == [draw]
    assert tree(explanation.root)["parts"][3]["draws"][0]["interval"] == (low, high + 1)


def test_the_end_of_the_rule_decides_when_no_condition_holds():
    assert explained(RULE)[0].sentence == "No condition holds; what stands at the end of the rule decided."
    assert explained(SPLIT, targetingKey="u")[0].sentence.startswith("The rule as a whole decided. Bucket")
    assert "it gave null" in explained({"if": [False, "on"]})[0].sentence


def test_an_error_says_which_part_failed():
    explanation, _ = explained({"if": [{"var": "on"}, "off", {"nope": 1}]})
    assert explanation.sentence == "Applications get the error PARSE_ERROR. Unknown operator “nope”."
    assert explanation.root.parts[2].failure == "Unknown operator “nope”"


def test_without_a_rule_nothing_is_asked():
    assert explained(RULE, enabled=False)[0].sentence.startswith("The flag is off")
    assert explained(None)[0].sentence == "There is no rule: everybody gets the default variant."
    assert explained({}, default=None)[0].root is None


def test_a_part_that_is_asked_for_each_item_shows_each_value():
    explanation, _ = explained(
        {"if": [{"some": [{"var": "roles"}, {"==": [{"var": ""}, "b"]}]}, "on"]}, roles=["a", "b"]
    )
    assert explanation.root.parts[0].parts[1].values == [False, True]
