"""Regular expressions of somebody else: the same answers as Python's, in a time that no text can stretch."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.flags.text_patterns import Refused, pattern_of

PIECES = ["a", "b", ".", "[ab]", "[^a]", "(a|b)", "(ab|a)", r"\d", r"\w", "1", "(a*b)", "^", "$", "(?:b|)", r"\."]
REPEATS = ["", "", "", "*", "+", "?", "{2}", "{1,3}", "{2,}", "*?"]
PATTERNS = st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(REPEATS)), max_size=6).map(
    lambda parts: "".join(piece + ("" if piece in "^$" else repeat) for piece, repeat in parts)
)


@settings(max_examples=400, deadline=None)
@given(PATTERNS, st.text("ab1._ -", max_size=8))
def test_it_finds_what_python_finds(pattern, text):
    expected = re.search(pattern, text, re.ASCII)
    assert pattern_of(pattern).is_in(text) == bool(expected)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a+)+$", "a" * 5_000 + "!"),
        ("(a|aa)*$", "a" * 5_000 + "!"),
        ("a*a*a*a*b", "a" * 5_000),
        ("(.*,)*$", "x" * 999),
    ],
)
def test_what_keeps_others_busy_for_years_is_answered_at_once(pattern, text):
    begun = time.perf_counter()
    pattern_of(pattern).is_in(text)
    assert time.perf_counter() - begun < 1


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("[", "cannot be read"),
        ("(?=a)", "around"),
        (r"(a)\1", "around"),
        (r"\bword", "edge of a word"),
        ("(?i)a", "flags"),
        ("(?i:a)", "around"),
        ("(a{1000}){1000}", "repeats too much"),
        ("((){60000}){60000}", "repeats too much"),
        ("a" * 501, "more than 500"),
        ("(?>a)", "around"),
    ],
)
def test_what_cannot_be_promised_is_refused_with_the_reason(pattern, reason):
    with pytest.raises(Refused, match=reason):
        pattern_of(pattern)


def test_a_text_too_long_for_the_pattern_is_refused():
    with pytest.raises(Refused, match=r"100,000 characters is too long"):
        pattern_of("a{300}").is_in("b" * 100_000)


def test_the_end_is_the_end_and_not_the_last_line_break():
    assert not pattern_of("^a$").is_in("a\n")
