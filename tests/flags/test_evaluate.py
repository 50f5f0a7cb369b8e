"""Rules: JsonLogic with flagd's operators, null on bad input, and what a rule reads."""

import pytest

from dashboard.flags.bucketing import hash_of, split
from dashboard.flags.evaluate import compile_rule
from dashboard.flags.reading import RuleFailed

CONTEXT = {"email": "a@shop.example", "age": 30, "roles": ["dev"], "$flagd": {"flagKey": "f", "timestamp": 1_000}}


def value(rule, **context):
    return compile_rule(rule).value(CONTEXT | context)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"var": "age"}, 30),
        ({"var": "roles.0"}, "dev"),
        ({"var": ["nope", 5]}, 5),
        ({"if": [{"in": ["@shop", {"var": "email"}]}, "a", "b"]}, "a"),
        ({"if": [False, "a", False, "b", "c"]}, "c"),
        ({"if": [False, "a"]}, None),
        ({"==": ["1", 1]}, True),
        ({"==": [None, 0]}, False),
        ({"===": [1, True]}, False),
        ({"===": [1, 1.0]}, True),
        ({"!=": ["a", "b"]}, True),
        ({"<": [18, {"var": "age"}, 65]}, True),
        ({"<": ["abc", 5]}, False),
        ({"<": ["b", ["a"]]}, False),
        ({">": [1]}, False),
        ({"<": [1, 2, 3, 0]}, True),
        ({"==": [["a"], "a"]}, True),
        ({"==": [["a"], ["a"]]}, False),
        ({"==": [{"var": "roles"}, {"var": "roles"}]}, True),
        ({"==": [True, "1"]}, True),
        ({"in": [1, [True]]}, False),
        ({"*": [9e18, 9e18]}, 8.1e37),
        ({"*": [2**62] * 100}, None),
        ({"+": ["abc"]}, None),
        ({"!": [[]]}, True),
        ({"!!": ["0"]}, True),
        ({"and": [True, "x"]}, "x"),
        ({"or": [0, "", "x"]}, "x"),
        ({"+": ["3", 4]}, 7),
        ({"-": [3]}, -3),
        ({"/": [1, 0]}, None),
        ({"%": [-5, 3]}, -2),
        ({"max": [1, 3]}, 3),
        ({"cat": ["a", 5.0, None, True]}, "a5true"),
        ({"substr": ["jsonlogic", 1, -5]}, "son"),
        ({"substr": ["jsonlogic", "x", 4]}, "json"),
        ({"substr": ["jsonlogic", 4, "x"]}, ""),
        ({"cat": [1e21, 1e-6, 1.5e-7, 0.1, 1e20]}, "1e+210.0000011.5e-70.1100000000000000000000"),
        ({"cat": [{"var": "$flagd"}]}, "[object Object]"),
        ({"merge": [[1], 2]}, [1, 2]),
        ({"map": [[1, 2], {"*": [{"var": ""}, 2]}]}, [2, 4]),
        ({"filter": [[1, 2], {">": [{"var": ""}, 1]}]}, [2]),
        ({"reduce": [[1, 2], {"+": [{"var": "current"}, {"var": "accumulator"}]}, 0]}, 3),
        ({"all": [[], True]}, False),
        ({"none": [[1], {"==": [{"var": ""}, 2]}]}, True),
        ({"some": [[1, 2], {"==": [{"var": ""}, 2]}]}, True),
        ({"missing": ["age", "plan"]}, ["plan"]),
        ({"missing_some": [1, ["age", "plan"]]}, []),
        ({"missing_some": ["2", ["age", "plan"]]}, ["plan"]),
        ({"missing_some": [1, "age"]}, []),
        ({"starts_with": [{"var": "email"}, "a@"]}, True),
        ({"ends_with": ["abc", 1]}, None),
        ({"starts_with": ["abc"]}, None),
        ({"sem_ver": ["v1.2", "=", "1.2.0+build"]}, True),
        ({"sem_ver": [1.2, "~", "1.2.9"]}, True),
        ({"sem_ver": ["2.0.0", "^", "1.9.9"]}, False),
        ({"sem_ver": ["1.0.0-rc.2", "<", "1.0.0-rc.10"]}, True),
        ({"sem_ver": ["1.2.3.4", "=", "1"]}, None),
        ({"sem_ver": ["1", "≈", "1"]}, None),
        ({"fractional": ["k", ["a", 0], ["b", -5]]}, None),
        ({"fractional": ["k", ["a", 50.0]]}, "a"),
        ({"fractional": ["k", ["a", 1.5]]}, None),
        ({"fractional": [5, ["a", 1]]}, None),
        ({"fractional": [["a"], ["b"]]}, None),
        ({"fractional": ["k", ["a", 1, 2]]}, None),
        ({"fractional": ["k", ["a", 2_147_483_647], ["b", 1]]}, None),
    ],
)
def test_an_operator_gives_what_flagd_gives(rule, expected):
    found = value(rule)
    assert found == expected
    assert type(found) is type(expected)


def test_the_implicit_key_is_flag_key_and_targeting_key():
    entries = [["a", 25], ["b", 75]]
    assert value({"fractional": entries}, targetingKey="u") == split("fu", entries)
    assert value({"fractional": [None, *entries]}, targetingKey="u") == split("fu", entries)


SUITS = {"fractional": [{"cat": [{"var": "$flagd.flagKey"}, {"var": "user.name"}]},
                        ["clubs", 25], ["diamonds", 25], ["hearts", 25], ["spades", 25]]}  # fmt: skip


@pytest.mark.parametrize(("version", "suit"), [("v2", "hearts"), ("v3", "diamonds")])
def test_the_published_vector_of_each_version(version, suit):
    context = {"$flagd": {"flagKey": "fractional-flag"}, "user": {"name": "jack"}}
    assert compile_rule(SUITS, bucketing=version).value(context) == suit


@pytest.mark.parametrize(
    ("key", "version_2", "version_3"),
    [("k", True, True), (5, False, True), (True, False, True), (2.5, False, True), ({"a": 1}, False, True)],
)
def test_version_3_also_buckets_by_what_is_no_text(key, version_2, version_3):
    rule = {"fractional": [{"var": "key"}, ["in"]]}
    for version, takes in (("v2", version_2), ("v3", version_3)):
        assert compile_rule(rule, bucketing=version).value({"key": key}) == ("in" if takes else None)


@pytest.mark.parametrize(("one", "other"), [(5, 5.0), (0, -0.0), ({"b": 1, "a": 2.0}, {"a": 2, "b": 1})])
def test_version_3_hashes_equal_values_alike(one, other):
    assert hash_of(one, "v3") == hash_of(other, "v3") is not None


def test_a_null_key_falls_back_to_the_implicit_one_only_in_version_2():
    rule = {"fractional": [{"var": "nobody"}, ["in"]]}
    context = CONTEXT | {"targetingKey": "u"}
    assert compile_rule(rule, bucketing="v2").value(context) == "in"
    assert compile_rule(rule, bucketing="v3").value(context) is None


def test_the_implicit_key_of_version_3_is_a_pair():
    context = CONTEXT | {"targetingKey": "u"}
    entries = [[number] for number in range(1_000)]
    found = compile_rule({"fractional": entries}, bucketing="v3").value(context)
    assert found == split(["f", "u"], entries, "v3") != split("fu", entries, "v3")


def test_intervals_computed_beforehand_hit_as_those_computed_while_running():
    plain = {"fractional": [{"var": "key"}, ["a", 3], ["b", 0], ["c", -1], ["d"], ["e", 50.0]]}
    weighed = {"fractional": [{"var": "key"}, ["a", {"+": [1, 2]}], ["b", 0], ["c", -1], ["d"], ["e", 50.0]]}
    keys = [f"user-{number}" for number in range(500)]
    for version in ("v2", "v3"):
        one, other = (compile_rule(rule, bucketing=version) for rule in (plain, weighed))
        assert [one.value({"key": key}) for key in keys] == [other.value({"key": key}) for key in keys]


ODD_KEYS = [None, 5, True, "", "Zürich", "\ud800", "x" * 5_000, "x" * 200_000, ["a"], {"a": 1}]


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_the_usual_form_of_a_rollout_gives_what_its_parts_give(version):
    """`substr` of the whole text keeps the other rule from its short form."""
    entries = [["a", 25], ["b", 50], ["c", 25]]
    usual = {"fractional": [{"cat": ["seed", {"var": "key"}]}, *entries]}
    parts = {"fractional": [{"cat": ["seed", {"substr": [{"var": "key"}, 0]}]}, *entries]}
    one, other = (compile_rule(rule, bucketing=version) for rule in (usual, parts))
    for key in [f"user-{number}" for number in range(300)] + ODD_KEYS:
        context = CONTEXT | {"key": key, "targetingKey": "u"}
        assert outcome(one, context) == outcome(other, context)


def outcome(rule, context):
    try:
        return rule.value(context)
    except RuleFailed as failed:
        return str(failed)


@pytest.mark.parametrize(
    ("text", "hashed"),
    [("ejOoVL", 0), ("bY9fO-", 1), ("SI7p-", 2**31 - 1), ("6LvT0", 2**31), ("ceQdGm", 2**32 - 1), ("", 0)],
)
def test_hashes_at_the_edges(text, hashed):
    assert hash_of(text, "v2") == hashed


SHARED = {
    "staff": {"ends_with": [{"var": "email"}, "@Zürich.example\\"]},
    "known": {"in": [{"var": "plan"}, ["pro"]]},
    "nested": {"$ref": "staff"},
}


def test_a_shared_rule_stands_where_it_is_referred_to():
    rule = {"if": [{"and": [{"$ref": "staff"}, {"!": {"$ref": "known"}}]}, "a", "b"]}
    compiled = compile_rule(rule, SHARED)
    assert compiled.value({"email": "x@Zürich.example\\"}) == "a"
    assert compiled.value({"email": "x@Zürich.example\\", "plan": "pro"}) == "b"
    assert compiled.attributes == {"email", "plan"}
    assert compiled.problems == ()


@pytest.mark.parametrize("name", ["nobody", "nested", 5, ["staff"]])
def test_an_unknown_shared_rule_and_one_inside_another_fail_when_asked(name):
    compiled = compile_rule({"if": [{"var": "ask"}, {"$ref": name}, "b"]}, SHARED)
    assert compiled.value({"ask": False}) == "b"
    with pytest.raises(RuleFailed, match="no shared rule"):
        compiled.value({"ask": True})


def test_shared_rules_cannot_blow_a_rule_up():
    large = {"or": [{"==": [{"var": "n"}, number]} for number in range(2_000)]}
    problems = compile_rule({"or": [{"$ref": "large"}] * 100}, {"large": large}).problems
    assert problems == ("The rule with its shared rules has too many parts",)


@pytest.mark.parametrize("rule", [{"nope": 1}, {"$ref": "x"}, {"if": [True, {"nope": 1}]}])
def test_an_unknown_operator_fails_only_when_the_evaluation_gets_there(rule):
    with pytest.raises(RuleFailed):
        value(rule)
    assert value({"if": [False, rule, "b"]}) == "b"
    assert len(compile_rule(rule).problems) == 1


def test_a_rule_that_doubles_a_text_without_end_is_stopped():
    doubling = {"reduce": [list(range(40)), {"cat": [{"var": "accumulator"}, {"var": "accumulator"}]}, "xx"]}
    with pytest.raises(RuleFailed, match="cat"):
        value(doubling)


def test_a_rule_tells_what_it_reads():
    rule = {"if": [{"==": [{"var": "user.plan"}, 1]}, {"fractional": [["a", 1]]}]}
    assert compile_rule(rule).attributes == {"user", "targetingKey"}
    assert compile_rule({"var": {"var": "name"}}).attributes is None
    assert compile_rule({"missing_some": [1, ["a", "b.c"]]}).attributes == {"a", "b"}
    assert compile_rule({"missing": [["a"], "b"]}).attributes == {"a", "b"}
    assert compile_rule({"some": [{"var": "roles"}, {"var": "name"}]}).attributes == {"roles"}
    assert compile_rule({">": [{"var": "$flagd.timestamp"}, 1]}).reads_time is True
    assert compile_rule({"var": "$flagd.flagKey"}).reads_time is False


def test_depth_is_limited():
    rule = True
    for _ in range(500):
        rule = {"!": rule}
    assert "nested deeper" in compile_rule(rule).problems[0]
