"""Rules: JsonLogic with flagd's operators, null on bad input, and what a rule reads."""

import pytest

from dashboard.flags.bucketing import murmur3_32, split
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
        ({"merge": [[1], 2]}, [1, 2]),
        ({"map": [[1, 2], {"*": [{"var": ""}, 2]}]}, [2, 4]),
        ({"filter": [[1, 2], {">": [{"var": ""}, 1]}]}, [2]),
        ({"reduce": [[1, 2], {"+": [{"var": "current"}, {"var": "accumulator"}]}, 0]}, 3),
        ({"all": [[], True]}, False),
        ({"none": [[1], {"==": [{"var": ""}, 2]}]}, True),
        ({"some": [[1, 2], {"==": [{"var": ""}, 2]}]}, True),
        ({"missing": ["age", "plan"]}, ["plan"]),
        ({"missing_some": [1, ["age", "plan"]]}, []),
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


def test_the_published_vector_of_version_2():
    rule = {"fractional": [{"cat": [{"var": "$flagd.flagKey"}, {"var": "user.name"}]},
                           ["clubs", 25], ["diamonds", 25], ["hearts", 25], ["spades", 25]]}  # fmt: skip
    context = {"$flagd": {"flagKey": "fractional-flag"}, "user": {"name": "jack"}}
    assert compile_rule(rule).value(context) == "hearts"


@pytest.mark.parametrize(
    ("text", "hashed"),
    [("ejOoVL", 0), ("bY9fO-", 1), ("SI7p-", 2**31 - 1), ("6LvT0", 2**31), ("ceQdGm", 2**32 - 1), ("", 0)],
)
def test_hashes_at_the_edges(text, hashed):
    assert murmur3_32(text.encode()) == hashed


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
    assert compile_rule({">": [{"var": "$flagd.timestamp"}, 1]}).reads_time is True
    assert compile_rule({"var": "$flagd.flagKey"}).reads_time is False


def test_depth_is_limited():
    rule = True
    for _ in range(500):
        rule = {"!": rule}
    assert "nested deeper" in compile_rule(rule).problems[0]
