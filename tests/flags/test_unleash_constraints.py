"""Constraints of Unleash: truth tables by our evaluator, from the rules of its client specification."""

import pytest

from tests.flags.unleash_files import AT, asked, reason_of, strategy

TABLE = [
    ("IN", {"values": ["a", "b"]}, {"a": True, "b": True, "c": False, "A": False, None: False}),
    ("IN", {"values": []}, {"a": False, None: False}),
    ("NOT_IN", {"values": ["a", "b"]}, {"a": False, "c": True, None: True}),
    ("NOT_IN", {"values": []}, {"a": True, None: True}),
    ("IN", {"values": ["a"], "inverted": True}, {"a": False, "c": True, None: True}),
    ("NOT_IN", {"values": ["a"], "inverted": True}, {"a": True, "c": False, None: False}),
    ("IN", {"values": ["App2-[v1]"], "caseInsensitive": True}, {"aPP2-[V1]": True, "app2-[v1]x": False, None: False}),
    ("NOT_IN", {"values": ["ab"], "caseInsensitive": True}, {"AB": False, "a": True, "abc": True, None: True}),
    ("STR_STARTS_WITH", {"values": ["e1", "e2"]}, {"e2 cool": True, "cool e1": False, "E1": False, None: False}),
    ("STR_STARTS_WITH", {"values": ["tE-"], "caseInsensitive": True}, {"Te-st": True, "te": False, None: False}),
    ("STR_ENDS_WITH", {"values": [".com", ".org"]}, {"a.org": True, "a.COM": False, "": False, None: False}),
    ("STR_ENDS_WITH", {"values": ["aab"], "caseInsensitive": True}, {"xAaB": True, "ab": False, "aab": True}),
    ("STR_CONTAINS", {"values": ["some", "other"]}, {"an other": True, "any": False, None: False}),
    ("STR_CONTAINS", {"values": ["1.2"], "caseInsensitive": True}, {"v1.2": True, "v12": False}),
    ("STR_CONTAINS", {"values": ["some"], "inverted": True}, {"some": False, "any": True, None: True}),
    ("NUM_EQ", {"value": "12"}, {12: True, "12": True, "12.0": True, 13: False, "x": False, None: False}),
    ("NUM_EQ", {"value": "0"}, {0: True, None: False}),
    ("NUM_EQ", {"value": "12", "inverted": True}, {12: False, 13: True, None: True}),
    ("NUM_GT", {"value": "12"}, {13: True, 12: False, "13": True, "x": False, None: False}),
    ("NUM_GTE", {"value": "-1.5"}, {-1.5: True, -2: False, None: False}),
    ("NUM_LT", {"value": 12}, {11: True, 12: False, 0: True, None: False}),
    ("NUM_LTE", {"value": "12"}, {12: True, 12.5: False, None: False}),
    ("NUM_LT", {"value": "12", "inverted": True}, {11: False, 12: True, None: True}),
    ("SEMVER_EQ", {"value": "1.2.3"}, {"1.2.3": True, "1.2.4": False, "x": False, None: False}),
    ("SEMVER_GT", {"value": "1.2.3"}, {"1.2.4": True, "1.2.3": False, "1.2.4-rc.1": True, "1.2.3-rc.1": False}),
    ("SEMVER_LT", {"value": "1.2.3-beta.2"}, {"1.2.3-beta.1": True, "1.2.3": False, None: False}),
    ("SEMVER_GTE", {"value": "2.0.0"}, {"2.0.0": True, "1.9.9": False}),
    ("SEMVER_LTE", {"value": "2.0.0"}, {"2.0.0": True, "2.0.1": False}),
    ("IN_CIDR", {"values": ["10.1.0.0/16", "192.168.7.9", "no"]}, {"10.1.2.3": True, "10.10.2.3": False,
                                                                     "192.168.7.9": True, "192.168.7.90": False}),
    ("IN_CIDR", {"values": ["10.0.0.0/30"]}, {"10.0.0.3": True, "10.0.0.4": False, "10.0.0.30": False, None: False}),
    ("IN_CIDR", {"values": ["10.4.0.0/14"]}, {"10.7.255.1": True, "10.8.0.1": False, "10.40.0.1": False}),
    ("IN_CIDR", {"values": ["2001:DB8::1"]}, {"2001:db8::1": True, "2001:db8::2": False}),
]  # fmt: skip


@pytest.mark.parametrize(("operator", "constraint", "expected"), TABLE)
def test_every_operator_decides_as_unleash_does(operator, constraint, expected):
    is_for = asked(operator, **constraint)
    assert {value: is_for(**({} if value is None else {"x": value})) for value in expected} == expected


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("DATE_AFTER", AT - 1, True),
        ("DATE_AFTER", AT, False),
        ("DATE_BEFORE", AT + 1, True),
        ("DATE_BEFORE", AT, False),
    ],
)
def test_dates_are_compared_with_the_time_of_the_evaluation(operator, value, expected):
    zoned = {AT - 1: "2023-11-14T22:13:19.000Z", AT: "2023-11-14T23:13:20+01:00", AT + 1: "2023-11-14T22:13:21Z"}
    assert asked(operator, "currentTime", value=zoned[value])() is expected
    assert asked(operator, "currentTime", value=zoned[value], inverted=True)() is not expected


def test_users_are_told_by_their_targeting_key():
    is_for = asked("IN", "userId", values=["7"])
    assert [is_for(targetingKey="7"), is_for(userId="7")] == [True, False]


@pytest.mark.parametrize(
    ("constraint", "sentence"),
    [
        ({"operator": "STR_CONTAINS", "contextName": "x", "values": ["a"], "caseInsensitive": True}, "upper and lower"),
        ({"operator": "IN", "contextName": "x", "values": ["ä"], "caseInsensitive": True}, "upper and lower"),
        ({"operator": "REGEX", "contextName": "x", "value": ".*"}, "nothing like the operator REGEX"),
        ({"operator": ["IN"], "contextName": "x"}, "not a text"),
        ({"operator": "IN", "contextName": "plan.name", "values": ["a"]}, "as a path"),
        ({"operator": "IN", "contextName": 5, "values": ["a"]}, "names no field"),
        ({"operator": "IN", "contextName": "x", "values": [1]}, "not a list of texts"),
        ({"operator": "IN", "contextName": "x", "values": [], "inverted": "no"}, "neither true nor false"),
        ({"operator": "NUM_EQ", "contextName": "x", "value": "NaN"}, "not a number"),
        ({"operator": "NUM_EQ", "contextName": "x", "value": True}, "not a number"),
        ({"operator": "SEMVER_EQ", "contextName": "x", "value": "v1.2.3"}, "not a version"),
        ({"operator": "SEMVER_EQ", "contextName": "x", "value": "1.2"}, "not a version"),
        ({"operator": "DATE_AFTER", "contextName": "currentTime", "value": "2023-11-14"}, "time zone"),
        ({"operator": "DATE_AFTER", "contextName": "born", "value": "2023-11-14T00:00:00Z"}, "another field"),
        ({"operator": "IN", "contextName": "currentTime", "values": ["2023"]}, "something else than a time"),
        ({"operator": "IN_CIDR", "contextName": "x", "values": ["2001:db8::/32"]}, "knows no networks"),
        ({"operator": "IN_CIDR", "contextName": "x", "values": ["0.0.0.0/0"]}, "knows no networks"),
        ("IN", "not an object"),
    ],
)
def test_what_would_change_who_gets_what_is_refused(constraint, sentence):
    assert sentence in reason_of(strategy(constraints=[constraint]))
