"""Off, on for everybody, or partly on: told from the definition alone."""

import pytest

from dashboard.flags.reach import reach_of
from dashboard.flags.rules import Definition

ANYBODY = {"==": [{"var": "plan"}, "pro"]}
BY_TEXT = {"cat": ["seed", {"var": "targetingKey"}]}


def reach(targeting=None, *, enabled=True, default="off", variants=None):
    return reach_of(Definition(enabled, variants or {"on": True, "off": False}, default, targeting))


@pytest.mark.parametrize(
    "targeting",
    [
        {"if": [ANYBODY, "on", "off"]},
        {"if": [ANYBODY, "on"]},
        {"fractional": [BY_TEXT, ["on", 25], ["off", 75]]},
        {"fractional": [["on", 100], ["off", 0]]},
        {"if": [ANYBODY, {"fractional": [BY_TEXT, ["on", 1], ["off", 99]]}, "off"]},
        {"var": "variant"},
        {"if": [ANYBODY, {"var": "variant"}, "off"]},
        {"fractional": [BY_TEXT, [{"var": "variant"}, 100]]},
        {"and": [ANYBODY, "on"]},
        "nobody",
    ],
)
def test_a_rule_that_can_give_two_things_is_partly_on(targeting):
    assert reach(targeting).state == "partly"
    assert reach(targeting).outcome is None


@pytest.mark.parametrize(
    ("targeting", "same_as"),
    [
        (None, "off"),
        ({}, "off"),
        ({"if": [ANYBODY, "on", "on"]}, "on"),
        ({"if": [ANYBODY, "off"]}, "off"),
        ({"if": [True, "on", "off"]}, "on"),
        ({"if": [False, "on", "off"]}, "off"),
        ({"if": [ANYBODY, "on", True, "on", "off"]}, "on"),
        ({"fractional": [BY_TEXT, ["on", 100], ["off", 0]]}, "on"),
        ({"fractional": [BY_TEXT, ["on", 7]]}, "on"),
        ({"fractional": [BY_TEXT, ["on", 0]]}, "off"),
        ({"fractional": [["off", 100]]}, "off"),
    ],
)
def test_a_rule_that_gives_everybody_the_same_is_on_for_all(targeting, same_as):
    assert reach(targeting).state == "on"
    assert reach(targeting).outcome == reach(default=same_as).outcome


def test_a_rule_is_not_asked_while_a_flag_is_off():
    assert (reach({"if": [ANYBODY, "on"]}, enabled=False).state, reach(enabled=False).outcome) == ("off", "")


def test_off_and_on_without_a_default_are_the_same_outcome_with_other_states():
    assert (reach(default=None).state, reach(default=None).outcome) == ("on", reach(enabled=False).outcome)


def test_another_value_under_the_same_name_is_another_outcome():
    assert reach(variants={"off": 0.0}).outcome != reach(variants={"off": -0.0}).outcome
    assert reach(variants={"off": 1e20}).outcome != reach(variants={"off": 10**20}).outcome


def test_a_value_with_half_a_surrogate_pair_has_an_outcome():
    assert reach(variants={"off": "\ud800"}).state == "on"
