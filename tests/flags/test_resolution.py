"""Every row of flagd's resolution, in its order: reason, variant, value or the error."""

import json

import pytest

from dashboard.flags.flagset import Common, FlagSet, ReadyFlag
from dashboard.flags.rules import Definition

VARIANTS = {"on": "yes", "off": "", "true": "t", "false": "f", "1": "one"}
PRO = {"if": [{"==": [{"var": "plan"}, "pro"]}, "on"]}


def answered(targeting, default="off", enabled=True, set_metadata=None, metadata=None, **context):
    common = Common(metadata=set_metadata or {})
    flag = ReadyFlag("f", "string", Definition(enabled, VARIANTS, default, targeting, metadata or {}), common)
    flags = FlagSet("test", "1", {"f": flag}, common)
    text = flag.resolve(flags.context(context, 1_000)).text
    assert flags.bulk.written(flags.bulk.answers(flags.context(context, 1_000))) == text
    return json.loads(text)


def served(reason, variant):
    return {"key": "f", "reason": reason, "value": VARIANTS[variant], "variant": variant}


def in_code(reason):
    return {"key": "f", "reason": reason, "variant": ""}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"targeting": {"nope": 1}, "enabled": False}, in_code("DISABLED")),
        ({"targeting": None}, served("STATIC", "off")),
        ({"targeting": {}}, served("STATIC", "off")),
        ({"targeting": None, "default": None}, in_code("DEFAULT")),
        ({"targeting": {}, "default": None}, in_code("DEFAULT")),
        ({"targeting": PRO}, served("DEFAULT", "off")),
        ({"targeting": PRO, "default": None}, in_code("DEFAULT")),
        ({"targeting": {"!": [True]}}, served("TARGETING_MATCH", "false")),
        ({"targeting": {"!!": [True]}}, served("TARGETING_MATCH", "true")),
        ({"targeting": PRO, "plan": "pro"}, served("TARGETING_MATCH", "on")),
        ({"targeting": {"if": [True, "off"]}}, served("TARGETING_MATCH", "off")),
        ({"targeting": {"+": [0.5, 0.5]}}, served("TARGETING_MATCH", "1")),
        ({"targeting": {"fractional": ["k", ["on", 1]]}}, served("TARGETING_MATCH", "on")),
        ({"targeting": {"fractional": ["k", ["on", 0]]}}, served("DEFAULT", "off")),
        ({"targeting": {"fractional": ["k", [None, 1]]}}, served("DEFAULT", "off")),
        ({"targeting": {"starts_with": ["k"]}}, served("DEFAULT", "off")),
    ],
)
def test_a_resolution_without_an_error(asked, expected):
    assert answered(**asked) == expected


@pytest.mark.parametrize(
    ("targeting", "code"),
    [
        ({"cat": ["nowhere"]}, "GENERAL"),
        ({"cat": [""]}, "GENERAL"),
        ({"merge": ["on"]}, "GENERAL"),
        ({"var": ""}, "GENERAL"),
        ({"nope": []}, "PARSE_ERROR"),
        ({"$ref": "nobody"}, "PARSE_ERROR"),
        ({"if": [True, {"log": "on"}]}, "PARSE_ERROR"),
    ],
)
def test_a_resolution_with_an_error_says_which_and_why(targeting, code):
    found = answered(targeting)
    assert (found["key"], found["errorCode"]) == ("f", code)
    assert found["errorDetails"].endswith(".")
    assert "value" not in found


@pytest.mark.parametrize(("targeting", "enabled"), [(None, True), (None, False), ({"nope": 1}, True)])
def test_metadata_of_the_flag_lies_over_that_of_the_set_also_without_a_value(targeting, enabled):
    found = answered(targeting, enabled=enabled, set_metadata={"a": 1, "b": 2.0}, metadata={"b": "x"})
    assert found["metadata"] == {"a": 1, "b": "x"}


def test_what_was_sent_under_flagd_is_overwritten():
    rule = {"if": [{"==": [{"var": "$flagd.timestamp"}, 1_000]}, {"cat": [{"var": "$flagd.flagKey"}]}]}
    found = answered(rule, **{"$flagd": {"flagKey": "forged", "timestamp": 0}})
    assert found["errorDetails"] == 'The rule gave "f", which names no variant.'


def test_a_change_keeps_order_and_says_what_is_read_now():
    def flag(key, targeting=None):
        return ReadyFlag(key, "string", Definition(True, VARIANTS, "off", targeting))

    first = FlagSet("test", "1", {key: flag(key) for key in ("a", "c")} | {"d": flag("d", PRO)})
    second = first.changed("2", {"b": flag("b", {"var": "beta"}), "d": None})
    assert (list(second.flags), second.attributes, second.revision) == (["a", "b", "c"], {"beta"}, "2")
    third = second.changed("3", {"b": flag("b", {">": [{"var": "$flagd.timestamp"}, 1]}), "a": flag("a", PRO)})
    assert (third.attributes, third.reads_time, list(first.flags)) == ({"plan"}, True, ["a", "c", "d"])


@pytest.mark.parametrize("order", ["", "fcffcc", "cf", "ffc", "c", "f"])
def test_all_at_once_are_each_flags_own_answer_in_their_order(order):
    rules = {"c": PRO, "f": None}
    named = {f"{n}{kind}": Definition(True, VARIANTS, "off", rules[kind]) for n, kind in enumerate(order)}
    flags = FlagSet("test", "1", {key: ReadyFlag(key, "string", one) for key, one in named.items()})
    context = flags.context({"plan": "pro"}, 1_000)
    expected = [flag.resolve(context).text for flag in flags.flags.values()]
    answers = flags.bulk.answers(context)
    assert flags.bulk.written(answers) == ",".join(expected)
    assert sorted([*flags.bulk.always.answers, *answers]) == sorted(expected)
