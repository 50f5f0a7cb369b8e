"""A ramp grows one variant step by step and takes it from nobody who has it."""

from itertools import pairwise

import pytest

from dashboard.errors import Invalid
from dashboard.flags import ramp, rollout, targeting
from dashboard.flags.ramp import Ramp
from dashboard.flags.rules import Definition

OFF_DEFAULT = Definition(True, {"on": True, "off": False}, "off")
HOUR = 3_600


def half(**shares):
    return Definition(True, {"a": "1", "b": "2", "c": "3"}, "a", rollout.write(rollout.fresh("seed", shares)))


def split_of(definition):
    return targeting.read(definition.targeting).otherwise


def test_steps_come_at_their_times_with_equal_parts_of_the_way():
    made = ramp.definitions(Ramp("on", 100_000, 1_000, 4, HOUR), OFF_DEFAULT, "checkout")
    assert [at for at, _ in made] == [1_000, 4_600, 8_200, 11_800]
    assert [ramp.share_of(later, "on") for _, later in made] == [25_000, 50_000, 75_000, 100_000]


def test_whoever_has_the_variant_keeps_it_through_all_steps():
    before = half(a=50_000, b=30_000, c=20_000)
    made = [before, *(later for _, later in ramp.definitions(Ramp("c", 90_000, 0, 7, HOUR), before, "unused"))]
    for one, other in pairwise(made):
        moves = rollout.moves(split_of(one), split_of(other))
        assert {target for _, target in moves} == {"c"}
    assert split_of(made[-1]).seed == "seed"


def test_the_others_give_up_in_proportion():
    ((_, last),) = ramp.definitions(Ramp("c", 60_000, 0, 1, HOUR), half(a=50_000, b=30_000, c=20_000), "unused")
    assert rollout.shares(split_of(last)) == {"a": 25_000, "b": 15_000, "c": 60_000}


def test_rules_stay_before_a_ramp_and_a_flag_that_is_off_is_turned_on():
    rule = {"if": [{"and": ["rule-1", {"==": [{"var": "plan"}, "pro"]}]}, "on"]}
    off = Definition(False, {"on": True, "off": False}, "off", rule)
    (_, first), (_, last) = ramp.definitions(Ramp("on", 100_000, 0, 2, HOUR), off, "checkout")
    assert first.enabled
    assert targeting.read(first.targeting).rules == targeting.read(rule).rules
    assert targeting.read(last.targeting).otherwise == "on"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (Ramp("nobody", 50_000, 0, 2, HOUR), "variant"),
        (Ramp("off", 50_000, 0, 2, HOUR), "share"),
        (Ramp("on", 50_000, 0, 0, HOUR), "steps"),
        (Ramp("on", 50_000, 0, 51, HOUR), "steps"),
        (Ramp("on", 50_000, 0, 2, 59), "every"),
        (Ramp("on", 50_000, 0, 50, 8 * 86_400), "every"),
    ],
)
def test_a_ramp_that_goes_nowhere_is_refused(wrong, field):
    with pytest.raises(Invalid) as refused:
        ramp.definitions(wrong, OFF_DEFAULT, "checkout")
    assert list(refused.value.fields) == [field]


@pytest.mark.parametrize(
    "definition",
    [
        Definition(True, {"on": True, "off": False}, "off", {"cat": ["o", "n"]}),
        Definition(True, {"on": True, "off": False}, None),
    ],
)
def test_what_cannot_be_divided_is_not_divided(definition):
    with pytest.raises(Invalid):
        ramp.definitions(Ramp("on", 50_000, 0, 2, HOUR), definition, "checkout")


def test_a_flag_that_is_off_and_would_serve_the_variant_to_everybody_gives_the_others_the_other_one():
    off = Definition(False, {"on": True, "off": False}, "on")
    (_, first), (_, last) = ramp.definitions(Ramp("on", 50_000, 0, 2, HOUR), off, "checkout")
    assert rollout.shares(split_of(first)) == {"on": 25_000, "off": 75_000}
    assert rollout.shares(split_of(last)) == {"on": 50_000, "off": 50_000}
    three = Definition(False, {"a": "1", "b": "2", "c": "3"}, "a")
    with pytest.raises(Invalid, match="Once it is on everybody gets a"):
        ramp.definitions(Ramp("a", 50_000, 0, 2, HOUR), three, "checkout")
