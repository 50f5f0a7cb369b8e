"""What a flag serves that needs others or will be another thing: the same answers as asking one after the other."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openfeature.contrib.tools.flagd.core import FlagdCore

from dashboard.flags.compiled import Assembly
from dashboard.flags.flagset import Common, FlagSet, ReadyFlag
from dashboard.flags.inlining import Tied
from dashboard.flags.rules import Definition, document_of
from tests.flags.generated import contexts, rules, tests
from tests.flags.test_oracle import quiet, seldom, their_answer  # noqa: F401 - a fixture

VARIANTS = {"on": "yes", "off": "no", "true": "t", "false": "f", "x": "letter", "10": "ten"}
SHORT = {"fractional": [["on", 50], ["off", 50]]}
SHARED = {
    "beta": {"==": [{"var": "plan"}, "pro"]},
    "keyed": {"==": [{"var": "$flagd.flagKey"}, "needed"]},
}
T = 1_900_000_000


def flag(rule=None, default="on", **more):
    return Definition(True, VARIANTS, default, rule, **more)


def answer(key, definition, context, now=T, bucketing="v2"):
    common = Common(evaluators=SHARED, bucketing=bucketing)
    ready = ReadyFlag(key, "string", definition, common)
    found = ready.resolve(FlagSet("test", "1", {}, common).context(context, now))
    return found.error_code or found.variant


def served(definition, needed=None, steps=(), bucketing="v2", **more):
    definitions = {"needed": needed} if needed else {}
    return Assembly(definitions | more, {"flag": steps}, SHARED, bucketing).served("flag", definition).definition


def needing(*variants, **more):
    return flag(prerequisites={"needed": list(variants)}, unmet_variant="off", **more)


@pytest.mark.parametrize("bucketing", ["v2", "v3"])
@seldom
@given(
    rule=st.one_of(rules, st.builds(lambda test: {"if": [{"and": [{"$ref": "keyed"}, test]}, SHORT, "off"]}, tests)),
    own=rules,
    default=st.sampled_from([None, "on", "off", "x"]),
    unmet=st.sampled_from([None, "off", "x"]),
    wanted=st.sets(st.sampled_from([*VARIANTS]), min_size=1),
    seed=st.integers(0, 2**32),
)
def test_a_flag_that_needs_another_answers_by_what_that_one_answers(bucketing, rule, own, default, unmet, wanted, seed):
    needed = flag({"if": [True, rule]}, default)
    mine = flag({"if": [True, own]}, "on", prerequisites={"needed": sorted(wanted)}, unmet_variant=unmet)
    try:
        found = served(mine, needed, bucketing=bucketing)
    except Tied:
        return
    for context in contexts(seed, 10):
        first = answer("needed", needed, context, bucketing=bucketing)
        if first == "PARSE_ERROR":
            expected = first
        else:
            expected = answer("flag", mine, context, bucketing=bucketing) if first in wanted else unmet
        assert answer("flag", found, context, bucketing=bucketing) == expected, (context, first)


@seldom
@given(rules, st.sampled_from([None, "on", "off"]), st.sampled_from(["on", "10", "false"]), st.integers(0, 2**32))
def test_flagd_core_gives_the_same_answers_to_what_is_served(rule, default, wanted, seed):
    whole = {"if": [True, {"if": [{"$ref": "beta"}, rule, rule]}]}
    try:
        found = served(needing(wanted), flag(whole, default), bucketing="v3")
    except Tied:
        return
    core = FlagdCore()
    core.set_flags({"flags": {"flag": document_of(found)}, "$evaluators": {"beta": SHARED["beta"]}})
    for context in contexts(seed, 10):
        expected = answer("flag", found, context, bucketing="v3")
        theirs = their_answer(core, context)
        assert (theirs if isinstance(theirs, str) else theirs[1]) == expected, context


def test_a_prerequisite_is_met_by_the_variants_it_names():
    rule = {"if": [{"$ref": "beta"}, "on", "off"]}
    found = served(needing("on"), flag(rule, "off"))
    assert found.targeting == {"if": [{"in": [rule, ["on"]]}, None, "off"]}
    assert found.default_variant == "on"


@pytest.mark.parametrize(
    ("needed", "variant"),
    [
        (None, "off"),
        (flag(), "on"),
        (flag(default="off"), "off"),
        (flag(default=None), "off"),
        (Definition(False, VARIANTS, "on"), "off"),
    ],
)
def test_what_is_sure_is_decided_beforehand(needed, variant):
    found = served(needing("on"), needed)
    assert (found.targeting, found.default_variant) == (None, variant)


def test_where_the_default_in_code_is_meant_the_own_default_is_spelled_out():
    found = served(flag({"if": [{"$ref": "beta"}, "x"]}, prerequisites={"needed": ["on"]}), flag({"var": "beta"}))
    assert found.default_variant is None
    assert found.targeting["if"][1] == {"if": [{"$ref": "beta"}, "x", "on"]}
    assert answer("flag", found, {}) == "on"
    assert answer("flag", found, {"beta": "off"}) is None


def test_prerequisites_of_prerequisites_are_written_into_the_rule_too():
    middle = flag({"var": "choice"}, prerequisites={"first": ["on"]}, unmet_variant="x")
    found = served(needing("on"), middle, first=flag({"var": "open"}, default="off"))
    assert answer("flag", found, {"open": "on"}) == "on"
    assert answer("flag", found, {"open": "off"}) == "off"
    assert answer("flag", found, {"open": "on", "choice": "x"}) == "off"


def test_every_prerequisite_has_to_be_met():
    both = flag(prerequisites={"needed": ["on"], "other": ["x"]}, unmet_variant="off")
    found = served(both, flag({"var": "one"}), other=flag({"var": "two"}))
    assert answer("flag", found, {"one": "on", "two": "x"}) == "on"
    assert answer("flag", found, {"two": "x"}) == "on"
    assert answer("flag", found, {"one": "on"}) == "off"


@pytest.mark.parametrize("rule", [{"var": {"cat": ["a"]}}, {"var": ""}, {"var": "$flagd"}])
def test_a_rule_that_may_read_its_own_key_cannot_be_needed(rule):
    with pytest.raises(Tied):
        served(needing("on"), flag({"if": [rule, "on"]}))


def test_percentages_without_a_seed_cannot_be_needed_where_version_3_draws():
    with pytest.raises(Tied, match="without a seed"):
        served(needing("on"), flag(SHORT), bucketing="v3")


def test_exactly_at_its_second_a_step_takes_place():
    steps = [(T, flag({"var": "want"}, "off")), (T + 60, flag(default="x"))]
    found = served(flag(), steps=steps)
    assert [answer("flag", found, {}, now) for now in (T - 1, T, T + 59, T + 60)] == ["on", "off", "off", "x"]
    assert answer("flag", found, {"want": "10"}, T) == "10"


def test_a_flag_that_will_be_turned_on_is_on_and_serves_the_default_in_code_until_then():
    off = Definition(False, VARIANTS, "on", {"if": [True, "x"]})
    found = served(off, steps=[(T, flag({"var": "want"}))])
    assert (found.enabled, found.default_variant) == (True, None)
    assert [answer("flag", found, {}, now) for now in (T - 1, T)] == [None, "on"]


def test_variants_of_before_and_after_are_all_there_and_another_value_has_another_name():
    after = Definition(True, {"new": "n", "on": "YES"}, "on", {"fractional": [["new", 1], ["on", 1], [True, 0]]})
    found = served(flag(), steps=[(T, after)])
    assert found.variants == VARIANTS | {"new": "n", f"on@{T}": "YES"}
    given = {answer("flag", found, {"targetingKey": str(number)}) for number in range(50)}
    assert given == {"new", f"on@{T}"}
    assert answer("flag", found, {}, T) == f"on@{T}"
    assert answer("flag", found, {}, T - 1) == "on"


def test_a_prerequisite_means_a_variant_under_each_of_its_names():
    needed = Definition(True, {"a": 1, "on": 2}, "a")
    steps = {"needed": [(T, Definition(True, {"a": 1, "on": 3}, "on"))]}
    mine = needing("on")
    found = Assembly({"needed": needed, "flag": mine}, steps).served("flag").definition
    assert [answer("flag", found, {}, now) for now in (T - 1, T)] == ["off", "on"]


def test_a_change_to_come_of_nothing_but_words_leaves_the_rule_alone():
    rule = {"if": [{"$ref": "beta"}, "x"]}
    found = served(flag(rule), steps=[(T, flag(rule, metadata={"team": "b"}))])
    assert found == flag(rule)


@seldom
@given(rules, rules, st.sampled_from([None, "on", "off"]), st.sampled_from([None, "on", "x"]), st.integers(0, 2**32))
def test_before_and_after_a_step_the_flag_answers_as_either_version_would(before, after, old, new, seed):
    versions = flag({"if": [True, before]}, old), flag({"if": [True, after]}, new)
    found = served(versions[0], steps=[(T, versions[1])])
    for context in contexts(seed, 5):
        for now, version in ((T - 1, versions[0]), (T, versions[1])):
            assert answer("flag", found, context, now) == answer("flag", version, context, now)


def test_what_is_served_is_plain_flagd():
    found = document_of(served(needing("on"), flag({"var": "plan"})))
    assert set(found) == {"state", "variants", "defaultVariant", "targeting"}
    assert json.loads(json.dumps(found)) == found
