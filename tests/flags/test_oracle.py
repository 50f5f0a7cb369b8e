"""Random rules and contexts: we say what openfeature-flagd-core says, which buckets by version 3.

Its known defects (see `generated`) are left out by name. `make fuzz` runs many more.
"""

import logging
import os
import time

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.contrib.tools.flagd.core.targeting import targeting
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import OpenFeatureError

from dashboard.flags.evaluate import compile_rule
from dashboard.flags.flagset import Common, FlagSet, ReadyFlag
from dashboard.flags.reading import RuleFailed
from dashboard.flags.rules import Definition
from tests.flags.generated import contexts, rules, tests

FUZZED = os.environ.get("FUZZ_EXAMPLES")
CONTEXTS = 70
often = settings(
    max_examples=int(FUZZED or 300),
    derandomize=not FUZZED,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
seldom = settings(often, max_examples=often.max_examples // 5)
FAILED = "failed"


@pytest.fixture(autouse=True)
def quiet():
    """The oracle logs every operand that it cannot use."""
    logging.getLogger("openfeature.contrib").setLevel(logging.CRITICAL + 1)


def asked(context):
    rest = {name: value for name, value in context.items() if name != "targetingKey"}
    return EvaluationContext(context.get("targetingKey"), rest)


def theirs(rule, context):
    try:
        return targeting("flag", rule, asked(context))
    except ReferenceError:
        return FAILED


def ours(compiled, context):
    try:
        return compiled.value(context | {"$flagd": {"flagKey": "flag", "timestamp": int(time.time())}})
    except RuleFailed:
        return FAILED


def same(one, other):
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return (isinstance(one, bool) is isinstance(other, bool)) and one == other


@often
@given(rules.map(lambda rule: {"if": [True, rule]}), st.integers(0, 2**32))
@example({"fractional": [["a", 1], ["b", 1]]}, 1)
def test_a_random_rule_gives_the_oracles_value(rule, seed):
    compiled = compile_rule(rule, bucketing="v3")
    for context in contexts(seed, CONTEXTS):
        found, expected = ours(compiled, context), theirs(rule, context)
        assert same(found, expected), (context, found, expected)


VARIANTS = {"on": "yes", "off": "no", "true": "t", "false": "f", "x": "letter", "10": "ten"}
SHARED = {"beta": {"==": [{"var": "plan"}, "pro"]}}  # no backslash, nothing but ASCII: it refuses the document then


def their_answer(core, context):
    try:
        found = core.resolve_string_value("flag", "code", asked(context))
    except OpenFeatureError as error:
        return error.error_code.value
    return found.reason, found.variant


@seldom
@given(rules, tests, st.sampled_from([None, "off"]), st.integers(0, 2**32))
def test_a_random_flag_gives_the_oracles_reason_variant_or_error(rule, test, default, seed):
    whole = {"if": [{"and": [{"$ref": "beta"}, test]}, "on", rule]}
    document = {"state": "ENABLED", "variants": VARIANTS, "defaultVariant": default, "targeting": whole}
    core = FlagdCore()
    core.set_flags({"flags": {"flag": document}, "$evaluators": SHARED})
    common = Common(evaluators=SHARED, bucketing="v3")
    flag = ReadyFlag("flag", "string", Definition(True, VARIANTS, default, whole), common)
    flags = FlagSet("test", "1", {"flag": flag}, common)
    for context in contexts(seed, CONTEXTS):
        expected, found = their_answer(core, context), flag.resolve(flags.context(context, 0))
        if isinstance(compiled_value(flag, flags, context), float | list):
            continue  # the name of a variant there is Python's text: 1.0, not 1
        assert (found.error_code or (found.reason, found.variant)) == expected, context


def compiled_value(flag, flags, context):
    try:
        return flag.rule.value(flags.context(context, 0))
    except RuleFailed:
        return None
