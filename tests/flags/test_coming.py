"""What is to come of a flag reads as a table of steps: when, what happens, and how far a variant has grown."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dashboard.flags import coming, ramp
from dashboard.flags.ramp import Ramp
from dashboard.flags.rules import Definition, document_of

OFF = Definition(False, {"on": True, "off": False}, "off")
RULE = {"if": [{"and": ["rule-1", {"==": [{"var": "plan"}, "pro"]}]}, "on"]}


def said(steps):
    return [step.words.replace("\N{NO-BREAK SPACE}", " ") for step in steps]


def words(before, *afters):
    steps = coming.steps_of(document_of(before), [(number, document_of(after)) for number, after in enumerate(afters)])
    return said(steps)


def test_a_ramp_says_who_has_what_after_each_step():
    made = ramp.definitions(Ramp("on", 100_000, 1_900_000_000, 3, 3_600), OFF, "checkout")
    steps = coming.steps_of(document_of(OFF), [(at, document_of(later)) for at, later in made])
    assert said(steps) == [
        "Turned on; 33.333 % on, 66.667 % off",
        "66.666 % on, 33.334 % off",
        "100 % on",
    ]
    assert [(step.variant, step.share) for step in steps] == [("on", 0.33333), ("on", 0.66666), ("on", 1.0)]
    assert steps[0].at == datetime(2030, 3, 17, 17, 46, 40, tzinfo=UTC)
    assert [item.field for item in steps[0].differences] == ["state", "targeting"]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"enabled": True}, "Turned on"),
        ({"default_variant": "on"}, "100 % on"),
        ({"targeting": RULE}, "Another rule"),
        ({"targeting": {"cat": ["o", "n"]}}, "Another rule"),
        ({"enabled": True, "targeting": RULE, "default_variant": "on"}, "Turned on; 100 % on; another rule"),
        ({"variants": {"on": True, "off": True}}, "Another variant off"),
        ({"metadata": {"team": "shop"}}, "Another metadata"),
        (
            {"variants": dict.fromkeys("abcdef", True), "default_variant": "a"},
            "100 % a; another variant a, variant b, variant c, variant d and 5 more",
        ),
        ({}, "Nothing changes"),
    ],
)
def test_every_other_step_is_named_shortly(changed, expected):
    assert words(OFF, replace(OFF, **changed)) == [expected]


def test_each_step_is_told_beside_the_one_before_it_and_only_a_ramp_grows():
    on = replace(OFF, enabled=True)
    assert words(OFF, on, OFF) == ["Turned on", "Turned off"]
    (step,) = coming.steps_of({}, [(0, document_of(on))])
    assert (*said([step]), step.variant) == (
        "Turned on; 100 % off; another variant on, variant off, order of variants",
        None,
    )
