"""Weights of a rollout: only a share that one variant gave up moves, and what the form previews is what happens."""

from collections import Counter
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.flags import rollout
from dashboard.flags.evaluate import compile_rule
from dashboard.flags.rollout import WHOLE, Rollout

NAMES = ("a", "b", "c", "d")
PEOPLE = [f"person-{number}" for number in range(4_000)]


@st.composite
def weights(draw):
    """Shares of up to four variants that add up to the whole."""
    cuts = sorted(draw(st.lists(st.integers(0, WHOLE), min_size=3, max_size=3)))
    widths = [end - begin for begin, end in zip([0, *cuts], [*cuts, WHOLE], strict=True)]
    return {name: width for name, width in zip(draw(st.permutations(NAMES)), widths, strict=True) if width}


def drawn(wanted):
    rule = compile_rule(rollout.write(wanted))
    return {person: rule.value({"targetingKey": person}) for person in PEOPLE}


@settings(max_examples=200, deadline=None)
@given(st.lists(weights(), min_size=2, max_size=5))
def test_only_what_a_variant_gave_up_moves_through_any_number_of_changes(steps):
    held = rollout.fresh("seed", steps[0])
    for before, after in pairwise(steps):
        grown = rollout.changed(held, after)
        assert rollout.shares(grown) == after
        moved = rollout.moves(held, grown)
        lost = {name: before[name] - after.get(name, 0) for name in before if before[name] > after.get(name, 0)}
        assert sum(moved.values()) == Fraction(sum(lost.values()), WHOLE)
        assert all(one in lost and after[other] > before.get(other, 0) for one, other in moved)
        assert rollout.read(rollout.write(grown)) == grown
        held = grown


@settings(max_examples=15, deadline=None)
@given(weights(), weights())
def test_the_evaluator_gives_the_shares_and_moves_the_pairs_that_were_announced(before, after):
    held = rollout.fresh("seed", before)
    grown = rollout.changed(held, after)
    old, new = drawn(held), drawn(grown)
    counts = Counter(new.values())
    for name, share in after.items():
        assert counts[name] / len(PEOPLE) == pytest.approx(share / WHOLE, abs=0.04)
    moved = Counter((old[person], new[person]) for person in PEOPLE if old[person] != new[person])
    announced = rollout.moves(held, grown)
    assert set(moved) <= set(announced)
    for pair, share in announced.items():
        assert moved[pair] / len(PEOPLE) == pytest.approx(float(share), abs=0.04)


def test_three_variants_grow_without_the_reshuffle_that_plain_weights_cause():
    held = Rollout("seed", (("a", 10), ("b", 10), ("c", 80)))
    grown = rollout.changed(held, {"a": 20_000, "b": 20_000, "c": 60_000})
    assert rollout.moves(held, grown) == {("c", "a"): Fraction(1, 10), ("c", "b"): Fraction(1, 10)}
    plain = Rollout("seed", (("a", 20), ("b", 20), ("c", 60)))
    assert rollout.moves(held, plain)["b", "a"] == Fraction(1, 10)


def test_two_variants_stay_two_intervals():
    held = rollout.fresh("seed", {"on": 10_000, "off": 90_000})
    assert rollout.changed(held, {"on": 25_000, "off": 75_000}).entries == (("on", 25), ("off", 75))
    assert rollout.changed(held, {"on": 10_125, "off": 89_875}).entries == (("on", 10_125), ("off", 89_875))
    assert rollout.changed(held, {"on": 10_000, "off": 90_000}) is held


def test_another_seed_draws_everybody_anew():
    one, other = (rollout.fresh(seed, {"a": 50_000, "b": 50_000}) for seed in ("one", "other"))
    assert rollout.moves(one, other) == {("a", "b"): Fraction(1, 4), ("b", "a"): Fraction(1, 4)}


@pytest.mark.parametrize(
    "rule",
    [
        None,
        {"fractional": [["a", 1], ["b", 1]]},
        {"fractional": [{"var": "email"}, ["a", 50], ["b", 50]]},
        {"fractional": [{"cat": ["seed", {"var": "targetingKey"}]}, ["a"], ["b"]]},
        {"fractional": [{"cat": ["seed", {"var": "targetingKey"}]}, ["a", 1], ["b", 1], ["c", 1]]},
        {"fractional": [{"cat": ["seed", {"var": "targetingKey"}]}, ["a", True], ["b", 99]]},
        {"fractional": [{"cat": ["seed", {"var": "targetingKey"}]}, ["a", 0]]},
    ],
)
def test_other_splits_are_left_to_json(rule):
    assert rollout.read(rule) is None


@pytest.mark.parametrize(
    ("text", "thousandths"),
    [("", 0), ("10", 10_000), ("33,333", 33_333), ("0.001 %", 1), (".5", 500), ("100", WHOLE), ("100.001", None),
     ("1.2345", None), ("-1", None), ("ten", None), ("٣", None), ("1e2", None)],
)  # fmt: skip
def test_percentages_have_up_to_three_decimals(text, thousandths):
    assert rollout.percent_of(text) == thousandths
    if thousandths is not None:
        assert rollout.percent_of(rollout.percent_text(thousandths)) == thousandths
